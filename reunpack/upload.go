package reunpack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"slices"

	"repotool/fossology"
	"repotool/goldindex"
	"repotool/unpack"
)

// This file brings one upload back without a ledger. An agent of FOSSology's scheduler
// runs as FOSSology's user, on whichever host: it must not be able to read the store,
// where the ledger is, since dumps with passwords are there. It needs none: the database
// says what the upload's gold is, and of each content that comes out of it the hashes
// say whether it is wanted.

// UploadSource is where a plan for one upload looks. Host may be nil.
type UploadSource struct {
	Repository fossology.Repository
	Upload     fossology.Upload
	Uses       iter.Seq2[fossology.Use, error] // of the upload
	CutShort   bool                            // its first unpack did not come to its end
	Host       func(host string) bool          // whose files are brought back; nil: every host's
	Stir       func()                          // is told of every file that was looked for; may be nil
}

// An UploadPlan says what of an upload is missing on some hosts.
type UploadPlan struct {
	*Plan
	Elsewhere Sum // files of the upload that belong to other hosts; nobody looked for them
}

// A direct plan opens one gold, of which the ledger says nothing.
type direct struct {
	upload fossology.Upload
	cut    bool
	wanted map[string][]fossology.Name // by the files directory where they belong
}

// errNoFile means that an upload has nothing that could be unpacked.
var errNoFile = errors.New("it has no file: it was deleted, or never arrived")

// Upload plans to bring back what is missing of one upload, from its own gold alone.
// The names of what is missing are kept in memory.
func Upload(ctx context.Context, s UploadSource) (*UploadPlan, error) {
	if !s.Upload.Living() {
		return nil, fmt.Errorf("plan upload %d: %w", s.Upload.PK, errNoFile)
	}
	if _, err := s.Repository.Tops(); err != nil {
		return nil, err
	}
	d := &direct{upload: s.Upload, cut: s.CutShort, wanted: map[string][]fossology.Name{}}
	p := &UploadPlan{Plan: &Plan{source: Source{Repository: s.Repository}, direct: d, Golds: []Gold{}}}
	for u, err := range s.Uses {
		var bad *fossology.RowError
		if errors.As(err, &bad) {
			continue
		}
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = p.look(s, u)
		}
		if err != nil {
			return nil, fmt.Errorf("plan upload %d: %w", s.Upload.PK, err)
		}
		if s.Stir != nil {
			s.Stir()
		}
	}
	if p.Rebuilt.Files > 0 {
		p.Golds = append(p.Golds, Gold{Name: s.Upload.Name.String(), Upload: s.Upload.Filename,
			Files: p.Rebuilt.Files, Bytes: p.Rebuilt.Bytes, name: s.Upload.Name})
	}
	return p, nil
}

// look decides about one content.
func (p *UploadPlan) look(s UploadSource, u fossology.Use) error {
	name := u.Name.String()
	if s.Host != nil && !s.Host(s.Repository.Host("files", name)) {
		p.Elsewhere.add(u.Name.Size)
		return nil
	}
	path, err := s.Repository.Find("files", name)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case info.Mode().IsRegular() && info.Size() == u.Name.Size:
		return nil
	default:
		p.Missing.add(u.Name.Size)
		p.Cannot.add(u.Name, WrongBytes, path+" has other bytes")
		return nil
	}
	p.Missing.add(u.Name.Size)
	if u.Meta {
		p.Cannot.add(u.Name, goldindex.Metadata, "")
		return nil
	}
	paths, err := s.Repository.Paths("files", name)
	if err != nil {
		return err
	}
	top, _ := topOf(s.Repository, paths[0])
	p.direct.wanted[top] = append(p.direct.wanted[top], u.Name)
	p.Rebuilt.add(u.Name.Size)
	return nil
}

// run opens the gold once for each host whose files are wanted, which on a host of its
// own is once.
func (d *direct) run(ctx context.Context, r *run) error {
	tops := []string{}
	for top := range d.wanted {
		tops = append(tops, top)
	}
	slices.Sort(tops)
	for _, top := range tops {
		if err := d.of(ctx, r, d.wanted[top]); err != nil {
			return err
		}
	}
	return nil
}

// of takes some files out of the gold; what does not come is lost.
func (d *direct) of(ctx context.Context, r *run, names []fossology.Name) error {
	x := &opening{run: r, gold: d.upload.Name, wants: map[fossology.Name]*want{}}
	for _, n := range names {
		w, err := x.want(ctx, n)
		if err != nil {
			return err
		}
		x.wants[n] = w
		x.max, x.any = max(x.max, n.Size), w.target
	}
	x.left = len(x.wants)
	err := x.take(ctx)
	var lost *lostError
	if err != nil && !errors.As(err, &lost) {
		return err
	}
	for n, w := range x.wants {
		switch {
		case w.done:
		case err != nil:
			r.lost(n, reasonOf(err), err.Error())
		case d.cut:
			r.lost(n, goldindex.CutShort, "")
		default:
			r.lost(n, NotMade, "")
		}
	}
	return nil
}

// find returns where the gold is. FOSSology's own unpacker also takes the upload's file
// in files: gold may have been removed on purpose.
func (d *direct) find(repo fossology.Repository) (string, error) {
	path, err := present(repo, d.upload.Name)
	if err == nil {
		return path, nil
	}
	file, e := repo.Find("files", d.upload.Name.String())
	if e != nil {
		return "", e
	}
	if info, e := os.Stat(file); e == nil && info.Mode().IsRegular() && info.Size() == d.upload.Name.Size {
		return file, nil
	}
	return "", err
}

// anything is Options.Content of package unpack for a gold of which nothing is known.
func (x *opening) anything(*unpack.Node) unpack.Content {
	return &content{x: x, max: x.max, into: x.any}
}
