package fossology_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repotool/fossology"
)

// loadConf loads an installation that has only a fossology.conf.
func loadConf(t testing.TB, text string) *fossology.Installation {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "fossology.conf"), text)
	inst, err := fossology.Load(fossology.LoadOptions{Sysconf: dir, NoDatabase: true})
	if err != nil {
		t.Fatal(err)
	}
	return inst
}

func write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestPathVectors compares with paths that FOSSology's own library computed.
func TestPathVectors(t *testing.T) {
	installations := map[string]*fossology.Installation{}
	vectors := 0
	for line := range strings.Lines(read(t, "../testdata/reppath/vectors.tsv")) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		config, typ, name := f[0], f[1], f[2]
		if len(f) == 4 { // no second match and no column for it
			f = append(f, "-")
		}
		if installations[config] == nil {
			installations[config] = loadConf(t, read(t, "../testdata/reppath/configs/"+config+".conf"))
		}
		vectors++
		var want []string
		for _, p := range f[3:5] {
			if p != "-" && p != "INVALID" {
				want = append(want, p)
			}
		}
		paths, err := installations[config].Repository.Paths(typ, name)
		if (err != nil) != (f[3] == "INVALID") {
			t.Errorf("%s: Paths(%q, %q): error %v, want %s", config, typ, name, err, f[3])
			continue
		}
		if strings.Join(paths, " ") != strings.Join(want, " ") {
			t.Errorf("%s: Paths(%q, %q) = %q, want %q", config, typ, name, paths, want)
		}
	}
	if vectors != 172 {
		t.Errorf("tested %d vectors, want 172", vectors)
	}
}

func TestFanOut(t *testing.T) {
	for _, c := range []struct {
		name  string
		depth int
		want  string
	}{
		{"abC", 3, "ab/c_/__"},
		{"", 2, "__/__"},
		{"A", 1, "a_"},
		{"0123456789", 2, "01/23"},
		{"0123", 0, ""},
	} {
		if got := fossology.FanOut(c.name, c.depth); got != c.want {
			t.Errorf("FanOut(%q, %d) = %q, want %q", c.name, c.depth, got, c.want)
		}
	}
}

func TestFindTakesTheFirstThatExists(t *testing.T) {
	root := t.TempDir()
	rep := fossology.Repository{Path: root, Depth: 2, Routes: []fossology.Route{
		{Host: "a", Type: "gold", Start: "00", End: "ff"},
		{Host: "b", Type: "*", Start: "00", End: "ff"},
		{Host: "c", Type: "*", Start: "00", End: "7f"},
	}}
	const name = "12ab"
	first := root + "/a/gold/12/ab/12ab"
	check := func(want string) {
		t.Helper()
		got, err := rep.Find("gold", name)
		if err != nil || got != want {
			t.Errorf("Find = %q, %v; want %q", got, err, want)
		}
	}
	check(first) // none exists
	write(t, root+"/c/gold/12/ab/12ab", "x")
	check(root + "/c/gold/12/ab/12ab")
	write(t, root+"/b/gold/12/ab/12ab", "x")
	check(root + "/b/gold/12/ab/12ab")
	write(t, first, "x")
	check(first)
	if got := strings.Join(rep.Hosts(), " "); got != "a b c" {
		t.Errorf("Hosts = %q, want a b c", got)
	}
	var nameErr *fossology.NameError
	if _, err := rep.Find("gold", "../x"); !errors.As(err, &nameErr) {
		t.Errorf("Find of a bad name: error %v, want a NameError", err)
	}
}
