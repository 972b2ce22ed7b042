package store

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func initStore(t *testing.T) *Store {
	t.Helper()
	s, err := Init(t.Context(), filepath.Join(t.TempDir(), "store"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Where the file system has no unnamed files, the named ones lie in the room,
// so that they are swept like anything else.
func TestStageNamed(t *testing.T) {
	s := initStore(t)
	s.noTmp.Store(true)
	staged, err := s.NewWriter().stage()
	if err != nil {
		t.Fatal(err)
	}
	room, err := s.TempDir()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(room, filepath.Base(staged.name))); err != nil {
		t.Error(err)
	}
	staged.discard()
	for _, size := range []int{10, 3 << 20} {
		b := make([]byte, size)
		put, err := s.NewWriter().PutBytes(t.Context(), b)
		if err != nil || !put.Added {
			t.Fatalf("%+v, %v", put, err)
		}
		if _, err := s.Check(t.Context(), put.Object, make([]byte, 1<<20)); err != nil {
			t.Error(err)
		}
	}
	if left, _ := os.ReadDir(room); len(left) != 1 || left[0].Name() != roomLock {
		t.Errorf("left in the room: %v", left)
	}
}

// On a network file system a lock that can be had proves nothing if it was
// taken on another host, or nobody knows where.
func TestSweepForeign(t *testing.T) {
	here := thisOwner()
	if here.Machine == "" {
		here.Machine = "-" // no /etc/machine-id: no host is known to be this one
	}
	for _, test := range []struct {
		name    string
		network bool
		owner   any
		gone    bool
	}{
		{"this host", true, here, thisOwner().Machine != ""},
		{"another name", true, roomOwner{1, here.Host + "x", here.Machine}, false},
		{"another machine", true, roomOwner{1, here.Host, here.Machine + "x"}, false},
		{"not known", true, roomOwner{PID: 1}, false},
		{"no owner yet", true, "", false},
		{"another name, local", false, roomOwner{1, here.Host + "x", here.Machine}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "room")
			b, err := json.Marshal(test.owner)
			if err == nil {
				err = os.Mkdir(dir, 0o700)
			}
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, roomLock), b, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			gone, err := sweepRoom(dir, test.network)
			if err != nil || gone != test.gone {
				t.Errorf("gone: %v, %v; want %v", gone, err, test.gone)
			}
			if _, err := os.Stat(dir); (err != nil) != test.gone {
				t.Errorf("the room: %v", err)
			}
		})
	}
}
