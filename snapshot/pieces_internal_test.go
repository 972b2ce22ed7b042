package snapshot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"repotool/store"
)

// countingSink cuts into nothing.
func countingSink(t testing.TB, put PutPiece) *pieceSink {
	if put == nil {
		put = func(_ context.Context, b []byte, _ store.Hash, _ int) (store.Hash, error) { return store.Sum(b), nil }
	}
	s, err := newPieceSink(put, nil, 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

// sqlText reads like a dump: n bytes of rows.
func sqlText(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%d\t%d\t%016X%016X\t%d\n", i, i/7, r.Uint64(), r.Uint64(), r.IntN(1e6))
	}
	return b.Bytes()[:n]
}

// TestCutSizes cuts streams of every awkward length and puts them together again.
func TestCutSizes(t *testing.T) {
	objects := map[store.Hash][]byte{}
	s := countingSink(t, func(_ context.Context, b []byte, _ store.Hash, _ int) (store.Hash, error) {
		objects[store.Sum(b)] = bytes.Clone(b)
		return store.Sum(b), nil
	})
	text := sqlText(3*pieceMax + 17)
	for _, n := range []int{0, 1, 255, 256, pieceMin - 1, pieceMin, pieceMin + 1, pieceNormal, pieceMax, len(text)} {
		pieces, err := s.cut(t.Context(), readerOf(string(text[:n])))
		if err != nil || len(pieces) == 0 {
			t.Fatalf("%d bytes: %d pieces, %v", n, len(pieces), err)
		}
		var out bytes.Buffer
		m, err := WritePart(t.Context(), &out, DumpPart{Pieces: pieces}, func(h store.Hash) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(objects[h])), nil
		})
		if err != nil || m != int64(n) || !bytes.Equal(out.Bytes(), text[:n]) {
			t.Errorf("%d bytes: got %d back, %v", n, m, err)
		}
		for i, p := range pieces {
			if p.RawLen > pieceMax || p.RawLen < pieceMin && i < len(pieces)-1 {
				t.Errorf("%d bytes: piece %d of %d has %d", n, i, len(pieces), p.RawLen)
			}
		}
	}
}

// brokenReader fails after some bytes.
type brokenReader struct {
	io.Reader
	err error
}

func (r *brokenReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	if err == io.EOF {
		err = r.err
	}
	return n, err
}

func TestCutOfABrokenStream(t *testing.T) {
	want := errors.New("broken")
	_, err := countingSink(t, nil).cut(t.Context(), io.NopCloser(&brokenReader{bytes.NewReader(sqlText(pieceMax)), want}))
	if !errors.Is(err, want) {
		t.Errorf("%v", err)
	}
}

// countingReader counts what is read.
type countingReader struct {
	io.Reader
	n int
}

func (r *countingReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.n += n
	return n, err
}

// TestCutReadsNoFurtherThanItMust lets the store hang: what is read meanwhile, and lies in memory, has a limit.
func TestCutReadsNoFurtherThanItMust(t *testing.T) {
	text := sqlText(20 << 20)
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		s := countingSink(t, func(_ context.Context, b []byte, _ store.Hash, _ int) (store.Hash, error) {
			<-hang
			return store.Sum(b), nil
		})
		r := &countingReader{Reader: bytes.NewReader(text)}
		done := make(chan error)
		go func() {
			_, err := s.cut(t.Context(), io.NopCloser(r))
			done <- err
		}()
		synctest.Wait()
		// One piece is with the collector, one for each worker in the queue, one waits to get in.
		if most := len(s.window) + (s.workers+2)*2*pieceNormal; r.n > most {
			t.Errorf("%d bytes were read, want at most %d", r.n, most)
		}
		close(hang)
		if err := <-done; err != nil || r.n != len(text) {
			t.Errorf("%d bytes were read in the end: %v", r.n, err)
		}
	})
}

func BenchmarkCut(b *testing.B) {
	text := sqlText(64 << 20)
	s := countingSink(b, nil)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.cut(b.Context(), io.NopCloser(bytes.NewReader(text))); err != nil {
			b.Fatal(err)
		}
	}
}

