package snapshot_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"repotool/repotest"
	"repotool/snapshot"
)

// TestOwnersByName: a restore gives files to the user and group of the name, whose numbers may
// be others on its host. A name that nobody has there is told of, once.
func TestOwnersByName(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("it changes owners: run it as root")
	}
	const number = 65534 // nobody and nogroup of Debian
	repository, st := t.TempDir(), repotest.Store(t)
	keep(t, repository, "one")
	keep(t, repository, "two")
	each := func(dir string, f func(path string, uid, gid uint32)) {
		t.Helper()
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			var st syscall.Stat_t
			if err == nil {
				err = syscall.Lstat(path, &st)
			}
			if err == nil && path != dir {
				f(path, st.Uid, st.Gid)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	each(repository, func(path string, _, _ uint32) {
		if err := os.Chown(path, number, number); err != nil {
			t.Fatal(err)
		}
	})
	take(t, options(st, repository))
	if o := find(t, st, "latest").Manifest.Owners; o.Users[number] != "nobody" || o.Groups[number] != "nogroup" {
		t.Fatalf("the snapshot knows %+v", o)
	}
	for _, c := range []struct {
		name, group string
		uid, gid    uint32
		unknown     int64
	}{{"nobody", "nogroup", number, number, 0}, {"daemon", "daemon", 1, 1, 0}, {"no-such-user", "daemon", number, 1, 1}} {
		s := find(t, st, "latest") // as if it came from a host with other numbers
		s.Manifest.Owners.Users[number], s.Manifest.Owners.Groups[number] = c.name, c.group
		o := snapshotTo(filepath.Join(t.TempDir(), "restored"))
		r := restore(t, s, o)
		if n := o.Findings.Counts()[snapshot.OwnerUnknown]; r.Written != 2 || r.Foreign != 0 || n != c.unknown {
			t.Errorf("%s: %+v, %v", c.name, *r, o.Findings.First())
		}
		each(o.To, func(path string, uid, gid uint32) {
			if uid != c.uid || gid != c.gid {
				t.Errorf("%s: %s belongs to %d:%d", c.name, path, uid, gid)
			}
		})
		if again := restore(t, s, o); again.Kept != 2 {
			t.Errorf("%s, once more: %+v", c.name, *again)
		}
	}
}

// An owner that nobody is on this host is told of if something of that owner is restored, by
// Restore or by a rebuild: a snapshot knows the names of its ancestors, too.
func TestUnknownOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("it changes owners: run it as root")
	}
	const number = 4242
	repository, st, a := t.TempDir(), repotest.Store(t), newArchives()
	keep(t, repository, "of root")
	a.gold(t, repository, "one", "made")
	kept, made := keep(t, repository, "kept"), pathOf(repository, nameOf("made"))
	take(t, golden(st, repository, a))
	for _, c := range []struct {
		of   []string // files of the unknown owner
		only []string
		told int64
	}{
		{nil, nil, 0},
		{[]string{kept}, nil, 1},
		{[]string{kept}, []string{filepath.Base(kept)}, 1},
		{[]string{kept}, []string{nameOf("of root").String()}, 0},
		{[]string{made}, nil, 1},
		{[]string{made, kept, filepath.Dir(kept)}, nil, 2}, // the user, and the group
	} {
		gid := 0
		if len(c.of) > 1 {
			gid = number
		}
		for _, path := range []string{kept, made, filepath.Dir(kept)} {
			err := os.Chown(path, 0, 0)
			if slices.Contains(c.of, path) {
				err = os.Chown(path, number, gid)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		o := golden(st, repository, a)
		o.FullScan = true
		take(t, o)
		s := find(t, st, "latest")
		s.Manifest.Owners.Users[number], s.Manifest.Owners.Groups[number] = "no-such-admin", "no-such-group"
		to := snapshotTo(filepath.Join(t.TempDir(), "to"))
		to.Only = c.only
		to.Plan = true
		restore(t, s, to)
		if n := to.Findings.Counts()[snapshot.OwnerUnknown]; n != c.told {
			t.Errorf("plan of %v: told of %d: %v", c, n, to.Findings.First())
		}
		to.Plan, to.Findings = false, new(snapshot.Findings)
		restore(t, s, to)
		if _, err := s.Rebuild(t.Context(), to, a); err != nil {
			t.Fatal(err)
		}
		if n := to.Findings.Counts()[snapshot.OwnerUnknown]; n != c.told || to.Findings.Counts()[snapshot.OwnerNotSet] != 0 {
			t.Errorf("%v: told of %d: %v", c, n, to.Findings.First())
		}
	}
}

// getent puts one on PATH that knows a user and a group of the directory service, with these
// numbers, and returns what it was asked.
func getent(t *testing.T, uid, gid int) (asked func() []string) {
	t.Helper()
	dir := t.TempDir()
	text := fmt.Sprintf(`#!/bin/sh
echo "$*" >> %[1]s/asked
case "$*" in
"passwd of-ldap" | "passwd %[2]d") echo 'of-ldap:*:%[2]d:%[3]d:Somebody:/home/of-ldap:/bin/sh';;
"group all-of-ldap" | "group %[3]d") echo 'all-of-ldap:*:%[3]d:';;
*) exit 2;;
esac
`, dir, uid, gid)
	if err := os.WriteFile(filepath.Join(dir, "getent"), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return func() []string {
		b, err := os.ReadFile(filepath.Join(dir, "asked"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		return slices.Sorted(strings.Lines(string(b)))
	}
}

// Owners that only a directory service knows are known by name, too: of a snapshot, and on the
// host where it is restored, which has other numbers for them. It is asked once of each.
func TestOwnersOfDirectoryService(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("it changes owners: run it as root")
	}
	repository, st := t.TempDir(), repotest.Store(t)
	for i := range 5 {
		keep(t, repository, fmt.Sprint("of root ", i))
		for id := range 2 { // the second has no name anywhere
			if err := os.Chown(keep(t, repository, fmt.Sprint(i, id)), 424242+id, 434343+id); err != nil {
				t.Fatal(err)
			}
		}
	}
	asked := getent(t, 424242, 434343)
	o := options(st, repository)
	o.Quiesce = func(context.Context) (func(context.Context) (snapshot.Standstill, error), error) { // so that it looks twice
		return func(context.Context) (snapshot.Standstill, error) { return snapshot.Standstill{}, nil }, nil
	}
	take(t, o)
	s := find(t, st, "latest")
	if o := s.Manifest.Owners; o.Users[424242] != "of-ldap" || o.Groups[434343] != "all-of-ldap" || o.Users[0] != "root" || len(o.Users) != 2 {
		t.Errorf("the snapshot knows %+v", o)
	}
	if got, want := asked(), []string{"group 434343\n", "group 434344\n", "passwd 424242\n", "passwd 424243\n"}; !slices.Equal(got, want) {
		t.Errorf("asked: %q", got)
	}
	asked = getent(t, 525252, 535353)
	to := snapshotTo(filepath.Join(t.TempDir(), "to"))
	restore(t, s, to)
	if got, want := asked(), []string{"group all-of-ldap\n", "passwd of-ldap\n"}; !slices.Equal(got, want) {
		t.Errorf("asked: %q", got)
	}
	if n := to.Findings.Counts(); len(n) != 0 {
		t.Errorf("%v", to.Findings.First())
	}
	for id, want := range []struct{ uid, gid uint32 }{{525252, 535353}, {424243, 434344}} {
		var st syscall.Stat_t
		if err := syscall.Lstat(pathOf(to.To, nameOf(fmt.Sprint(0, id))), &st); err != nil || st.Uid != want.uid || st.Gid != want.gid {
			t.Errorf("it belongs to %d:%d, %v", st.Uid, st.Gid, err)
		}
	}
}
