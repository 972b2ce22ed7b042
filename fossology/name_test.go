package fossology_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"repotool/fossology"
)

const emptyFile = "da39a3ee5e6b4b0d3255bfef95601890afd80709.d41d8cd98f00b204e9800998ecf8427e.0"

func prefix(digit string) string {
	return strings.Repeat(digit, 40) + "." + strings.Repeat(digit, 32) + "."
}

func TestParseName(t *testing.T) {
	good := []string{
		emptyFile,
		prefix("0") + "0",
		prefix("f") + "1",
		prefix("9") + "9223372036854775807",
	}
	for _, s := range good {
		n, ok := fossology.ParseName(s)
		if !ok {
			t.Errorf("ParseName(%q): not a name", s)
		}
		if n.String() != s {
			t.Errorf("ParseName(%q).String() = %q", s, n.String())
		}
		m, ok := fossology.ParseName([]byte(s))
		if !ok || m != n {
			t.Errorf("ParseName([]byte(%q)) = %v, %v; of the string %v", s, m, ok, n)
		}
	}
	bad := map[string]string{
		"empty":               "",
		"no size":             prefix("0"),
		"leading zero":        prefix("0") + "01",
		"two zeros":           prefix("0") + "00",
		"sign":                prefix("0") + "+1",
		"negative":            prefix("0") + "-1",
		"larger than int64":   prefix("0") + "9223372036854775808",
		"twenty digits":       prefix("0") + "10000000000000000000",
		"upper case":          strings.ToUpper(emptyFile),
		"import in progress":  emptyFile + ".I",
		"newline":             emptyFile + "\n",
		"blank before":        " " + emptyFile,
		"not hex in the sha1": "g" + emptyFile[1:],
		"not hex in the md5":  emptyFile[:72] + "g" + emptyFile[73:],
		"dot moved":           emptyFile[:39] + "." + emptyFile[39:40] + emptyFile[41:],
		"log":                 "000085",
	}
	for name, s := range bad {
		if n, ok := fossology.ParseName(s); ok {
			t.Errorf("%s: ParseName(%q) = %v, want no name", name, s, n)
		}
	}
}

func TestNameCompareIsOrderOfText(t *testing.T) {
	texts := []string{
		prefix("0") + "0", prefix("0") + "10", prefix("0") + "9", prefix("0") + "100", prefix("0") + "99",
		prefix("a") + "5", prefix("f") + "5", emptyFile,
		strings.Repeat("0", 40) + "." + strings.Repeat("1", 32) + ".3",
	}
	var names []fossology.Name
	for _, s := range texts {
		n, ok := fossology.ParseName(s)
		if !ok {
			t.Fatalf("ParseName(%q): not a name", s)
		}
		names = append(names, n)
	}
	for _, a := range names {
		for _, b := range names {
			if got, want := a.Compare(b), cmp.Compare(a.String(), b.String()); got != want {
				t.Errorf("%v.Compare(%v) = %d, want %d", a, b, got, want)
			}
		}
	}
	slices.Sort(texts)
	slices.SortFunc(names, fossology.Name.Compare)
	for i, n := range names {
		if n.String() != texts[i] {
			t.Errorf("name %d of the sorted is %v, want %s", i, n, texts[i])
		}
	}
}

func TestNameDoesNotAllocate(t *testing.T) {
	b := []byte(emptyFile)
	buf := make([]byte, 0, 128)
	n, _ := fossology.ParseName(b)
	m := n
	m.Size = 17
	got := testing.AllocsPerRun(100, func() {
		n, _ = fossology.ParseName(b)
		buf = n.Append(buf[:0])
		_ = n.Compare(m)
	})
	if got != 0 {
		t.Errorf("parse, append and compare allocate %v times, want 0", got)
	}
}

func FuzzParseName(f *testing.F) {
	f.Add(emptyFile)
	f.Add(prefix("a") + "01")
	f.Add(emptyFile + ".I")
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := fossology.ParseName(s)
		if m, okBytes := fossology.ParseName([]byte(s)); m != n || ok != okBytes {
			t.Errorf("ParseName of string and bytes differ for %q", s)
		}
		if ok && n.String() != s {
			t.Errorf("ParseName(%q).String() = %q", s, n.String())
		}
		if !ok && !n.IsZero() {
			t.Errorf("ParseName(%q) = %v and not ok, want the zero Name", s, n)
		}
	})
}

func BenchmarkParseName(b *testing.B) {
	text := []byte("0123456789abcdef0123456789abcdef01234567.89abcdef0123456789abcdef01234567.123456789")
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, ok := fossology.ParseName(text); !ok {
			b.Fatal("not a name")
		}
	}
}

func BenchmarkNameAppend(b *testing.B) {
	n, _ := fossology.ParseName("0123456789abcdef0123456789abcdef01234567.89abcdef0123456789abcdef01234567.123456789")
	buf := make([]byte, 0, 128)
	b.ReportAllocs()
	for b.Loop() {
		buf = n.Append(buf[:0])
	}
}
