package goldindex

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"

	"repotool/unpack"
)

// Format of a record, inside one zstd frame (version 1):
//
//	magic   "repotool gold 1\n"
//	header  uvarint length, JSON: Header
//	blocks  uvarint rows, uvarint length of the text, text, digests
//	end     uvarint 0, uvarint number of all rows
//
// text is, for each row: flags, uvarint depth, uvarint length and name, and for
// those with one uvarint length and format. digests are, for each row with a
// content, its Name as a key and its BLAKE3. They stand apart because they cannot be
// compressed, and the text can.
const (
	recordName  = "repotool gold "
	recordMagic = recordName + "1\n"
	blockRows   = 1024
	maxText     = 64 << 20 // bytes of a block's text: 1024 names of 4096 bytes, with room
	maxHeader   = 16 << 20
	digestSize  = keySize + 32
)

// Flags of a row; the class is in the four low bits.
const (
	flagExtra = 1 << (iota + 4)
	flagHeld
	flagFormat
	classMask = 15
)

// A recordEncoder writes rows in blocks.
type recordEncoder struct {
	w             io.Writer
	text, digests []byte
	n             int
	all           uint64
}

func newRecordEncoder(w io.Writer, h *Header) (*recordEncoder, error) {
	j, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	b := binary.AppendUvarint([]byte(recordMagic), uint64(len(j)))
	_, err = w.Write(append(b, j...))
	return &recordEncoder{w: w}, err
}

func (e *recordEncoder) add(r *Row) error {
	flags := byte(r.Class) & classMask
	if r.Extra {
		flags |= flagExtra
	}
	if r.Held {
		flags |= flagHeld
		e.digests = append(appendKey(e.digests, r.Of), r.BLAKE3[:]...)
	}
	if r.Format != "" {
		flags |= flagFormat
	}
	e.text = binary.AppendUvarint(append(e.text, flags), uint64(r.Depth))
	e.text = append(binary.AppendUvarint(e.text, uint64(len(r.Name))), r.Name...)
	if r.Format != "" {
		e.text = append(binary.AppendUvarint(e.text, uint64(len(r.Format))), r.Format...)
	}
	e.n++
	e.all++
	if e.n == blockRows || len(e.text) > maxText/2 {
		return e.flush()
	}
	return nil
}

func (e *recordEncoder) flush() error {
	if e.n == 0 {
		return nil
	}
	head := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(e.n)), uint64(len(e.text)))
	for _, b := range [][]byte{head, e.text, e.digests} {
		if _, err := e.w.Write(b); err != nil {
			return err
		}
	}
	e.n, e.text, e.digests = 0, e.text[:0], e.digests[:0]
	return nil
}

func (e *recordEncoder) close() error {
	if err := e.flush(); err != nil {
		return err
	}
	_, err := e.w.Write(binary.AppendUvarint([]byte{0}, e.all))
	return err
}

// decodeRecord reads a record and calls each, if it is not nil, for its rows; else
// it reads the header only. The Row is valid until each returns.
func decodeRecord(from io.Reader, each func(*Row) error) (*Header, error) {
	r := bufio.NewReaderSize(from, 64<<10)
	h, err := decodeHeader(r)
	if err != nil || each == nil {
		return h, err
	}
	var all uint64
	depth := -1
	for {
		n, err := binary.ReadUvarint(r)
		if err != nil || n > blockRows {
			return nil, damaged("a block of %d rows", n, err)
		}
		if n == 0 {
			break
		}
		if depth, err = decodeBlock(r, int(n), depth, each); err != nil {
			return nil, err
		}
		all += n
	}
	if want, err := binary.ReadUvarint(r); err != nil || want != all {
		return nil, damaged("%d rows", all, err)
	}
	if _, err := r.ReadByte(); err != io.EOF { // reads on to the frame's checksum
		return nil, damaged("something behind %d rows", all, err)
	}
	return h, nil
}

func decodeHeader(r *bufio.Reader) (*Header, error) {
	magic := make([]byte, len(recordMagic))
	if _, err := io.ReadFull(r, magic); err != nil {
		return nil, damaged("%d bytes", 0, err)
	}
	if err := checkMagic(string(magic), recordName, recordMagic); err != nil {
		return nil, err
	}
	n, err := binary.ReadUvarint(r)
	if err != nil || n > maxHeader {
		return nil, damaged("a header of %d bytes", n, err)
	}
	j := make([]byte, n)
	if _, err := io.ReadFull(r, j); err != nil {
		return nil, damaged("a header shorter than %d bytes", n, err)
	}
	h := new(Header)
	if err := json.Unmarshal(j, h); err != nil {
		return nil, damaged("a header of %d bytes", n, err)
	}
	return h, nil
}

// decodeBlock reads the rows of one block. depth is that of the row before.
func decodeBlock(r *bufio.Reader, n, depth int, each func(*Row) error) (int, error) {
	size, err := binary.ReadUvarint(r)
	if err != nil || size > maxText {
		return 0, damaged("a text of %d bytes", size, err)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r, text); err != nil {
		return 0, damaged("a text shorter than %d bytes", size, err)
	}
	t := &taker{b: text}
	var digest [digestSize]byte
	var key [keySize]byte
	for range n {
		flags := t.byte()
		x := Row{Class: unpack.Class(flags & classMask), Extra: flags&flagExtra != 0, Held: flags&flagHeld != 0}
		below := t.uvarint()
		x.Name = t.string()
		if flags&flagFormat != 0 {
			x.Format = t.string()
		}
		if t.bad || x.Class > unpack.Other || below > uint64(depth+1) || below == 0 && depth >= 0 {
			return 0, damaged("a row at depth %d", below, nil)
		}
		x.Depth = int(below)
		depth = x.Depth
		if x.Held {
			if _, err := io.ReadFull(r, digest[:]); err != nil {
				return 0, damaged("%d digests", uint64(n), err)
			}
			x.Of = keyName(digest[:keySize])
			if !bytes.Equal(appendKey(key[:0], x.Of), digest[:keySize]) {
				return 0, damaged("a key of %d bytes that no Name has", keySize, nil)
			}
			copy(x.BLAKE3[:], digest[keySize:])
		}
		if err := each(&x); err != nil {
			return 0, err
		}
	}
	if len(t.b) > 0 {
		return 0, damaged("%d bytes behind a text", uint64(len(t.b)), nil)
	}
	return depth, nil
}

// damaged is an error that says where a file stops making sense.
func damaged(format string, n uint64, err error) error {
	if err == nil {
		return fmt.Errorf("%w: "+format, ErrDamaged, n)
	}
	return fmt.Errorf("%w: "+format+": %v", ErrDamaged, n, err) // not wrapped: io.EOF would be taken for an end
}
