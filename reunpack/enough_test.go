package reunpack_test

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"repotool/repotest"
	"repotool/reunpack"
)

// TestEnough: of a large gold no more is read than to the last of what is wanted. That
// is measured by what the kernel says that this process has read.
func TestEnough(t *testing.T) {
	if !repotest.Alone(t, nil) {
		return // other tests read, too
	}
	const size = 96 << 20
	// Larger than what is worked on while the archive is read on.
	first, middle, last := random(1, 2<<20), random(2, 2<<20), random(3, 2<<20)
	h := newHoard(t, t.TempDir())
	gold := h.add(t, first, random(4, size/2), middle, random(5, size/2), last)
	h.index(t)
	for _, x := range []struct {
		what   string
		wanted []byte
		least  int64
	}{
		{"first", first, 2 << 20},
		{"middle", middle, size/2 + 4<<20},
		{"last", last, size + 6<<20},
	} {
		most := x.least*5/4 + 1<<20 // what is large and may be an archive is looked at twice
		p := h.some(t, x.wanted)
		before := bytesRead(t)
		r, err := p.Run(t.Context(), reunpack.RunOptions{TempDir: t.TempDir()})
		n := bytesRead(t) - before
		if err != nil || r.Written.Files != 1 {
			t.Fatalf("%s: %v, %+v", x.what, err, r)
		}
		if n < x.least || n > most {
			t.Errorf("%s: %d bytes were read of %s, want %d to %d", x.what, n, gold, x.least, most)
		}
		t.Logf("%s: %d bytes read", x.what, n)
	}
}

// bytesRead is what this process has asked the kernel for, since it began.
func bytesRead(t *testing.T) (n int64) {
	t.Helper()
	b, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(string(b), "rchar: %d", &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestOnce: however many files are wanted of a gold, it is opened once; that is what the
// kernel tells of the file, not what the report says.
func TestOnce(t *testing.T) {
	h := newHoard(t, t.TempDir())
	var golds []string
	for i := range byte(3) {
		var members [][]byte
		for j := range byte(60) {
			members = append(members, random(60*i+j, 1000))
		}
		golds = append(golds, h.add(t, members...))
	}
	h.index(t)
	p := h.some(t)
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for _, g := range golds {
		if _, err := unix.InotifyAddWatch(fd, g, unix.IN_OPEN); err != nil {
			t.Fatal(err)
		}
	}
	r, err := p.Run(t.Context(), reunpack.RunOptions{TempDir: t.TempDir()})
	if err != nil || r.Written.Files != 180 || r.Golds != 3 {
		t.Fatalf("%v, %+v", err, r)
	}
	events := make([]byte, 1<<16)
	n, err := unix.Read(fd, events)
	if err != nil {
		t.Fatal(err)
	}
	if opened := n / unix.SizeofInotifyEvent; opened != len(golds) {
		t.Errorf("%d golds were opened %d times", len(golds), opened)
	}
}
