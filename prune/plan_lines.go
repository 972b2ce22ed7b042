package prune

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/zeebo/blake3"
)

// Plans, of a prune and of a dedup, are written as lines of JSON: the plan, what it lists,
// and a last line with the number of that and the BLAKE3 of all lines before it.

// writeLines writes the plan first, line makes a line of each of what it lists, and last
// makes the last one.
func writeLines[T any](w io.Writer, plan any, list iter.Seq2[T, error], line func(*T) any, last func(n int64, sum string) any) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write plan: %w", err)
		}
	}()
	h := blake3.New()
	b := bufio.NewWriterSize(w, 256<<10)
	e := json.NewEncoder(io.MultiWriter(b, h))
	if err := e.Encode(plan); err != nil {
		return err
	}
	n := int64(0)
	for x, err := range list {
		if err == nil {
			err = e.Encode(line(&x))
		}
		if err != nil {
			return err
		}
		n++
	}
	return errors.Join(json.NewEncoder(b).Encode(last(n, hex.EncodeToString(h.Sum(nil)))), b.Flush())
}

// ErrNoPlan means that what was read is no plan, or not all of one.
var ErrNoPlan = errors.New("it is no plan, or it was damaged or cut")

// maxLine bounds a line of a plan; the first holds the golds.
const maxLine = 256 << 20

// planLines are the lines of a plan, with the hash of those that count.
type planLines struct {
	s *bufio.Scanner
	h *blake3.Hasher
}

func newPlanLines(r io.Reader) *planLines {
	l := &planLines{bufio.NewScanner(r), blake3.New()}
	l.s.Buffer(make([]byte, 0, 64<<10), maxLine)
	return l
}

// first reads the plan itself.
func (l *planLines) first(plan any) error {
	line, err := l.next()
	if err == nil && json.Unmarshal(line, plan) != nil {
		err = ErrNoPlan
	}
	l.count(line)
	return err
}

// rest has add read each line of what the plan lists, and returns the last line, which
// begins with that key, and the hash of those before it.
func (l *planLines) rest(key string, add func(line []byte) error) (last []byte, sum string, err error) {
	begin := []byte(`{"` + key + `":`)
	for {
		line, err := l.next()
		if err != nil {
			return nil, "", err
		}
		if bytes.HasPrefix(line, begin) {
			return line, hex.EncodeToString(l.h.Sum(nil)), nil
		}
		l.count(line)
		if err := add(line); err != nil {
			return nil, "", err
		}
	}
}

// next reads a line, which is good until the next one is read.
func (l *planLines) next() ([]byte, error) {
	if !l.s.Scan() {
		return nil, errors.Join(l.s.Err(), ErrNoPlan)
	}
	return l.s.Bytes(), nil
}

// count takes a line into the hash.
func (l *planLines) count(line []byte) { l.h.Write(line); l.h.Write([]byte{'\n'}) }
