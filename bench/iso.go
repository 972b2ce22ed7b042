package bench

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Classical is the measurement on which FOSSology's design rests: the source DVD of Fedora 11,
// of 2009.
var Classical = struct {
	Name    string
	In, Out int64
	Seconds float64
}{"Fedora-11-source-DVD.iso, 2009", 4_200_000_000, 54_000_000_000, 5.5 * 3600}

// SmallestISO is how many bytes the pinned tarballs make at least; some thousands more.
const SmallestISO = 65_000_000

//go:embed source-iso.sh
var sourceISO []byte

// ISOOptions say what an ISO is to be like.
type ISOOptions struct {
	Dir    string // keeps it, and the tarballs it is made of
	Size   int64  // bytes, at least; below SmallestISO: that
	Mirror string // of Debian; "": deb.debian.org
}

// An ISOError is why there is no ISO.
type ISOError struct {
	Err    error
	Output string
}

func (e *ISOError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("make an ISO of source rpms: %v: %s", e.Err, e.Output))
}

func (e *ISOError) Unwrap() error { return e.Err }

// Hint says what to do.
func (e *ISOError) Hint() string {
	return "it takes a mirror of Debian, and these programs: apt-get install -y bash apt rpm xorriso xz-utils"
}

// isoTools are what the script calls.
var isoTools = []string{"bash", "rpmbuild", "xorriso", "xz", "/usr/lib/apt/apt-helper"}

// ISO makes an ISO of source rpms, from tarballs of Debian, and returns its path. One that is
// there is not made again. The smallest is the same everywhere; a larger one holds further
// tarballs of Debian 12 as it is on the day.
func ISO(ctx context.Context, o ISOOptions) (string, error) {
	for _, tool := range isoTools {
		if _, err := exec.LookPath(tool); err != nil {
			return "", &ISOError{Err: err}
		}
	}
	dir, err := os.MkdirTemp("", "repotool-iso-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	script := filepath.Join(dir, "source-iso.sh")
	if err := os.WriteFile(script, sourceISO, 0o600); err != nil {
		return "", err
	}
	// The rpms, and the ISO until it is whole. The script removes it, if it comes to that.
	work := filepath.Join(o.Dir, "work-"+strings.TrimPrefix(filepath.Base(dir), "repotool-iso-"))
	cmd := exec.CommandContext(ctx, "bash", script, o.Dir, work)
	megabytes := (max(o.Size, SmallestISO) + 999_999) / 1_000_000
	cmd.Env = append(os.Environ(), "SIZE="+strconv.FormatInt(megabytes, 10))
	if o.Mirror != "" {
		cmd.Env = append(cmd.Env, "MIRROR="+o.Mirror)
	}
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err = runGroup(cmd)
	left := os.RemoveAll(work)
	if err != nil && ctx.Err() != nil {
		return "", errors.Join(ctx.Err(), left)
	}
	err = errors.Join(err, left)
	path := strings.TrimSpace(out.String())
	if err == nil && path == "" {
		err = errors.New("it did not say where it is")
	}
	if err != nil {
		return "", &ISOError{err, said.String()}
	}
	return path, nil
}
