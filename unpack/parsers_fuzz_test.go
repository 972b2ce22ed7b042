package unpack

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
)

// maxFuzzed is the largest upload that a fuzzer begins with.
const maxFuzzed = 64 << 10

// contents are the small contents of the real installation. They are read from where
// they lie packed: a fuzzer's processes are killed, and could remove nothing.
var contents = sync.OnceValues(func() (all [][]byte, err error) {
	f, err := os.Open(filepath.Join("..", "testdata", "small", "repo.tar.zst"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag != tar.TypeReg || h.Size > maxFuzzed {
			continue
		}
		b, err := io.ReadAll(t)
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
})

// begin gives a fuzzer those of a kind.
func begin(f *testing.F, is func(string, []byte) bool) {
	f.Helper()
	all, err := contents()
	if err != nil {
		f.Fatal(err)
	}
	n := 0
	for _, b := range all {
		if is("", b) {
			f.Add(b)
			n++
		}
	}
	if n == 0 {
		f.Fatal("there are no seeds")
	}
}

// parse lets one format's parser read, without the guard that catches its panics.
func parse(t *testing.T, name string, b []byte) {
	u := newRun(Options{Parallel: 1, TempDir: t.TempDir(), Limits: Limits{Depth: 2, Bytes: 1 << 20, Entries: 500}})
	u.top = &Node{Name: "upload"}
	u.in.Store(int64(len(b)))
	a := &archive{u: u, ctx: t.Context(), node: u.top, depth: 1}
	for _, f := range formats {
		if f.name != name {
			continue
		}
		var err error
		if f.stream != nil {
			err = f.stream(t.Context(), a, bytes.NewReader(b))
		} else {
			err = f.whole(t.Context(), a, bytes.NewReader(b), int64(len(b)))
		}
		a.wait.Wait()
		if err == nil && u.rows.Load() > u.limits.Entries {
			t.Error("more rows than there may be, and no error")
		}
		return
	}
	t.Fatalf("there is no format %s", name)
}

func fuzzFormat(f *testing.F, name string, is func(string, []byte) bool) {
	begin(f, is)
	f.Fuzz(func(t *testing.T, b []byte) { parse(t, name, b) })
}

func FuzzCpio(f *testing.F) {
	f.Add([]byte("070701" + strings.Repeat("0", 88) + "00000002" + "00000000" + "a\x00"))
	fuzzFormat(f, "cpio", isCpio)
}
func FuzzAr(f *testing.F)  { fuzzFormat(f, "ar", begins(arMagic)) }
func FuzzRPM(f *testing.F) { fuzzFormat(f, "rpm", begins("\xed\xab\xee\xdb")) }

// FuzzISO begins with an image without the rows of zeros between its descriptors
// and its end, which a fuzzer would only waste time on.
func FuzzISO(f *testing.F) {
	b := make([]byte, isoFirst+8*isoSector)
	copy(b[isoFirst:], "\x01CD001\x01")
	copy(b[isoFirst+isoRoot:], "\x22\x00\x12\x00\x00\x00\x00\x00\x00\x12\x00\x08\x00\x00")
	copy(b[isoFirst+isoSector:], "\xffCD001\x01")
	record := "\x00\x13\x00\x00\x00\x00\x00\x00\x13\x05\x00\x00\x00\x00\x00\x00\x05\x07\x07\x07\x07\x07\x07\x07\x00\x00\x00\x01\x00\x00\x01\x01F"
	use := "NM\x07\x01\x00ab" + "CE\x1c\x01\x13\x00\x00\x00\x00\x00\x00\x13\x00\x00\x00\x00\x00\x00\x00\x00\x40\x00\x00\x00\x00\x00\x00\x40"
	copy(b[isoFirst+2*isoSector:], string([]byte{byte(len(record) + len(use) + 1)})+record+use)
	f.Add(b[isoFirst:])
	f.Fuzz(func(t *testing.T, b []byte) { parse(t, "iso", append(make([]byte, isoFirst), b...)) })
}

// fuzzDecoder reads what a decoder of ours makes, up to a limit.
func fuzzDecoder(f *testing.F, is func(string, []byte) bool, decode decoder) {
	begin(f, is)
	f.Fuzz(func(t *testing.T, b []byte) {
		z, err := decode(bytes.NewReader(b))
		if err != nil {
			return
		}
		n, err := io.Copy(io.Discard, io.LimitReader(z, 4<<20))
		if m, again := z.Read(make([]byte, 1)); err != nil && (m != 0 || again != err) {
			t.Errorf("after %d bytes and %v it goes on: %d, %v", n, err, m, again)
		}
	})
}

func FuzzCompress(f *testing.F) { fuzzDecoder(f, begins("\x1f\x9d"), uncompress) }
func FuzzLzip(f *testing.F)     { fuzzDecoder(f, begins("LZIP"), unlzip) }

// FuzzGzipMembers: one member after another, and what tools lose at the end.
func FuzzGzipMembers(f *testing.F) { fuzzDecoder(f, begins("\x1f\x8b"), gunzip) }

func FuzzNames(f *testing.F) {
	for _, s := range []string{"", ".", "a.tar.gz", "part.001", "x.XZ.zst", "Latin-\xe4", "a/b\\c\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		shown := DisplayName(s)
		if shown != "" && len(shown) != len(s) || !utf8.ValidString(shown) || strings.ContainsAny(shown, "/\\\n\x00") || DisplayName(shown) != shown {
			t.Errorf("%q is shown as %q", s, shown)
		}
		for _, name := range []string{withoutEnding(s), zstdName(s), lzipName(s)} {
			if !strings.HasPrefix(s, name) {
				t.Errorf("%q becomes %q", s, name)
			}
		}
	})
}

func FuzzRecognise(f *testing.F) {
	begin(f, func(string, []byte) bool { return true })
	f.Fuzz(func(t *testing.T, b []byte) {
		u := newRun(Options{})
		u.format(&Node{Name: "x.dsc"}, b)
		isTar("", b)
		isLZMA("", b)
		if claim := max(xzDictionary(b), lzmaDictionary(b), lzipDictionary(b), zstdDictionary(b)); claim < 0 || claim > 1<<32 {
			t.Errorf("a dictionary of %d bytes", claim)
		}
	})
}

// TestOwnDecodersEnd: an error comes again, it does not turn into an end.
func TestOwnDecodersEnd(t *testing.T) {
	if _, err := uncompress(strings.NewReader("\x1f\x9d\x9f")); err == nil {
		t.Error("codes of 31 bits were taken")
	}
	z, err := uncompress(strings.NewReader("\x1f\x9d\x90\xff\xff\xff"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := z.Read(make([]byte, 9)); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("a code that stands for nothing: %v", err)
		}
	}
}

// FuzzLZMA: the library's decoder, one stream after another.
func FuzzLZMA(f *testing.F) { fuzzDecoder(f, isLZMA, unlzma) }

// FuzzDeflate64 decodes whatever comes: it ends, and makes no more than a match of 64 KiB
// for each three bits.
func FuzzDeflate64(f *testing.F) {
	f.Add([]byte("\x4b\x4c\x4a\x06\x00"))
	f.Add([]byte("\x01\x03\x00\xfc\xffabc"))
	f.Add([]byte("\x05\xc1\x81\x00\x00\x00\x00\x00\x10\xff\xd5\x08"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := io.Copy(io.Discard, newInflate64(bytes.NewReader(b)))
		if n > int64(len(b)+1)*3*(64<<10+3) {
			t.Errorf("%d bytes from %d, %v", n, len(b), err)
		}
	})
}
