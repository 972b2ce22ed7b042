package fossology_test

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"repotool/fossology"
	"repotool/repotest"
)

// kindOf is what a line of expected.tsv says of a row.
var kindOf = map[string]fossology.Kinds{"leaf": fossology.Leaf, "container": fossology.Container, "cpio": fossology.Intermediate,
	"meta": fossology.Metadata, "other": fossology.Leaf, "top-container": fossology.Container | fossology.Top, "top-file": fossology.Leaf | fossology.Top}

// TestParts compares the parts with the list of tree rows beside the fixture.
func TestParts(t *testing.T) {
	type key struct {
		name   fossology.Name
		upload int64
	}
	want := map[key]fossology.Kinds{}
	f, err := os.Open(filepath.Join(repotest.Root(t), "testdata", "small", "expected.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		c := strings.Split(lines.Text(), "\t")
		name, ok := fossology.ParseName(c[len(c)-1])
		if !ok {
			continue
		}
		upload, err := strconv.ParseInt(c[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if kindOf[c[2]] == 0 {
			t.Fatalf("%q is a class that the test does not know", c[2])
		}
		want[key{name, upload}] |= kindOf[c[2]]
	}
	v := openedView(t)
	waiting := notUnpacked(t, v)
	var all []fossology.Part
	tops := map[int64]int{}
	for p, err := range v.Parts(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
		if p.Kinds&fossology.Top != 0 {
			tops[p.Upload]++
		}
		if p.Kinds&fossology.Unopened != 0 {
			if !slices.Contains(waiting, p.Upload) {
				t.Errorf("%v was unpacked", p)
			}
			continue
		}
		k := key{p.Name, p.Upload}
		if want[k] != p.Kinds {
			t.Errorf("%v: the list says %b", p, want[k])
		}
		delete(want, k)
	}
	if len(want) > 0 || len(all) < 800 {
		t.Errorf("%d of %d are not there", len(want), len(all))
	}
	for u, n := range tops {
		if n != 1 {
			t.Errorf("upload %d has %d tops", u, n)
		}
	}
	sorted := slices.IsSortedFunc(all, func(a, b fossology.Part) int { return a.Name.Compare(b.Name)*2 + int(a.Upload-b.Upload) })
	if !sorted && !slices.IsSortedFunc(all, func(a, b fossology.Part) int { return a.Name.Compare(b.Name) }) {
		t.Error("not in order")
	}

	// Of some, all of it, and the golds of the uploads.
	golds := map[int64]fossology.OwnedPart{}
	for u, err := range v.Uploads(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		golds[u.PK] = fossology.OwnedPart{Living: u.Living(), Gold: u.Name}
	}
	some := []fossology.Name{all[len(all)/2].Name, all[3].Name, {Size: 17}}
	var got, of []fossology.OwnedPart
	for p, err := range v.PartsOf(t.Context(), some) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, p)
	}
	for _, p := range all {
		if slices.Contains(some, p.Name) {
			own := golds[p.Upload]
			own.Part = p
			of = append(of, own)
		}
	}
	if !slices.Equal(got, of) || len(of) < 2 {
		t.Errorf("%v, not %v", got, of)
	}
}

// TestPartsOfUnlikeUploads: an upload that was deleted has no gold that anybody wants; one
// whose row is wrong has one that is not known.
func TestPartsOfUnlikeUploads(t *testing.T) {
	db, dsn := connect(t)
	sql(t, dsn, `UPDATE upload SET expire_action = 'd' WHERE upload_pk = 2; UPDATE pfile SET pfile_sha1 = 'none'
		WHERE pfile_pk = (SELECT pfile_fk FROM upload WHERE upload_pk = 4)`)
	v := view(t, db)
	var names []fossology.Name
	for p, err := range v.Parts(t.Context()) {
		if err == nil && (p.Upload == 2 || p.Upload == 4) {
			names = append(names, p.Name)
		}
	}
	seen := map[int64]int{}
	for p, err := range v.PartsOf(t.Context(), names) {
		if err != nil {
			t.Fatal(err)
		}
		seen[p.Upload]++
		switch {
		case p.Upload == 2 && p.Living:
			t.Errorf("%v lives", p)
		case p.Upload == 4 && (!p.Living || !p.Gold.IsZero()):
			t.Errorf("%v: its gold is not known", p)
		}
	}
	if seen[2] == 0 || seen[4] == 0 {
		t.Errorf("parts of %v", seen)
	}
}

// TestPosition: it moves with what is written.
func TestPosition(t *testing.T) {
	d, _ := connect(t)
	look := func() fossology.Position {
		p, err := view(t, d).Position(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	first := look()
	if first.Upload < 90 || first.Uploadtree < 1000 || first.Jobqueue == 0 || first != look() {
		t.Fatalf("%+v", first)
	}
}

func TestFolderUploads(t *testing.T) {
	v := openedView(t)
	all, err := v.FolderUploads(t.Context(), "1")
	if err != nil || len(all) < 90 {
		t.Fatalf("%d uploads, %v", len(all), err)
	}
	byName, err := v.FolderUploads(t.Context(), "Software Repository")
	if err != nil || !slices.Equal(all, byName) {
		t.Errorf("by its name: %v, %v", byName, err)
	}
	if _, err := v.FolderUploads(t.Context(), "none"); !errors.Is(err, fossology.ErrNoFolder) {
		t.Errorf("%v", err)
	}
}
