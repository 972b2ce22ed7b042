package unpack

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/semaphore"
)

// What decoders may take for their dictionaries. An archive and those around it are a
// chain; what is small is nobody's concern, what is not is counted over the process, so
// that golds that are opened side by side do not take their largest together.
const (
	// smallDictionaries is what a chain has without asking: xz makes one of 8 MiB
	// unless it is told otherwise.
	smallDictionaries = 16 << 20
	// largeDictionaries is what all chains have that ask: two of xz -9, or one that
	// zstd makes with --long. A larger one has it alone.
	largeDictionaries = 128 << 20
	// maxDictionaries is what one chain may have: eight times what xz -9 makes. A chain
	// that has asked already has what it wants beyond that at once when its turn
	// comes, and only one has a turn; if it had to wait for the others, and they for
	// it, nobody would go on.
	maxDictionaries = 512 << 20
	// usualDictionary is what a later part of a stream may want although the first, by
	// which memory is asked for, wants less.
	usualDictionary = 64 << 20
)

var (
	large = semaphore.NewWeighted(largeDictionaries)
	turn  = semaphore.NewWeighted(1)
)

// A grant is what a chain has been given.
type grant uint8

const (
	noGrant grant = iota
	grantOfLarge
	grantOfTurn
)

var errDictionary = errors.New("its decoder needs more memory than it may have")

// decoded makes a decoder for the archive's content, if its dictionary and those
// of the archives around it are not too large together. It may wait for others.
func (a *archive) decoded(r io.Reader, decode decoder, dictionary func([]byte) int64) (io.Reader, error) {
	if dictionary == nil {
		return decode(r)
	}
	b := bufio.NewReader(r)
	head, _ := b.Peek(64) // no header is longer that matters
	if err := a.needs(dictionary(head)); err != nil {
		return nil, err
	}
	return decode(b)
}

// needs asks for memory, which the archive has until it is closed.
func (a *archive) needs(size int64) (err error) {
	around, has := a.node.parent.chain()
	a.node.dictionary = size
	switch all := around + size; {
	case all > maxDictionaries:
		return errDictionary
	case size == 0, all <= smallDictionaries, has == grantOfTurn:
	case has == grantOfLarge:
		if err = turn.Acquire(a.ctx, 1); err == nil {
			a.node.grant = grantOfTurn
		}
	default:
		a.weight = min(all, largeDictionaries)
		if err = large.Acquire(a.ctx, a.weight); err == nil {
			a.node.grant = grantOfLarge
		}
	}
	if err != nil {
		return context.Cause(a.ctx)
	}
	return nil
}

// mostDictionary is what a later part of a stream may want whose first wants size.
func mostDictionary(size int64) int64 { return max(size, usualDictionary) }

// returned gives back what an archive was given.
func (a *archive) returned() {
	switch a.node.grant {
	case grantOfLarge:
		large.Release(a.weight)
	case grantOfTurn:
		turn.Release(1)
	}
	a.node.grant, a.node.dictionary = noGrant, 0
}

// chain is what a node and those around it have.
func (n *Node) chain() (dictionaries int64, best grant) {
	for ; n != nil; n = n.parent {
		dictionaries += n.dictionary
		best = max(best, n.grant)
	}
	return dictionaries, best
}

// xzDictionary reads the header of the first block: LZMA2 is the last of its
// filters, and has one byte of properties (xz file format, 3.1 and 5.3.1).
func xzDictionary(head []byte) int64 {
	const streamHeader = 12
	if len(head) < streamHeader+2 {
		return 0
	}
	b := head[streamHeader:]
	b = b[:min(len(b), (int(b[0])+1)*4)]
	if len(b) < 2 {
		return 0
	}
	flags, b := b[1], b[2:]
	number := func() (v uint64) {
		v, n := binary.Uvarint(b)
		b = b[max(0, n):]
		return v
	}
	for _, given := range []byte{0x40, 0x80} { // sizes of the block
		if flags&given != 0 {
			number()
		}
	}
	for range flags&3 + 1 {
		id, size := number(), number()
		if size > uint64(len(b)) {
			return 0
		}
		if id == 0x21 && size == 1 && b[0] <= 40 {
			return int64(2|b[0]&1) << (b[0]/2 + 11)
		}
		b = b[size:]
	}
	return 0
}

func lzmaDictionary(head []byte) int64 {
	if len(head) < 5 {
		return 0
	}
	return int64(binary.LittleEndian.Uint32(head[1:]))
}

func zstdDictionary(head []byte) int64 {
	var h zstd.Header
	if h.Decode(head) != nil {
		return 0
	}
	return int64(min(h.WindowSize, maxWindow))
}
