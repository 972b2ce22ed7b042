package fossology_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repotool/fossology"
)

// A host of a repository is no repository, where the configuration names hosts;
// FOSSology itself keeps files that no route fits without one.
func TestTopsOneLevelTooDeep(t *testing.T) {
	root := t.TempDir()
	write(t, root+"/localhost/gold/12/ab/12ab", "x")
	write(t, root+"/localhost/files/12/ab/12ab", "x")
	routes := []fossology.Route{{Host: "localhost", Type: "*", Start: "00", End: "ff"}}
	tops := func(path string, routes []fossology.Route) ([]string, error) {
		return fossology.Repository{Path: path, Depth: 2, Routes: routes}.Tops()
	}
	var not *fossology.NotRepositoryError
	if got, err := tops(root+"/localhost", routes); !errors.As(err, &not) || !slices.Equal(not.Hosts, []string{"localhost"}) || not.Hint() == "" {
		t.Errorf("a host: %v, %v", got, err)
	}
	if got, err := tops(root+"/localhost", nil); err != nil || len(got) != 2 {
		t.Errorf("without routes: %v, %v", got, err)
	}
	write(t, root+"/gold/12/ab/12ab", "x")
	if got, err := tops(root, routes); err != nil || !slices.Equal(got, []string{"gold", "localhost/gold", "localhost/files"}) {
		t.Errorf("both: %v, %v", got, err)
	}
}

// TestTopsLinked: what stands behind a symbolic link would be missing in every walk.
func TestTopsLinked(t *testing.T) {
	routes := []fossology.Route{{Host: "localhost", Type: "*", Start: "00", End: "ff"}}
	for _, link := range []string{"localhost", "localhost/gold", "localhost/files"} {
		root, away := t.TempDir(), filepath.Join(t.TempDir(), "away")
		write(t, root+"/localhost/gold/12/ab/12ab", "x")
		write(t, root+"/localhost/files/12/ab/12ab", "x")
		repo := fossology.Repository{Path: root, Depth: 2, Routes: routes}
		if err := os.Symlink("localhost", root+"/of-old"); err != nil {
			t.Fatal(err)
		}
		if _, err := repo.Tops(); err != nil {
			t.Errorf("with a link beside: %v", err)
		}
		if err := errors.Join(os.Rename(filepath.Join(root, link), away), os.Symlink(away, filepath.Join(root, link))); err != nil {
			t.Fatal(err)
		}
		var linked *fossology.LinkedTopError
		if _, err := repo.Tops(); !errors.As(err, &linked) || linked.Path != filepath.Join(root, link) || linked.Target != away || !strings.Contains(linked.Hint(), "mount --bind "+away) {
			t.Errorf("%s: %v", link, err)
		}
	}
}
