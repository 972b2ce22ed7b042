package store

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// Free returns the bytes and inodes that are free to this process on the file
// system of a directory. Inodes is -1 where the file system makes them as it needs
// them (btrfs).
func Free(dir string) (bytes, inodes int64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, 0, &fs.PathError{Op: "statfs", Path: dir, Err: err}
	}
	inodes = int64(st.Ffree)
	if st.Files == 0 {
		inodes = -1
	}
	return int64(st.Bavail) * st.Bsize, inodes, nil
}
