package prune

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// alike compares two files, and what more is known of them than owner, mode and times.
func (d *relinker) alike(ctx context.Context, a, b *handle, buf []byte) (Reason, error) {
	why, err := sameBytes(a.fd, b.fd, a.st.Size, buf, func() (Reason, error) {
		if a.awaited() || b.awaited() { // he shall not wait for all of it
			return InUse, ctx.Err()
		}
		return "", ctx.Err()
	})
	if why == "" && err == nil && !sameAttributes(a.fd, b.fd) {
		why = Metadata
	}
	return why, err
}

// sameBytes says why the first bytes of two files, as many as size, are not the same.
// Before each piece it asks whether it is to go on.
func sameBytes(a, b int, size int64, buf []byte, ask func() (Reason, error)) (Reason, error) {
	half := len(buf) / 2
	for at := int64(0); at < size; {
		if why, err := ask(); why != "" || err != nil {
			return why, err
		}
		n, err := readAt(a, buf[:min(int64(half), size-at)], at)
		if err != nil {
			return Unreadable, nil
		}
		m, err := readAt(b, buf[half:half+n], at)
		switch {
		case err != nil:
			return Unreadable, nil
		case n == 0 || m != n || !bytes.Equal(buf[:n], buf[half:half+m]):
			return Different, nil
		}
		at += int64(n)
	}
	return "", nil
}

// readAt reads all of it, or as much as there is.
func readAt(fd int, b []byte, at int64) (n int, err error) {
	for n < len(b) {
		m, err := unix.Pread(fd, b[n:], at+int64(n))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return n, err
		}
		if m == 0 {
			break
		}
		n += m
	}
	return n, nil
}

// sameAttributes says whether two files have the same extended attributes: access lists,
// labels, capabilities.
func sameAttributes(a, b int) bool {
	var buf [1024]byte
	na, errA := unix.Flistxattr(a, buf[:512])
	nb, errB := unix.Flistxattr(b, buf[512:])
	if errors.Is(errA, unix.ENOTSUP) && errors.Is(errB, unix.ENOTSUP) {
		return true
	}
	if errA != nil || errB != nil || na != nb {
		return false
	}
	all := attributeNames(buf[:na])
	if !slices.Equal(all, attributeNames(buf[512:512+nb])) {
		return false
	}
	for _, name := range all {
		var x, y [4096]byte
		n, errA := unix.Fgetxattr(a, name, x[:])
		m, errB := unix.Fgetxattr(b, name, y[:])
		if errA != nil || errB != nil || !bytes.Equal(x[:n], y[:m]) {
			return false
		}
	}
	return true
}

// attributeNames splits the list of a file's attributes.
func attributeNames(list []byte) []string {
	all := strings.FieldsFunc(string(list), func(r rune) bool { return r == 0 })
	slices.Sort(all)
	return all
}
