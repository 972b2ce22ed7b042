package unpack_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repotool/repotest"
	"repotool/unpack"
)

// row is a line of the oracle: what FOSSology's unpacker made.
type row struct{ upload, class, path, name string }

// oracle reads testdata/small/expected.tsv, by upload.
func oracle(t testing.TB) (byUpload map[string][]row, names map[string]string) {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "testdata", "small", "expected.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	byUpload, names = map[string][]row{}, map[string]string{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		c := strings.Split(lines.Text(), "\t")
		if strings.HasPrefix(c[0], "#") {
			continue
		}
		byUpload[c[0]] = append(byUpload[c[0]], row{c[0], c[2], c[3], c[5]})
		names[c[0]] = c[1]
	}
	return byUpload, names
}

// got makes rows of a result.
func got(upload string, r *unpack.Result) (rows []row) {
	r.Walk(func(n *unpack.Row) error {
		x := row{upload, n.Class.String(), n.Path(), "-"}
		if n.HasContent() {
			x.name = fmt.Sprintf("%x.%x.%d", n.Digests.SHA1, n.Digests.MD5, n.Digests.Size)
		}
		if n.Depth == 0 {
			x.class = map[bool]string{true: "top-container", false: "top-file"}[n.Class == unpack.Container]
		}
		if n.Class == unpack.Meta {
			x.name = "meta" // never made
		}
		if !n.Extra {
			rows = append(rows, x)
		}
		return nil
	})
	return rows
}

// TestFossology unpacks every upload of the real installation and compares each
// row, with class, path and content, with what FOSSology entered. UPLOAD=n looks
// at one upload.
func TestFossology(t *testing.T) {
	want, names := oracle(t)
	repository := repotest.Repository(t)
	excused := excuses{}
	defer func() { excused.check(t, os.Getenv("UPLOAD")) }()
	for _, upload := range slices.SortedFunc(keys(want), func(a, b string) int { return len(a)*1000 + strings.Compare(a, b) - len(b)*1000 }) {
		if only := os.Getenv("UPLOAD"); only != "" && only != upload {
			continue
		}
		t.Run(upload+" "+names[upload], func(t *testing.T) {
			top := want[upload][0].name
			r, err := unpackFile(t, names[upload], filepath.Join(repository, "localhost", "gold", top[:2], top[2:4], top[4:6], top))
			if err != nil {
				t.Fatal(err)
			}
			compare(t, excused, want[upload], got(upload, r))
			for _, s := range r.Skipped {
				t.Logf("skipped %s: %s", s.Path, s.Why)
			}
		})
	}
}

// prefix is where FOSSology unpacked: it counts for its rule of repeated names.
const prefix = "/srv/fossology/repository/fossology/ununpack/449007l"

func unpackFile(t testing.TB, name, path string) (*unpack.Result, error) {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return closing(t)(unpack.Unpack(t.Context(), name, f, unpack.Options{TempDir: t.TempDir(), Prefix: prefix}))
}

// compare reports rows that are on one side only and not excused.
func compare(t testing.TB, excused excuses, want, got []row) {
	t.Helper()
	count := map[row]int{}
	for _, r := range want {
		count[r]++
	}
	for _, r := range got {
		count[r]--
	}
	lines := []string{}
	for r, n := range count {
		side := "missing "
		if n < 0 {
			side = "too much"
		}
		for range max(n, -n) {
			if !excused.excuse(difference{r, n > 0}) {
				lines = append(lines, fmt.Sprintf("%s %-10s %s  %s", side, r.class, r.path, r.name))
			}
		}
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[9:], b[9:]) })
	for i, line := range lines {
		if i == 40 {
			t.Errorf("… and %d more", len(lines)-i)
			break
		}
		t.Error(line)
	}
}

func keys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
