package reunpack_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repotool/fossology"
	"repotool/reunpack"
)

// TestHosts: a file goes to the host where FOSSology writes it. A host without a
// directory may not be mounted: nothing is written there.
func TestHosts(t *testing.T) {
	s := newSite(t)
	s.destroy(t)
	s.repo.Routes = []fossology.Route{
		{Host: "localhost", Type: "gold", Start: "00", End: "ff"},
		{Host: "localhost", Type: "files", Start: "00", End: "7f"},
		{Host: "other", Type: "files", Start: "80", End: "ff"},
	}
	other := filepath.Join(s.repo.Path, "other")
	if _, err := s.name(t, oneGold, reunpack.PlanOptions{}).Run(t.Context(), reunpack.RunOptions{Prefix: prefix}); err == nil || !strings.Contains(err.Error(), other) {
		t.Errorf("error %v, want one about %s", err, other)
	}
	if _, err := os.Stat(other); err == nil {
		t.Errorf("%s was made", other)
	}
	if err := os.Mkdir(other, 0o2770); err != nil {
		t.Fatal(err)
	}
	if r := s.run(t, s.all(t)); r.Written.Files != 809 {
		t.Errorf("%+v", *r)
	}
	n := map[bool]int{}
	for path, f := range treeOf(t, s.repo.Path) {
		host, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/files/")
		if _, is := fossology.ParseName(filepath.Base(path)); !is || rest == "" {
			continue
		}
		n[host == "other"]++
		if (rest >= "80") != (host == "other") || f.bytes != s.before["/localhost/files/"+rest].bytes {
			t.Errorf("%s does not belong there, or has other bytes", path)
		}
	}
	if n[true] < 100 || n[false] < 100 || n[true]+n[false] != 809 {
		t.Errorf("%d and %d files", n[true], n[false])
	}
}