func TestPieceNamesSort(t *testing.T) {
	for _, part := range []DumpPart{
		{Path: "fossology", Format: FormatPlain, Pieces: make([]DumpPiece, 1_000_001)},
		{Path: "fossology", Format: FormatCommand, Pieces: make([]DumpPiece, 12)},
		{Path: "fossology/1.dat", Format: FormatDirectory, Pieces: make([]DumpPiece, 12)},
		{Path: "globals.sql", Format: FormatGlobals, Pieces: make([]DumpPiece, 1)},
	} {
		var names []string
		for _, i := range []int{0, 1, 8, 9, 10, 11, 999_998, 999_999, 1_000_000} {
			if i < len(part.Pieces) {
				names = append(names, part.PieceName(i))
			}
		}
		if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
			t.Errorf("%s: names out of order or double: %q", part.Path, names)
		}
	}
	for name, want := range map[string]string{"fossology": "fossology", "..": "%2E.", "a/b%c": "a%2Fb%25c"} {
		if got := pathOfDatabase(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestVersions(t *testing.T) {
	for text, want := range map[string]struct {
		num         PostgresVersion
		major, full string
	}{
		"pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)": {150018, "15", "15.18"},
		"pg_dump (PostgreSQL) 9.6.24":                         {90624, "9.6", "9.6.24"},
		"pg_dump (PostgreSQL) 19devel":                        {190000, "19", "19.0"},
	} {
		v, ok := ParsePostgresVersion(text)
		if !ok || v != want.num || v.Major() != want.major || v.String() != want.full {
			t.Errorf("%s: %d, %s, %s", text, v, v.Major(), v)
		}
	}
	if v, ok := ParsePostgresVersion("pg_dump"); ok || v.String() != "unknown" {
		t.Errorf("version %s found where there is none", v)
	}
	for _, c := range []struct {
		v, w PostgresVersion
		want bool
	}{{90426, 90624, true}, {90624, 90426, false}, {90600, 90624, false}, {150001, 150018, false}, {140018, 150001, true}, {90624, 100001, true}} {
		if got := c.v.OlderThan(c.w); got != c.want {
			t.Errorf("%s older than %s: %v", c.v, c.w, got)
		}
	}
}

func TestWatcher(t *testing.T) {
	for _, size := range []int{1, 7, watched - 1, watched, watched + 1, 5000} {
		text := headerDatabase + strings.Repeat("x", 3000) + trailerDatabase + "\n\\unrestrict key\n"
		w := &watcher{pipe: readerOf(text)}
		if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, w, make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		if !w.beginsWith(headerDatabase) || !w.endsWith(trailerDatabase) || w.n != int64(len(text)) {
			t.Errorf("reads of %d: %d bytes, %q ... %q", size, w.n, w.head, w.last)
		}
	}
}

// FuzzStatements: what is no statement of the roles asked for is never run.
func FuzzStatements(f *testing.F) {
	f.Add("--\n\\restrict x\nSET a = 'b;c';\nCREATE ROLE \"a;\"\"b\";\nALTER ROLE a WITH LOGIN PASSWORD E'\\';x';\n")
	f.Add("GRANT a TO b GRANTED BY postgres;\nCOMMENT ON ROLE a IS 'x''y';")
	f.Fuzz(func(t *testing.T, script string) {
		rest := script
		for s := range statements(script) {
			i := strings.Index(rest, s)
			if i < 0 || s == "" {
				t.Fatalf("statement %q is not in the script", s)
			}
			rest = rest[i+len(s):]
			sqlWords(s)
		}
		if p := planRoles(script, nil, nil); len(p.statements) > 0 {
			t.Errorf("statements for no role: %q", p.statements)
		}
		if w := sqlWords("CREATE ROLE " + quoteName(script) + ";"); len(w) != 3 || w[2] != script {
			t.Errorf("role %q is read as %q", script, w)
		}
	})
}

func TestPlanRoles(t *testing.T) {
	globals := `--
-- PostgreSQL database cluster dump
--
\restrict abc
SET default_transaction_read_only = off;
CREATE ROLE fossy;
ALTER ROLE fossy WITH NOSUPERUSER INHERIT LOGIN PASSWORD 'SCRAM-SHA-256$4096:a;b';
CREATE ROLE admin;
ALTER ROLE admin WITH SUPERUSER LOGIN PASSWORD 'x';
CREATE ROLE silent;
ALTER ROLE silent WITH LOGIN;
COMMENT ON ROLE silent IS 'CREATE ROLE admin; --';
ALTER ROLE silent SET search_path TO 'a', 'b';
GRANT here TO fossy WITH ADMIN OPTION GRANTED BY postgres;
GRANT admin TO fossy GRANTED BY postgres;
GRANT fossy TO admin GRANTED BY postgres;
CREATE TABLESPACE t OWNER fossy LOCATION '/x';
\unrestrict abc
`
	p := planRoles(globals, []string{"fossy", "silent"}, []string{"postgres", "here"})
	want := []string{"CREATE ROLE fossy;", "ALTER ROLE fossy WITH NOSUPERUSER INHERIT LOGIN PASSWORD 'SCRAM-SHA-256$4096:a;b';",
		"CREATE ROLE silent;", "ALTER ROLE silent WITH LOGIN;", "COMMENT ON ROLE silent IS 'CREATE ROLE admin; --';",
		"ALTER ROLE silent SET search_path TO 'a', 'b';", "GRANT here TO fossy WITH ADMIN OPTION;"}
	if !slices.Equal(p.statements, want) || !slices.Equal(p.create, []string{"fossy", "silent"}) || !slices.Equal(p.silent, []string{"silent"}) {
		t.Errorf("%+v", p)
	}
}
