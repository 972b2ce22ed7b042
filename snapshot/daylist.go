package snapshot

import (
	"bufio"
	"errors"
	"os"

	"github.com/klauspost/compress/zstd"
)

// A dayList writes a file of a day that lists something, compressed. It is made with the
// first that is written.
type dayList struct {
	name string
	f    *os.File
	enc  *zstd.Encoder
	out  *bufio.Writer
}

func (l *dayList) open() (err error) {
	if l.f, err = os.OpenFile(l.name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644); err != nil {
		return err
	}
	if l.enc, err = zstd.NewWriter(l.f, zstd.WithEncoderConcurrency(1)); err != nil {
		return err
	}
	l.out = bufio.NewWriterSize(l.enc, 256<<10)
	return nil
}

func (l *dayList) write(b []byte) error {
	if l.f == nil {
		if err := l.open(); err != nil {
			return err
		}
	}
	_, err := l.out.Write(b)
	return err
}

// close completes the list.
func (l *dayList) close() error {
	if l.out == nil {
		return nil
	}
	err := errors.Join(l.out.Flush(), l.enc.Close())
	l.out = nil
	return err
}

// discard lets go of the file, whatever became of it.
func (l *dayList) discard() {
	if l.enc != nil {
		l.enc.Close()
	}
	if l.f != nil {
		l.f.Close()
	}
}
