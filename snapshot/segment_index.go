package snapshot

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
)

// segmentIndex is what makes a segment readable from the middle. It is the one thing that
// grows with the number of files and is held in memory: less than a tenth of a byte for
// each. So it is written and read piece by piece.
type segmentIndex struct {
	Depth   int          `json:"depth"` // of the repository's fan-out
	Entries int64        `json:"entries"`
	Blocks  []blockIndex `json:"blocks"`
	Golds   []goldIndex  `json:"golds,omitempty"` // those that rows name by their number
}

type blockIndex struct {
	First  string `json:"first"`         // no path of the block is before it, all of the block in front are
	Raw    []byte `json:"raw,omitempty"` // First, where it is not UTF-8; older repotools have not written it
	Offset int64  `json:"offset"`
	Length int    `json:"length"`
}

// separator is as much of the path of a block's first entry as no path in front of it has.
func separator(last, first string) string {
	n := 0
	for n < min(len(last), len(first)) && last[n] == first[n] {
		n++
	}
	for n = min(n+1, len(first)); n < len(first) && !utf8.RuneStart(first[n]); n++ {
	}
	return first[:n]
}

// An indexWriter writes the JSON of a segmentIndex, compressed.
type indexWriter struct {
	to     bytes.Buffer
	enc    *zstd.Encoder
	blocks int
}

func newIndexWriter(depth int) (*indexWriter, error) {
	w := new(indexWriter)
	var err error
	// A small window is all that both sides need to hold of it.
	w.enc, err = zstd.NewWriter(&w.to, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(64<<10))
	if err != nil {
		return nil, err
	}
	return w, w.value(`{"depth":`, depth)
}

// value writes a value, and in front of it what leads to it.
func (w *indexWriter) value(lead string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.enc.Write(append([]byte(lead), b...))
	return err
}

func (w *indexWriter) block(b blockIndex) error {
	if !utf8.ValidString(b.First) { // JSON makes another one of it, which misleads those who seek
		b.Raw = []byte(b.First)
	}
	w.blocks++
	if w.blocks == 1 {
		return w.value(`,"blocks":[`, b)
	}
	return w.value(",", b)
}

// close returns the frame.
func (w *indexWriter) close(entries int64, golds []goldIndex) ([]byte, error) {
	lead := `],"golds":`
	if w.blocks == 0 {
		lead = `,"blocks":[` + lead
	}
	err := errors.Join(w.value(lead, golds), w.value(`,"entries":`, entries))
	if err == nil {
		_, err = w.enc.Write([]byte("}"))
	}
	err = errors.Join(err, w.enc.Close())
	return w.to.Bytes(), err
}

// readIndex is the reverse. It does not mind the order of the keys.
func readIndex(frame io.Reader) (x segmentIndex, err error) {
	z, err := zstd.NewReader(frame, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(1<<30))
	if err != nil {
		return x, err
	}
	defer z.Close()
	dec := json.NewDecoder(z)
	if err := delim(dec, '{'); err != nil {
		return x, err
	}
	for dec.More() && err == nil {
		var key json.Token
		if key, err = dec.Token(); err != nil {
			break
		}
		switch key {
		case "depth":
			err = dec.Decode(&x.Depth)
		case "entries":
			err = dec.Decode(&x.Entries)
		case "blocks":
			x.Blocks, err = readList[blockIndex](dec)
		case "golds":
			x.Golds, err = readList[goldIndex](dec)
		default:
			err = dec.Decode(new(json.RawMessage))
		}
	}
	for i := range x.Blocks {
		if b := &x.Blocks[i]; b.Raw != nil {
			b.First, b.Raw = string(b.Raw), nil
		}
	}
	if err == nil {
		err = delim(dec, '}')
	}
	if _, more := dec.Token(); err == nil && more != io.EOF {
		err = errors.New("more than an index")
	}
	return x, err
}

func delim(dec *json.Decoder, want json.Delim) error {
	got, err := dec.Token()
	if err == nil && got != want {
		err = errors.New("no index")
	}
	return err
}

// readList reads an array, or null.
func readList[T any](dec *json.Decoder) (list []T, err error) {
	switch got, err := dec.Token(); {
	case err != nil || got == nil:
		return nil, err
	case got != json.Delim('['):
		return nil, errors.New("no list")
	}
	for dec.More() {
		var one T
		if err := dec.Decode(&one); err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, delim(dec, ']')
}
