package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// What a file system must have to carry a store.
const (
	minLinks  = 1000     // a day takes one or two links of each object: years of nights
	minFree   = 64 << 20 // bytes: below it even an empty night's dump may not fit
	minInodes = 2000     // the folders of one store and one flat day, and some objects
)

// link is os.Link; a test plays file systems that allow few links.
var link = os.Link

// Probe tries in dir what a store needs: hard links and enough of them, fsync,
// case-sensitive and 255-byte names, free space and free inodes. It returns
// an *UnfitError with the reason when dir cannot hold a store, and leaves
// nothing behind.
func Probe(dir string) (err error) {
	if err := probeCapacity(dir); err != nil {
		return err
	}
	room, err := os.MkdirTemp(dir, ".probe-")
	if err != nil {
		return fmt.Errorf("probe %s: %w", dir, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(room)) }()
	for _, probe := range []func(dir, room string) error{probeSync, probeLinks, probeNames} {
		if err := probe(dir, room); err != nil {
			return err
		}
	}
	return nil
}

func probeCapacity(dir string) error {
	bytes, inodes, err := Free(dir)
	switch {
	case err != nil:
		return fmt.Errorf("probe: %w", err)
	case bytes < minFree:
		return &UnfitError{dir, fmt.Sprintf("only %d MiB are free", bytes>>20), "make room or choose another file system"}
	case inodes >= 0 && inodes < minInodes:
		return &UnfitError{dir, fmt.Sprintf("only %d inodes are free", inodes),
			"each file takes one; make the file system with more (mkfs.ext4 -i 4096) or use XFS"}
	}
	return nil
}

func probeSync(dir, room string) error {
	f, err := os.Create(filepath.Join(room, "a"))
	if err != nil {
		return fmt.Errorf("probe %s: %w", dir, err)
	}
	defer f.Close()
	if _, err := f.Write([]byte("a")); err != nil {
		return fmt.Errorf("probe %s: %w", dir, err)
	}
	if err := f.Sync(); err != nil {
		return &UnfitError{dir, "fsync: " + err.Error(), "a store needs a file system that can make data durable"}
	}
	if err := SyncDir(room); err != nil {
		return &UnfitError{dir, "fsync of a directory: " + err.Error(), "a store needs a file system that can make names durable"}
	}
	return nil
}

func probeLinks(dir, room string) error {
	first := filepath.Join(room, "a")
	for i := range minLinks {
		err := link(first, filepath.Join(room, fmt.Sprint("l", i)))
		switch {
		case err == nil:
		case i == 0:
			return &UnfitError{dir, "no hard links: " + errors.Unwrap(err).Error(),
				"days are made of hard links: use ext4, XFS, btrfs or ZFS, not FAT, exFAT or a share without them"}
		case errors.Is(err, unix.EMLINK):
			return &UnfitError{dir, fmt.Sprintf("a file can have only %d links, %d are needed", i+1, minLinks), "use ext4, XFS, btrfs or ZFS"}
		default:
			return fmt.Errorf("probe %s: %w", dir, err)
		}
	}
	var st unix.Stat_t
	if err := unix.Stat(first, &st); err != nil || st.Nlink != minLinks+1 {
		return &UnfitError{dir, fmt.Sprintf("hard links are not real (link count %d)", st.Nlink), "use a local ext4, XFS, btrfs or ZFS"}
	}
	return nil
}

func probeNames(dir, room string) error {
	if _, err := os.Stat(filepath.Join(room, "A")); err == nil {
		return &UnfitError{dir, "upper and lower case are the same there", "use a case-sensitive file system"}
	}
	if err := os.WriteFile(filepath.Join(room, strings.Repeat("n", 255)), nil, 0o600); err != nil {
		return &UnfitError{dir, "names of 255 bytes are refused: " + err.Error(), "use ext4, XFS, btrfs or ZFS, without name encryption"}
	}
	return nil
}
