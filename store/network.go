package store

import "golang.org/x/sys/unix"

// OnNetwork says whether a directory is on a file system that other hosts may
// use at the same time: its server stamps files by another clock than ours, and
// locks may reach no further than one host. What cannot be asked counts as one.
func OnNetwork(dir string) bool {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return true
	}
	switch uint32(st.Type) {
	case unix.NFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC,
		unix.CEPH_SUPER_MAGIC, unix.FUSE_SUPER_MAGIC, unix.V9FS_MAGIC, unix.AFS_SUPER_MAGIC,
		unix.OCFS2_SUPER_MAGIC, gfs2Magic:
		return true
	}
	return false
}

// gfs2Magic is GFS2's, which x/sys does not name.
const gfs2Magic = 0x01161970
