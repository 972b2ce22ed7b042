package snapshot

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// directory dumps with several jobs into a temporary directory and stores each of its files. The files are not
// compressed by pg_dump: pieces could not be found again from one night to the next.
func (d *dumper) directory(ctx context.Context, f databaseFacts, snapshot string) error {
	name := f.Name
	tmp, err := os.MkdirTemp(d.opt.TempDir, "dump-*")
	if err != nil {
		return fmt.Errorf("make directory for dump: %w", err)
	}
	defer os.RemoveAll(tmp)
	dir := filepath.Join(tmp, "d")
	jobs := d.opt.Jobs
	if jobs <= 0 {
		jobs = 2
	}
	args, err := d.pgDumpArgs(f, snapshot)
	if err != nil {
		return err
	}
	args = append(args, "--format=directory", fmt.Sprintf("--jobs=%d", jobs),
		"--compress=0", "--no-sync", "--file="+dir)
	t := d.tool("pg_dump", name, args...)
	if _, err := t.stream(ctx, discard); err != nil {
		return err
	}
	tables, err := d.checkDirectory(ctx, t, dir, f.Tables)
	if err != nil {
		return err
	}
	d.warnLines(t)
	entries, err := os.ReadDir(dir) // in order of names
	if err != nil {
		return fmt.Errorf("read dump of database %s: %w", name, err)
	}
	counter := newRowCounter()
	for _, e := range entries {
		file, err := os.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			return fmt.Errorf("read dump of database %s: %w", name, err)
		}
		var r pipe = file
		if table, ok := tables[e.Name()]; ok {
			counter.begin(table)
			r = countRows{file, counter}
		}
		pieces, err := d.sink.cut(ctx, r)
		file.Close()
		if err != nil {
			return fmt.Errorf("store dump of database %s: %w", name, err)
		}
		d.add(pathOfDatabase(name)+"/"+e.Name(), name, FormatDirectory, pieces)
	}
	return d.checkRows(f, counter, t)
}

// discard reads a tool's standard output, of which nothing is expected.
func discard(r pipe) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

// checkDirectory sees whether the table of contents can be read and each table in it has its data to the end. It
// returns the files that hold the data of the tables that count.
func (d *dumper) checkDirectory(ctx context.Context, dump *pgTool, dir string, counted []countedTable) (map[string]tableName, error) {
	if _, err := os.Stat(filepath.Join(dir, "toc.dat")); err != nil {
		return nil, dump.cutShort()
	}
	list, err := d.tool("pg_restore", dump.database, "--list", dir).output(ctx, "")
	if err != nil {
		return nil, dump.cutShort()
	}
	files := map[string]tableName{}
	for line := range strings.Lines(string(list)) {
		id, entry, ok := strings.Cut(line, ";")
		if !ok || id == "" || !strings.Contains(entry, " TABLE DATA ") {
			continue
		}
		file := id + ".dat"
		if !copyEnds(filepath.Join(dir, file)) {
			return nil, dump.cutShort()
		}
		for _, t := range counted {
			if strings.HasSuffix(entry, fmt.Sprintf(" TABLE DATA %s %s %s\n", t.Schema, t.Name, t.Owner)) {
				files[file] = tableName{t.Schema, t.Name}
			}
		}
	}
	return files, nil
}

// copyEnds says whether a file ends as pg_dump ends a table's data.
func copyEnds(file string) bool {
	const end = "\\.\n\n\n"
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() < int64(len(end)) {
		return false
	}
	b := make([]byte, len(end))
	_, err = f.ReadAt(b, info.Size()-int64(len(end)))
	return err == nil && bytes.Equal(b, []byte(end))
}
