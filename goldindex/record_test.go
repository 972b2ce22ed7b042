package goldindex

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"repotool/fossology"
	"repotool/unpack"
)

// drawRows draws a tree of rows.
func drawRows(t *rapid.T) (rows []Row) {
	depth := -1
	for range rapid.IntRange(1, 3000).Draw(t, "rows") {
		r := Row{Depth: min(depth+1, 1), Class: unpack.Class(rapid.IntRange(0, int(unpack.Other)).Draw(t, "class")),
			Extra: rapid.Bool().Draw(t, "extra"), Name: rapid.StringN(0, 20, -1).Draw(t, "name")}
		if depth > 0 {
			r.Depth = rapid.IntRange(1, depth+1).Draw(t, "depth")
		}
		depth = r.Depth
		if r.Class == unpack.Container {
			r.Format = "tar"
		}
		if r.Held = rapid.Bool().Draw(t, "held"); r.Held {
			r.Of = fossology.Name{Size: rapid.Int64Range(0, 1<<62).Draw(t, "size"), SHA1: [20]byte{byte(depth)}}
			r.BLAKE3[31] = byte(depth)
		}
		rows = append(rows, r)
	}
	return rows
}

// TestRecord: what is written comes back.
func TestRecord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawRows(t)
		var b bytes.Buffer
		h := &Header{Gold: "x", Kind: "u", Upload: "y", Time: time.Unix(9, 0).UTC(), Cost: Cost{Files: 3},
			Skipped: []unpack.Skipped{{Path: "a", Why: "b"}}, Unpacker: Unpacker{1, map[string]string{"7z": "26"}}}
		if err := writeRecord(&b, h, func(add func(*Row) error) error {
			for i := range want {
				if err := add(&want[i]); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		got, back, err := parsed(b.Bytes(), t)
		if err != nil || !reflect.DeepEqual(back, h) {
			t.Fatalf("%+v, %v, want %+v", back, err, h)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%d rows, want %d", len(got), len(want))
		}
	})
}

type tempDirer interface {
	Fatal(...any)
}

// parsed reads a record from a file that holds b.
func parsed(b []byte, t tempDirer) (rows []Row, h *Header, err error) {
	f, err := os.CreateTemp("", "record-*")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
	f.Close()
	h, err = readRecord(f.Name(), func(r *Row) error { rows = append(rows, *r); return nil })
	return rows, h, err
}

// TestRecordDamage: no byte of a record can change, and no end be lost, unnoticed by
// who reads it. A bit of zstd's own words that changes nothing is allowed.
func TestRecordDamage(t *testing.T) {
	var b bytes.Buffer
	want := []Row{{Name: "top"}, {Depth: 1, Name: "below", Held: true, Of: fossology.Name{Size: 7}}}
	if err := writeRecord(&b, &Header{Gold: "x"}, func(add func(*Row) error) error {
		return errors.Join(add(&want[0]), add(&want[1]))
	}); err != nil {
		t.Fatal(err)
	}
	noticed := 0
	for at := range 8 * b.Len() {
		bad := slices.Clone(b.Bytes())
		bad[at/8] ^= 1 << (at % 8)
		rows, h, err := parsed(bad, t)
		if err == nil && (!slices.Equal(rows, want) || h.Gold != "x") {
			t.Errorf("bit %d: %v", at, rows)
		}
		if err != nil {
			noticed++
		}
	}
	if noticed < 7*b.Len() {
		t.Errorf("%d of %d bits noticed", noticed, 8*b.Len())
	}
	for n := range b.Len() {
		if _, _, err := parsed(b.Bytes()[:n], t); err == nil {
			t.Errorf("%d of %d bytes pass for all", n, b.Len())
		}
	}
}

// TestNewerRecord: a record of a later repotool is not called damaged: it would be
// thrown away.
func TestNewerRecord(t *testing.T) {
	_, err := decodeRecord(bytes.NewReader([]byte("repotool gold 2\n....")), func(*Row) error { return nil })
	if !errors.Is(err, ErrNewerFormat) || errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
}

// FuzzRecord: whatever stands in a record, reading it ends with rows that make sense
// or with ErrDamaged.
func FuzzRecord(f *testing.F) {
	var b bytes.Buffer
	e, err := newRecordEncoder(&b, &Header{Gold: "x", Kind: "u"})
	if err != nil {
		f.Fatal(err)
	}
	for i := range 5 {
		if err := e.add(&Row{Depth: min(i, 3), Name: "name", Class: unpack.Container, Format: "tar", Held: i%2 == 0, Of: fossology.Name{Size: 70}}); err != nil {
			f.Fatal(err)
		}
	}
	if err := e.close(); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(recordMagic))
	f.Add(append([]byte(recordMagic+"\x02{}"), 0, 0))
	f.Add(append([]byte(recordMagic+"\x02{}"), binary.AppendUvarint([]byte{1}, 1<<40)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		depth, n := -1, 0
		_, err := decodeRecord(bytes.NewReader(b), func(r *Row) error {
			if r.Depth < 0 || r.Depth > depth+1 || r.Depth == 0 && n > 0 || r.Class > unpack.Other {
				t.Fatalf("row %d: %+v behind depth %d", n, r, depth)
			}
			depth = r.Depth
			n++
			if r.Held && keyName(appendKey(nil, r.Of)) != r.Of {
				t.Fatalf("row %d: no key has the Name %v", n, r.Of)
			}
			return nil
		})
		if err == nil && n > len(b) {
			t.Fatalf("%d rows from %d bytes", n, len(b))
		}
		if errors.Is(err, io.EOF) {
			t.Fatalf("%v would be taken for an end", err)
		}
	})
}

// FuzzEntry: the name of a record's file is read in the one form that is written.
func FuzzEntry(f *testing.F) {
	f.Add(entry{kind: Unpacked, unpacker: 1, sum: 2}.file())
	f.Add("a.b.c.d.e.f")
	f.Fuzz(func(t *testing.T, name string) {
		if e, ok := parseEntry(name); ok && e.file() != name {
			t.Errorf("%q comes back as %q", name, e.file())
		}
	})
}
