package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"repotool/fossology"
	"repotool/snapshot"
)

// settling is how long after the import of a file FOSSology may insert its row.
const settling = time.Minute

// missing reports the rows that refer to a file that is not there.
func (c *sourceCheck) missing(ctx context.Context) error {
	for _, side := range []struct {
		typ     string
		names   iter.Seq2[fossology.Name, error]
		missing Kind
		detail  string
	}{
		{"files", snapshot.GoodNames(c.o.References.PfileNames(ctx), c.badRow), FileMissing, "a row of pfile refers to it"},
		{"gold", snapshot.GoodNames(c.o.References.GoldNames(ctx), passedOver), GoldMissing, "a living upload refers to it"},
	} {
		for name, err := range side.names {
			if err != nil {
				return err
			}
			path, err := c.o.Repository.Find(side.typ, name.String())
			if err == nil {
				_, err = os.Lstat(path)
			}
			pruned := false
			if errors.Is(err, fs.ErrNotExist) && side.typ == "files" {
				var e error
				if pruned, e = c.makes(name); e != nil {
					return e
				}
			}
			switch what := side.typ + "/" + name.String(); {
			case pruned:
				c.pruned++
			case errors.Is(err, fs.ErrNotExist):
				c.found.add(Finding{Kind: side.missing, What: what, Detail: side.detail})
			case err != nil: // whether it is there cannot be known
				c.found.add(Finding{Kind: FileUnreadable, What: what, Detail: err.Error()})
			}
			c.o.Progress.Files.Add(1)
		}
	}
	return nil
}

// makes says whether a gold that stands in the repository makes a content.
func (c *sourceCheck) makes(n fossology.Name) (bool, error) {
	if c.o.Rebuilder == nil {
		return false, nil
	}
	golds, err := c.o.Rebuilder.Golds(n)
	if err != nil {
		return false, fmt.Errorf("look for the gold of %s: %w", n, err)
	}
	for _, g := range golds {
		path, err := c.o.Repository.Find("gold", g.String())
		if err != nil {
			return false, err
		}
		if info, err := os.Stat(path); err == nil && info.Size() == g.Size {
			return true, nil
		}
	}
	return false, nil
}

// badRow reports a row of pfile that holds no Name.
func (c *sourceCheck) badRow(e *fossology.RowError) {
	c.found.add(Finding{Kind: BadRow, What: e.Text, Detail: e.Error()})
}

// passedOver is for bad rows that badRow reports.
func passedOver(*fossology.RowError) {}

// arrived says whether a file is so new that it cannot have a row yet in the
// view of the database that it is compared with. Its mtime says nothing:
// FOSSology keeps that of the archive.
func (c *sourceCheck) arrived(path string) bool {
	var st unix.Stat_t
	if c.o.Since.IsZero() || unix.Lstat(filepath.Join(c.o.Repository.Path, path), &st) != nil {
		return false
	}
	return time.Unix(st.Ctim.Unix()).After(c.o.Since.Add(-settling))
}

// rowMerge compares the files that a walk comes upon with the rows of pfile.
// Both are sorted by name within files/ of one host; the rows are asked for
// anew for each host, which holds a part of what they name.
type rowMerge struct {
	refs  snapshot.References // nil: nothing lacks a row
	depth int
	dir   string // localhost/files
	next  func() (fossology.Name, error, bool)
	stop  func()
	row   fossology.Name
	more  bool
}

// lacks says why no row refers to the file at path; "" if one does, or if it is
// no file that a row could refer to.
func (m *rowMerge) lacks(ctx context.Context, file string) (string, error) {
	base := path.Base(file)
	if _, named := fossology.ParseName(base); m.refs == nil || !named || !inFiles(file) {
		return "", nil
	}
	e := snapshot.Entry{Path: file}
	name, placed := e.Name(m.depth)
	if !placed { // and so out of order
		return "it is not where FOSSology looks for it", nil
	}
	if dir := file[:len(file)-len(base)-3*m.depth-1]; dir != m.dir {
		m.begin(ctx, dir)
		if err := m.advance(); err != nil {
			return "", err
		}
	}
	for m.more && m.row.Compare(name) < 0 {
		if err := m.advance(); err != nil {
			return "", err
		}
	}
	if m.more && m.row == name {
		return "", nil
	}
	return "no row of pfile refers to it", nil
}

// inFiles says whether a path is below files/ of a host, or of none.
func inFiles(file string) bool {
	first, rest, _ := strings.Cut(file, "/")
	second, _, _ := strings.Cut(rest, "/")
	return first == "files" || second == "files"
}

func (m *rowMerge) begin(ctx context.Context, dir string) {
	m.end()
	m.dir = dir
	m.next, m.stop = iter.Pull2(snapshot.GoodNames(m.refs.PfileNames(ctx), passedOver))
}

func (m *rowMerge) advance() (err error) {
	m.row, err, m.more = m.next()
	return err
}

func (m *rowMerge) end() {
	if m.stop != nil {
		m.stop()
	}
}
