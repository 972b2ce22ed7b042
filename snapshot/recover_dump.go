package snapshot

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"repotool/store"
)

// database takes the dump up that lies in the day. What one must know of a database to
// create it is taken from the nearest snapshot, or from RESTORE.txt by hand.
func (r *recovery) database(ctx context.Context) error {
	root := filepath.Join(r.day, "database")
	if !exists(root) {
		return nil
	}
	parts := map[string]*DumpPart{}
	var order []string
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		part, ok := partOf(rel)
		if !ok {
			r.findings.Add(DatabaseWarning, rel, "in the day: no piece of a dump")
			return nil
		}
		piece, err := r.piece(ctx, path.Join("database", rel))
		if err != nil {
			return err
		}
		if parts[part.Path] == nil {
			parts[part.Path] = &part
			order = append(order, part.Path)
		}
		p := parts[part.Path]
		p.Pieces = append(p.Pieces, piece) // WalkDir comes in the order of their numbers
		return nil
	})
	if err != nil {
		return err
	}
	if len(parts) == 0 {
		return nil
	}
	dump := &Dump{Mode: DumpPlain}
	if r.like != nil && r.like.Database != nil {
		was := r.like.Database
		dump.Mode, dump.Main, dump.Tool, dump.ServerVersion, dump.Databases = was.Mode, was.Main, was.Tool, was.ServerVersion, was.Databases
	}
	known := map[string]bool{}
	for _, d := range dump.Databases {
		known[d.Name] = true
	}
	slices.SortStableFunc(order, func(a, b string) int { // roles come before what belongs to them
		return cmp.Compare(rankOf(parts[a].Format), rankOf(parts[b].Format))
	})
	for _, name := range order {
		p := *parts[name]
		if like := r.likePart(name); like != nil {
			p.Database, p.Format = like.Database, like.Format
		}
		dump.Parts = append(dump.Parts, p)
		if p.Database != "" && !known[p.Database] {
			known[p.Database] = true
			dump.Databases = append(dump.Databases, DumpedDatabase{Name: p.Database})
			r.findings.Add(DatabaseWarning, p.Database, "its owner, encoding and locale are not known any more: see RESTORE.txt in the day")
		}
		if dump.Main == "" {
			dump.Main = p.Database
		}
	}
	r.report.Databases = len(known)
	r.manifest.Database = dump
	return nil
}

func rankOf(format string) int {
	if format == FormatGlobals {
		return 0
	}
	return 1
}

func (r *recovery) likePart(name string) *DumpPart {
	if r.like == nil || r.like.Database == nil {
		return nil
	}
	i := slices.IndexFunc(r.like.Database.Parts, func(p DumpPart) bool { return p.Path == name })
	if i < 0 {
		return nil
	}
	return &r.like.Database.Parts[i]
}

// partOf says which part of a dump a file below database/ is a piece of. It is the reverse
// of PieceName, for plain dumps; others are known by the nearest snapshot.
func partOf(rel string) (p DumpPart, ok bool) {
	name, ok := strings.CutSuffix(rel, ".zst")
	if !ok {
		return p, false
	}
	dir, base := path.Split(name)
	dir = strings.TrimSuffix(dir, "/")
	number, plain := strings.CutSuffix(base, ".sql")
	switch {
	case dir == "" && strings.HasSuffix(name, propertiesEnding):
		return DumpPart{Path: name, Database: strings.TrimSuffix(name, propertiesEnding), Format: FormatProperties}, true
	case dir == "":
		return DumpPart{Path: name, Format: FormatGlobals}, true
	case plain && isNumber(number):
		return DumpPart{Path: dir, Database: dir, Format: FormatPlain}, true
	case isNumber(base):
		return DumpPart{Path: dir, Database: dir, Format: FormatCommand}, true
	}
	if i := strings.LastIndexByte(name, '.'); i > 0 && isNumber(name[i+1:]) && len(name)-i > 6 {
		name = name[:i]
	}
	first, _, _ := strings.Cut(name, "/")
	return DumpPart{Path: name, Database: first, Format: FormatDirectory}, true
}

// propertiesEnding is that of the part that belongs to a database and not to its dump.
const propertiesEnding = ".properties.sql"

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// piece stores one piece, and reads what is in it.
func (r *recovery) piece(ctx context.Context, day string) (p DumpPiece, err error) {
	b, err := os.ReadFile(filepath.Join(r.day, day))
	if err != nil {
		return p, err
	}
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return p, err
	}
	defer z.Close()
	raw, err := z.DecodeAll(b, nil)
	if err != nil {
		return p, fmt.Errorf("%s: %w", day, err)
	}
	put, err := r.reader.w.PutBytes(ctx, b)
	return DumpPiece{Object: put.Object, Raw: store.Sum(raw), RawLen: int64(len(raw)), Len: int64(len(b))}, err
}
