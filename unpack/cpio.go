package unpack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// The cpio formats that FOSSology's cpio reads: newc (070701), with checksums
// (070702), and odc (070707). See cpio(5).

var errCpio = errors.New("cpio: damaged header")

func isCpio(_ string, head []byte) bool {
	return len(head) >= 6 && (string(head[:5]) == "07070") && head[5] >= '1' && head[5] <= '2' || begins("070707")("", head)
}

// cpioEntry is a header.
type cpioEntry struct {
	name  string
	mode  uint64
	links uint64
	inode string
	size  int64
	pad   int64 // bytes behind the content
}

// Types of cpio members: the bits of st_mode.
const (
	cpioType    = 0o170000
	cpioFile    = 0o100000
	cpioDir     = 0o040000
	cpioSymlink = 0o120000
	cpioFifo    = 0o010000
)

// maxCpioName bounds a name before memory is taken for it.
const maxCpioName = 1 << 16

// maxCpioWaiting is how many names may wait for their content, which comes with an
// inode's last name: a hundred times what a Linux distribution's largest package has.
const maxCpioWaiting = 100_000

func openCpio(_ context.Context, a *archive, r io.Reader) error {
	b := bufio.NewReader(r)
	waiting := map[string][]string{} // names of an inode whose content is yet to come
	waits := 0
	linked := map[string]string{} // an inode's first name that has content
	for {
		e, err := readCpio(b)
		if err != nil {
			return err
		}
		if e.name == "TRAILER!!!" {
			for _, names := range waiting { // their content never came: it is empty
				for _, name := range names {
					if err := a.File(name, 0, strings.NewReader("")); err != nil {
						return err
					}
				}
			}
			return nil
		}
		body := io.LimitReader(b, e.size)
		switch first, known := linked[e.inode]; {
		case e.mode&cpioType == cpioFile && e.links > 1 && e.size == 0 && known:
			err = a.Link(e.name, first)
		case e.mode&cpioType == cpioFile && e.links > 1 && e.size == 0 && (waits == maxCpioWaiting || len(e.name) > a.u.limits.NameLength):
			a.Skip(e.name, "too many names wait for their content")
		case e.mode&cpioType == cpioFile && e.links > 1 && e.size == 0:
			waiting[e.inode] = append(waiting[e.inode], e.name)
			waits++
		case e.mode&cpioType == cpioFile:
			if err = a.File(e.name, e.size, body); err == nil && e.links > 1 {
				linked[e.inode] = e.name
				for _, name := range waiting[e.inode] {
					err = errors.Join(err, a.Link(name, e.name))
				}
				waits -= len(waiting[e.inode])
				delete(waiting, e.inode)
			}
		case e.mode&cpioType == cpioDir:
			err = a.Dir(e.name)
		case e.mode&cpioType == cpioSymlink:
			err = a.Symlink(e.name)
		case e.mode&cpioType == cpioFifo:
			err = a.Other(e.name)
		default:
			a.Skip(e.name, fmt.Sprintf("a member of type %o", e.mode&cpioType))
		}
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, body); err != nil {
			return err
		}
		if _, err := b.Discard(int(e.pad)); err != nil {
			return io.ErrUnexpectedEOF
		}
	}
}

func readCpio(b *bufio.Reader) (e cpioEntry, err error) {
	magic, err := b.Peek(6)
	if err != nil {
		return e, io.ErrUnexpectedEOF
	}
	if string(magic) == "070707" {
		return readODC(b)
	}
	if !isCpio("", magic) {
		return e, errCpio
	}
	head := make([]byte, 110)
	if _, err := io.ReadFull(b, head); err != nil {
		return e, io.ErrUnexpectedEOF
	}
	var f [13]uint64
	for i := range f {
		if f[i], err = strconv.ParseUint(string(head[6+8*i:14+8*i]), 16, 64); err != nil {
			return e, errCpio
		}
	}
	nameSize := int(f[11])
	if nameSize > maxCpioName {
		return e, errCpio
	}
	e = cpioEntry{mode: f[1], links: f[4], size: int64(f[6]), pad: int64(-f[6] & 3),
		inode: fmt.Sprint(f[7], f[8], f[0])}
	e.name, err = cpioName(b, nameSize, int(-(110+uint(nameSize))&3))
	return e, err
}

func readODC(b *bufio.Reader) (e cpioEntry, err error) {
	head := make([]byte, 76)
	if _, err := io.ReadFull(b, head); err != nil {
		return e, io.ErrUnexpectedEOF
	}
	octal := func(from, to int) (v uint64) {
		if err == nil {
			v, err = strconv.ParseUint(string(head[from:to]), 8, 64)
		}
		return v
	}
	e = cpioEntry{inode: string(head[6:18]), mode: octal(18, 24), links: octal(36, 42), size: int64(octal(65, 76))}
	nameSize := octal(59, 65)
	if err != nil || nameSize > maxCpioName {
		return e, errCpio
	}
	e.name, err = cpioName(b, int(nameSize), 0)
	return e, err
}

func cpioName(b *bufio.Reader, size, pad int) (string, error) {
	name := make([]byte, size+pad)
	if _, err := io.ReadFull(b, name); err != nil {
		return "", io.ErrUnexpectedEOF
	}
	s, _, _ := strings.Cut(string(name[:size]), "\x00")
	return s, nil
}
