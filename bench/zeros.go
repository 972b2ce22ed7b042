package bench

import (
	"bytes"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"repotool/store"
)

// A store makes holes of whole runs of so many zeros.
const zeroRun = 1 << 20

// room says what a file of so many blocks and links takes, and what a store takes for it: as
// one does that has it, or else as much as all blocks of the file.
func (o *SurveyOptions) room(object store.Hash, path string, size, blocks int64, links uint64) room {
	return room{share(blocks, links), 512 * o.stored(object, path, size, blocks)}
}

// share is what one of several links has of the bytes of the blocks, so that their sum is
// what all of them take, wherever they stand: FOSSology links files to gold, dedup does.
func share(blocks int64, links uint64) int64 { return 512 * blocks / int64(max(1, links)) }

func (o *SurveyOptions) stored(object store.Hash, path string, size, blocks int64) int64 {
	if o.Stored != nil && object != (store.Hash{}) {
		if disk, ok := o.Stored(object); ok {
			return disk / 512
		}
	}
	if !o.Zeros || size < zeroRun {
		return blocks
	}
	zeros, err := zerosOf(path, size)
	if err != nil {
		return blocks // whoever takes the snapshot says so
	}
	const block = 4096
	return (size - zeros + block - 1) / block * (block / 512)
}

// zerosOf adds up the runs of zeros. Of any other run it reads no more than a block.
func zerosOf(path string, size int64) (zeros int64, err error) {
	fd, err := store.OpenUntouched(unix.AT_FDCWD, path)
	if err != nil {
		return 0, err
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	unix.Fadvise(fd, 0, 0, unix.FADV_RANDOM)
	run, none := make([]byte, zeroRun), make([]byte, zeroRun)
	for at := int64(0); at+zeroRun <= size; at += zeroRun {
		for _, n := range []int{4096, zeroRun} {
			if _, err := io.ReadFull(io.NewSectionReader(f, at, zeroRun), run[:n]); err != nil {
				return 0, err
			}
			if !bytes.Equal(run[:n], none[:n]) {
				break
			}
			if n == zeroRun {
				zeros += zeroRun
			}
		}
	}
	return zeros, nil
}
