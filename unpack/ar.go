package unpack

import (
	"bufio"
	"context"
	"errors"
	"io"
	"path"
	"strconv"
	"strings"
)

// ar(5): a header of 60 bytes before each member, which begins at an even place.
// GNU keeps long names in a member "//", BSD in front of the content ("#1/n").

const arMagic = "!<arch>\n"

func isDeb(_ string, head []byte) bool { return begins(arMagic+"debian-binary")("", head) }

// maxArNames bounds the member of long names.
const maxArNames = 16 << 20

func openAr(_ context.Context, a *archive, r io.Reader) error {
	b := bufio.NewReader(r)
	b.Discard(len(arMagic))
	names := ""
	for {
		head := make([]byte, 60)
		if n, err := io.ReadFull(b, head); err != nil {
			if n <= 1 {
				return nil
			}
			return io.ErrUnexpectedEOF
		}
		size, err := strconv.ParseInt(strings.TrimSpace(string(head[48:58])), 10, 64)
		if err != nil || size < 0 || string(head[58:]) != "`\n" {
			a.asExtra() // ar looks through all headers first, and gives up
			return errors.New("ar: damaged header")
		}
		name := strings.TrimRight(string(head[:16]), " ")
		body := &io.LimitedReader{R: b, N: size}
		switch {
		case name == "//":
			long, err := io.ReadAll(io.LimitReader(body, maxArNames))
			if err != nil {
				return err
			}
			names = string(long)
		case name == "/", name == "/SYM64/", strings.HasPrefix(name, "__.SYMDEF"):
		default:
			if name, err = arName(name, names, body); err == nil {
				mode, e := strconv.ParseUint(strings.TrimSpace(string(head[40:48])), 8, 32)
				a.blind = e == nil && mode&ownerReads == 0
				err = a.whole(name, body)
				a.blind = false
			}
		}
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, body); err != nil {
			return err
		}
		if body.N > 0 {
			return io.ErrUnexpectedEOF
		}
		if size%2 == 1 {
			b.Discard(1)
		}
	}
}

// whole reads a member of which ar writes all or nothing.
func (a *archive) whole(name string, body *io.LimitedReader) error {
	if isPart(path.Base(name)) {
		return a.File(name, body.N, body)
	}
	a.room()
	n, err := a.member(name, Leaf)
	if n == nil || err != nil {
		return err
	}
	if a.read(n, body.N, body); body.N > 0 {
		a.wait.Wait() // for who may drop it, too
		n.dropped = true
	}
	return a.stop()
}

func arName(name, names string, body io.Reader) (string, error) {
	if digits, ok := strings.CutPrefix(name, "#1/"); ok {
		n, err := strconv.Atoi(digits)
		if err != nil || n < 0 || n > maxCpioName {
			return "", errors.New("ar: damaged long name")
		}
		long := make([]byte, n)
		if _, err := io.ReadFull(body, long); err != nil {
			return "", io.ErrUnexpectedEOF
		}
		return strings.TrimRight(string(long), "\x00"), nil
	}
	if digits, ok := strings.CutPrefix(name, "/"); ok && digits != "" {
		at, err := strconv.Atoi(digits)
		if err != nil || at < 0 || at >= len(names) {
			return "", errors.New("ar: a long name that is not there")
		}
		name, _, _ = strings.Cut(names[at:], "\n")
		return strings.TrimSuffix(name, "/"), nil
	}
	name, _, _ = strings.Cut(name, "/") // which ends it
	return name, nil
}
