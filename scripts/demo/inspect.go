package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
)

// state is what an installation holds, found without repotool.
type state struct {
	files map[string]string // SHA-256 and mode by path
	bytes int64
	left  int               // files of FOSSology's unfinished work, which a backup leaves out
	rows  map[string]string // count and MD5 of the rows by table
}

// inspect reads every file and every row.
func (d *demo) inspect() (*state, error) {
	s := &state{files: map[string]string{}, rows: map[string]string{}}
	err := filepath.WalkDir(d.repository, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		rel, _ := filepath.Rel(d.repository, path)
		if parts := strings.Split(rel, "/"); len(parts) > 2 && (parts[1] == "ununpack" || parts[1] == "wget") || strings.HasSuffix(rel, ".I") {
			s.left++
			return nil
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		sum, err := sha256File(path)
		if err != nil {
			return err
		}
		s.files[rel] = sum + " " + info.Mode().String()
		s.bytes += info.Size()
		return nil
	})
	if err != nil {
		return nil, err
	}
	tables, err := d.cluster.Query(d.db, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
	if err != nil {
		return nil, err
	}
	for table := range strings.FieldsSeq(tables) {
		s.rows[table], err = d.cluster.Query(d.db, fmt.Sprintf(
			`SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, E'\n' ORDER BY t::text)), '') FROM public.%q t`, table))
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// compare prints both states and fails if the second one is not the first.
func (before *state) compare(after *state) error {
	missing, other := 0, 0
	for path, is := range before.files {
		switch was, ok := after.files[path]; {
		case !ok:
			missing++
		case was != is:
			other++
		}
	}
	tables, rows := 0, 0
	for table, is := range before.rows {
		var n int
		fmt.Sscan(is, &n)
		rows += n
		if after.rows[table] != is {
			tables++
		}
	}
	fmt.Printf("  files   %6d before, %6d after: %d missing, %d with other bytes or modes\n", len(before.files), len(after.files), missing, other)
	fmt.Printf("  bytes   %6.1f MB before, %6.1f MB after\n", float64(before.bytes)/1e6, float64(after.bytes)/1e6)
	fmt.Printf("  rows    %6d in %d tables: %d tables differ\n", rows, len(before.rows), tables)
	fmt.Printf("  (left out on purpose: %d files below */ununpack/ and *.I, unfinished work of killed agents)\n", before.left)
	if missing+other+tables > 0 || len(before.files) != len(after.files) {
		return errors.New("the restored installation is not the lost one")
	}
	fmt.Println("  Nothing is missing.")
	return nil
}

// sha256File hashes a file.
func sha256File(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return fmt.Sprintf("%x", h.Sum(nil)), err
}

// names are those of the files of a type.
func (d *demo) names(typ string) iter.Seq[string] {
	return func(yield func(string) bool) {
		paths, _ := filepath.Glob(filepath.Join(d.repository, "localhost", typ, "*/*/*/*"))
		for _, path := range paths {
			if name := filepath.Base(path); !strings.HasSuffix(name, ".I") && !yield(name) {
				return
			}
		}
	}
}
