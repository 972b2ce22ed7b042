package prune

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"repotool/fossology"
)

// dedupeStep is how many bytes the kernel is asked about at once: no file system takes more
// than 16 MiB.
const dedupeStep = 16 << 20

// settleHow finds out whether the file system can share blocks, if that is asked for, with
// two files that never have a name.
func (d *deduper) settleHow() (How, error) {
	if d.o.How == "" || d.o.How == Link {
		return Link, nil
	}
	err := tryReflink(d.top)
	switch {
	case err == nil:
		return Reflink, nil
	case d.o.How == Auto:
		return Link, nil
	}
	return "", &NoReflinkError{d.o.Repository.Path, err}
}

// A NoReflinkError says that the file system cannot share blocks.
type NoReflinkError struct {
	Repository string
	Err        error
}

func (e *NoReflinkError) Error() string {
	return fmt.Sprintf("the file system of %s cannot have two files share their blocks: %v", e.Repository, e.Err)
}

func (e *NoReflinkError) Unwrap() error { return e.Err }

// Hint says what to do.
func (e *NoReflinkError) Hint() string { return "XFS and Btrfs can; elsewhere --how link" }

func tryReflink(top int) error {
	const block = 64 << 10
	var fds [2]int
	for i := range fds {
		fd, err := unix.Openat(top, ".", unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		if _, err := unix.Pwrite(fd, make([]byte, block), 0); err != nil {
			return err
		}
		fds[i] = fd
	}
	_, err := dedupe(fds[0], fds[1], 0, block)
	return err
}

// dedupe has the kernel compare a range of two files, and have the second share the blocks
// of the first if it is the same (ioctl_fideduperange(2)). Nobody can write to either
// meanwhile.
func dedupe(from, to int, at, n int64) (same bool, err error) {
	for end := at + n; at < end; {
		v := unix.FileDedupeRange{Src_offset: uint64(at), Src_length: uint64(min(end-at, dedupeStep)),
			Info: []unix.FileDedupeRangeInfo{{Dest_fd: int64(to), Dest_offset: uint64(at)}}}
		if err := unix.IoctlFileDedupeRange(from, &v); err != nil {
			return false, err
		}
		switch i := v.Info[0]; {
		case i.Status == unix.FILE_DEDUPE_RANGE_DIFFERS:
			return false, nil
		case i.Status < 0:
			return false, unix.Errno(-i.Status)
		case i.Bytes_deduped == 0:
			return false, unix.EINVAL
		default:
			at += int64(i.Bytes_deduped)
		}
	}
	return true, nil
}

// reflink has m share the blocks of keep.
func (d *relinker) reflink(ctx context.Context, keep, m *handle) (freed int64, why Reason, err error) {
	atStep()
	for at := int64(0); at < m.st.Size; at += dedupeStep {
		if err := ctx.Err(); err != nil {
			return 0, "", err
		}
		same, err := dedupe(keep.fd, m.fd, at, min(dedupeStep, m.st.Size-at))
		switch {
		case errors.Is(err, unix.EINVAL), errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES), errors.Is(err, unix.ETXTBSY), errors.Is(err, unix.EOPNOTSUPP):
			return 0, Refused, nil // Btrfs: smaller than a block, and kept in its inode
		case errors.Is(err, unix.EIO):
			return 0, Unreadable, nil
		case err != nil:
			return 0, "", fmt.Errorf("share blocks: %w", err)
		case !same:
			return 0, Different, nil
		}
	}
	if m.touched() || keep.touched() {
		return 0, Changed, nil // and what is shared was the same
	}
	return m.st.Blocks * 512, "", nil
}

// leaveShared leaves those out that share their first blocks with the one that keeps its
// own already.
func (d *deduper) leaveShared(g *Duplicates) {
	at, ok := firstBlock(d.top, g.Keep.Path)
	if !ok {
		return
	}
	same := g.Same[:0]
	for _, m := range g.Same {
		if b, ok := firstBlock(d.top, m.Path); ok && b == at {
			d.p.Kept.add(Shared, g.Size)
			continue
		}
		same = append(same, m)
	}
	g.Same = same
}

// fiemap is struct fiemap of linux/fiemap.h with room for one extent.
type fiemap struct {
	_, length            uint64
	flags, mapped, count uint32
	_                    uint32
	_, physical, _       uint64
	_                    [2]uint64
	extentFlags          uint32
	_                    [3]uint32
}

const (
	fsIocFiemap        = 0xc020660b
	fiemapFlagSync     = 1
	fiemapExtentShared = 0x2000
	fiemapNoPlace      = 0x2 | 0x4 | 0x200 // unknown, not allocated yet, in the inode
)

// firstExtent is where a file's bytes begin on the disk.
func firstExtent(fd int) (x fiemap, ok bool) {
	x = fiemap{length: ^uint64(0), flags: fiemapFlagSync, count: 1}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), fsIocFiemap, uintptr(unsafe.Pointer(&x)))
	runtime.KeepAlive(&x)
	return x, errno == 0 && x.mapped == 1 && x.extentFlags&fiemapNoPlace == 0
}

func firstBlock(top int, path string) (uint64, bool) {
	dir, err := fossology.OpenBeneath(top, filepath.Dir(path))
	if err != nil {
		return 0, false
	}
	defer unix.Close(dir)
	fd, err := openFile(dir, filepath.Base(path))
	if err != nil {
		return 0, false
	}
	defer unix.Close(fd)
	x, ok := firstExtent(fd)
	return x.physical, ok
}
