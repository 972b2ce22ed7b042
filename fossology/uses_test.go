package fossology_test

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"repotool/fossology"
	"repotool/repotest"
)

// TestUses compares the uses with the list of tree rows beside the fixture.
func TestUses(t *testing.T) {
	want := map[fossology.Use]bool{}
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
		use := fossology.Use{Name: name, Upload: upload, Meta: c[2] == "meta"}
		if use.Meta && want[fossology.Use{Name: name, Upload: upload}] {
			continue
		}
		delete(want, fossology.Use{Name: name, Upload: upload, Meta: true})
		want[use] = true
	}
	v := openedView(t)
	var last fossology.Use
	n := 0
	for use, err := range v.Uses(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if c := last.Name.Compare(use.Name); c > 0 || c == 0 && last.Upload >= use.Upload {
			t.Fatalf("%v follows %v", use, last)
		}
		last = use
		if !want[use] {
			// An upload that waits to be unpacked has no rows yet.
			if !slices.Contains(notUnpacked(t, v), use.Upload) {
				t.Errorf("%v is not in the list", use)
			}
			continue
		}
		n++
	}
	if n != len(want) || n < 800 {
		t.Errorf("%d uses of %d", n, len(want))
	}
}

// notUnpacked are the living uploads without tree rows.
func notUnpacked(t *testing.T, v *fossology.View) (uploads []int64) {
	t.Helper()
	for u, err := range v.Uploads(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		rows := 0
		for range v.TreeRows(t.Context(), u.PK) {
			rows++
			break
		}
		if u.Living() && rows == 0 {
			uploads = append(uploads, u.PK)
		}
	}
	return uploads
}

// TestCutShort: the unpacker of upload 88 was killed, says the fixture's README.
func TestCutShort(t *testing.T) {
	var got []int64
	for upload, err := range openedView(t).CutShort(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, upload)
	}
	if !slices.Equal(got, []int64{88}) {
		t.Errorf("cut short: %v, want [88]", got)
	}
}

func openedView(t *testing.T) *fossology.View {
	t.Helper()
	db, _ := connect(t)
	return view(t, db)
}

// TestCutShortNever: FOSSology makes the table when it first unpacks.
func TestCutShortNever(t *testing.T) {
	db, dsn := connect(t)
	repotest.Postgres(t).SQL(t, databaseOf(dsn), "DROP TABLE ununpack_ars")
	if got := collect(t, view(t, db).CutShort(t.Context())); got != nil {
		t.Errorf("cut short: %v", got)
	}
}

func databaseOf(dsn fossology.DSN) string {
	_, rest, _ := strings.Cut(string(dsn), "dbname=")
	name, _, _ := strings.Cut(rest, " ")
	return name
}
