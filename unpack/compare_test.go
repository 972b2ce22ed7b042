package unpack_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repotool/unpack"
)

// TestCompareWithTools opens every file below the directory COMPARE, and lets the
// system's own tools open it as FOSSology's unpacker calls them; both must make the
// same rows. It needs root, which it gives up for the tools, and what make
// compare-unpack installs. A difference is a mistake of ours, or of reference.
func TestCompareWithTools(t *testing.T) {
	dir := os.Getenv("COMPARE")
	if dir == "" {
		t.Skip("COMPARE names no directory; see make compare-unpack")
	}
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	kinds := kindsOf(t, files)
	rows, containers := 0, 0
	for i, path := range files {
		t.Run(strings.TrimPrefix(path, dir+"/"), func(t *testing.T) {
			want, prefix := reference(t, path, kinds[i])
			r := unpackAs(t, path, prefix)
			mine := got("", r)
			compare(t, excuses{}, want, withoutMeta(mine))
			if t.Failed() {
				t.Logf("libmagic: %s; ours: %s %s", kinds[i], r.Top.Class, r.Top.Format)
				for _, s := range r.Skipped[:min(len(r.Skipped), 10)] {
					t.Logf("skipped %s: %s", s.Path, s.Why)
				}
			}
			if rows += len(want); len(want) > 1 {
				containers++
			}
		})
	}
	t.Logf("%d files, %d of them archives, %d rows", len(files), containers, rows)
}

func unpackAs(t *testing.T, path, prefix string) *unpack.Result {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := unpack.Unpack(t.Context(), filepath.Base(path), f, unpack.Options{TempDir: t.TempDir(), Prefix: prefix})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// withoutMeta leaves out the rows whose contents hold the place and the moment.
func withoutMeta(rows []row) (rest []row) {
	for _, r := range rows {
		if r.class != "meta" {
			rest = append(rest, r)
		}
	}
	return rest
}
