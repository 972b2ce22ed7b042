package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"repotool/fossology"
	"repotool/repotest"
	"repotool/unpack"
)

// A site is a FOSSology with one upload: a database of its own and a repository
// that holds the ISO as gold and nothing else yet.
type site struct {
	dir     string
	sysconf string
	repo    fossology.Repository
	cluster *repotest.Cluster
	facts   facts
}

// facts are what the ISO holds.
type facts struct {
	Gold     string `json:"gold"`     // its Name
	In       int64  `json:"in"`       // its bytes
	Files    int64  `json:"files"`    // contents that come out, each place of one counted
	Out      int64  `json:"out"`      // their bytes
	Distinct int64  `json:"distinct"` // different contents
	Unique   int64  `json:"unique"`   // their bytes
}

const (
	database  = "fossology"
	isoName   = "source-rpms.iso"
	owner     = 1000 // of the repository, if we may say so: repotool has to hand its files over
	uploadKey = 1
)

func newSite(ctx context.Context, self, iso, dir string) (s *site, err error) {
	s = &site{dir: dir, sysconf: filepath.Join(dir, "etc"), repo: fossology.Repository{Path: filepath.Join(dir, "repository"), Depth: 3,
		Routes: []fossology.Route{{Host: "localhost", Type: "*", Start: "00", End: "ff"}}}}
	if err := os.MkdirAll(s.sysconf, 0o755); err != nil {
		return nil, err
	}
	rows := filepath.Join(dir, "rows.sql")
	out, err := exec.CommandContext(ctx, self, "rows", iso, rows).Output()
	if err == nil {
		err = json.Unmarshal(out, &s.facts)
	}
	if err != nil {
		return nil, fmt.Errorf("find out what is in %s: %w", iso, err)
	}
	if err := s.gold(iso); err != nil {
		return nil, err
	}
	if s.cluster, err = repotest.Start(); err != nil {
		return nil, err
	}
	if err := s.load(rows); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *site) close() error { return s.cluster.Stop() }

// gold puts the ISO in its place.
func (s *site) gold(iso string) error {
	paths, err := s.repo.Paths("gold", s.facts.Gold)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(paths[0]), 0o755); err != nil {
		return err
	}
	in, err := os.Open(iso)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(paths[0])
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	// As FOSSology has it: the group of the server may write, and inherits.
	return filepath.WalkDir(s.repo.Path, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if os.Getuid() == 0 {
			if err := os.Chown(path, owner, owner); err != nil {
				return err
			}
		}
		if d.IsDir() {
			return os.Chmod(path, 0o770|os.ModeSetgid)
		}
		return os.Chmod(path, 0o660)
	})
}

// load makes the database: the tables of a real FOSSology, with the rows of the ISO.
func (s *site) load(rows string) error {
	if err := s.cluster.Load(database); err != nil {
		return err
	}
	sql, err := os.ReadFile(rows)
	if err != nil {
		return err
	}
	if _, err := s.cluster.Query(database, "TRUNCATE upload, pfile, uploadtree, uploadtree_a, ununpack_ars, job, jobqueue, jobdepends CASCADE;\n"+string(sql)); err != nil {
		return fmt.Errorf("enter the rows of the ISO: %w", err)
	}
	return repotest.WriteSysconf(s.sysconf, s.repo.Path, s.cluster.DSN(database))
}

// writeRows unpacks the ISO and writes what FOSSology would have entered.
func writeRows(ctx context.Context, iso, to string) error {
	f, err := os.Open(iso)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := unpack.Unpack(ctx, isoName, f, unpack.Options{})
	if err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	w := &rowWriter{w: bufio.NewWriter(out), keys: map[fossology.Name]int{}}
	top := nameOf(r.Top.Digests)
	w.facts.Gold, w.facts.In = top.String(), top.Size
	if err := errors.Join(w.all(r), w.w.Flush(), out.Close(), r.Close()); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(w.facts)
}

func nameOf(d *unpack.Digests) fossology.Name {
	return fossology.Name{SHA1: d.SHA1, MD5: d.MD5, Size: d.Size}
}

// A rowWriter writes what psql reads.
type rowWriter struct {
	w     *bufio.Writer
	keys  map[fossology.Name]int // of pfile
	rows  int
	facts facts
}

func (w *rowWriter) all(r *unpack.Result) error {
	fmt.Fprintln(w.w, "COPY pfile (pfile_pk, pfile_md5, pfile_sha1, pfile_sha256, pfile_size) FROM stdin;")
	err := r.Walk(func(n *unpack.Row) error {
		if !n.HasContent() || n.Extra {
			return nil
		}
		name := nameOf(n.Digests)
		out := n.Depth > 0 // the ISO itself is what goes in
		if out {
			w.facts.Files++
			w.facts.Out += name.Size
		}
		if w.keys[name] == 0 {
			w.keys[name] = len(w.keys) + 1
			if out {
				w.facts.Distinct++
				w.facts.Unique += name.Size
			}
			fmt.Fprintf(w.w, "%d\t%X\t%X\t%X\t%d\n", w.keys[name], name.MD5, name.SHA1, n.Digests.SHA256, name.Size)
		}
		return nil
	})
	fmt.Fprintln(w.w, `\.`)
	fmt.Fprintf(w.w, "INSERT INTO upload (upload_pk, upload_filename, upload_mode, pfile_fk) VALUES (%d, '%s', 104, %d);\n",
		uploadKey, isoName, w.keys[nameOf(r.Top.Digests)])
	fmt.Fprintf(w.w, "INSERT INTO ununpack_ars (ars_pk, agent_fk, upload_fk, ars_success, ars_endtime) VALUES (1, 1, %d, true, now());\n", uploadKey)
	fmt.Fprintln(w.w, "COPY uploadtree_a (uploadtree_pk, parent, upload_fk, pfile_fk, ufile_mode, ufile_name) FROM stdin;")
	err = errors.Join(err, w.tree(r))
	fmt.Fprintln(w.w, "\\.\nANALYZE;")
	return err
}

// tree writes the rows of the tree. What is in a row that is left out is left out, too.
func (w *rowWriter) tree(r *unpack.Result) error {
	var above []string // keys
	return r.Walk(func(n *unpack.Row) error {
		if n.Depth > len(above) {
			return nil
		}
		above = above[:n.Depth]
		if n.Extra || n.Class == unpack.Meta { // an artifact.meta has a content that nobody can make
			return nil
		}
		parent := `\N`
		if n.Depth > 0 {
			parent = above[n.Depth-1]
		}
		w.rows++
		key, pfile, mode := fmt.Sprint(w.rows), 0, 0o100644
		if n.HasContent() {
			pfile = w.keys[nameOf(n.Digests)]
		}
		switch n.Class {
		case unpack.Container, unpack.Cpio:
			mode |= fossology.ModeContainer
		case unpack.Dir:
			mode = 0o040755 | fossology.ModeContainer
		case unpack.Artifact:
			mode = 0o040755 | fossology.ModeContainer | fossology.ModeArtifact
		}
		fmt.Fprintf(w.w, "%s\t%s\t%d\t%d\t%d\t%s\n", key, parent, uploadKey, pfile, mode,
			strings.ReplaceAll(unpack.DisplayName(n.Name), `\`, `\\`))
		above = append(above, key)
		return nil
	})
}
