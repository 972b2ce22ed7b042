package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func unfit(t *testing.T, err error, reason string) {
	t.Helper()
	var unfit *UnfitError
	if !errors.As(err, &unfit) || !strings.Contains(unfit.Reason, reason) || unfit.Hint() == "" {
		t.Errorf("%v, want %q", err, reason)
	}
}

// File systems that allow few links to a file, and such that only seem to make
// them, are refused, and nothing is left on them.
func TestProbeFewLinks(t *testing.T) {
	defer func() { link = os.Link }()
	made := 0
	for reason, play := range map[string]func(from, to string) error{
		"a file can have only 250 links": func(from, to string) error {
			if made++; made == 250 { // with the file's own name it has so many
				return &os.LinkError{Op: "link", Old: from, New: to, Err: unix.EMLINK}
			}
			return os.Link(from, to)
		},
		"hard links are not real": func(_, to string) error { return os.WriteFile(to, []byte("a"), 0o600) },
	} {
		link = play
		dir := t.TempDir()
		_, err := Init(t.Context(), filepath.Join(dir, "store"), time.Now())
		unfit(t, err, reason)
		left, _ := filepath.Glob(filepath.Join(dir, "*", "*"))
		hidden, _ := filepath.Glob(filepath.Join(dir, ".*"))
		if len(left)+len(hidden) > 0 {
			t.Errorf("%s: left %v %v", reason, left, hidden)
		}
	}
}

// A directory stands for each file system here: one where "a" is found as "A",
// and one so deep that no name of 255 bytes has room in a path.
func TestProbeNames(t *testing.T) {
	same := t.TempDir()
	if err := os.WriteFile(filepath.Join(same, "A"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	unfit(t, probeNames("", same), "upper and lower case")
	deep := t.TempDir()
	for len(deep) < unix.PathMax-255 {
		deep = filepath.Join(deep, strings.Repeat("d", min(200, unix.PathMax-250-len(deep))))
	}
	if err := os.MkdirAll(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	unfit(t, probeNames("", deep), "names of 255 bytes")
	if err := probeNames("", t.TempDir()); err != nil {
		t.Error(err)
	}
}
