package snapshot

import (
	"fmt"
	"maps"
	"strings"
	"testing"
)

// dumpWithRows is plain SQL as pg_dump writes it, with everything in it that could lead a counter astray.
var dumpWithRows = `--
-- PostgreSQL database dump
--

CREATE FUNCTION public.f() RETURNS void LANGUAGE sql AS $$
COPY public.upload (upload_pk) FROM stdin;
\.
$$;

--
-- Data for Name: upload; Type: TABLE DATA; Schema: public; Owner: fossy
--

COPY public.upload (upload_pk, upload_desc) FROM stdin;
1	one
2	\\.
3	` + strings.Repeat("long ", 5000) + `
\.


--
-- Data for Name: Odd "name" of; Type: TABLE DATA; Schema: Sch.ema; Owner: fossy
--

COPY "Sch.ema"."Odd ""name"" of" (a) FROM stdin;
COPY public.upload (upload_pk) FROM stdin;
-- Data for Name: pfile; Type: TABLE DATA; Schema: public; Owner: fossy
\.


--
-- Data for Name: empty; Type: TABLE DATA; Schema: public; Owner: fossy
--

COPY public.empty (a) FROM stdin;
\.


--
-- Data for Name: columnless; Type: TABLE DATA; Schema: public; Owner: fossy
--

COPY public.columnless  FROM stdin;


\.


--
-- Data for Name: old; Type: TABLE DATA; Schema: public; Owner: fossy
--

COPY old (a) FROM stdin;
\N
\.


--
-- Name: upload_pk_seq; Type: SEQUENCE SET; Schema: public; Owner: fossy
--

COPY public.upload (upload_pk) FROM stdin;
`

func TestRowCounter(t *testing.T) {
	want := map[tableName]int64{{"public", "upload"}: 3, {"Sch.ema", `Odd "name" of`}: 2, {"public", "empty"}: 0,
		{"public", "columnless"}: 2, {"", "old"}: 1}
	// However the stream is cut, the rows are the same.
	for size := 1; size <= len(dumpWithRows); size += 1 + size/7 {
		c := newRowCounter()
		for b := []byte(dumpWithRows); len(b) > 0; b = b[min(size, len(b)):] {
			c.next(b[:min(size, len(b))])
			if cap(c.line) > 2*lineHead {
				t.Fatalf("%d bytes of a line are kept", cap(c.line))
			}
		}
		if !maps.Equal(c.rows, want) {
			t.Fatalf("cut every %d bytes: %v, want %v", size, c.rows, want)
		}
	}
}

// BenchmarkCutKnown cuts a dump of which every piece is known, so that nothing is compressed: the night in which
// counting weighs most.
func BenchmarkCutKnown(b *testing.B) {
	text := "-- Data for Name: pfile; Type: TABLE DATA; Schema: public; Owner: fossy\n--\n\n" +
		"COPY public.pfile (pfile_pk) FROM stdin;\n" + string(sqlText(64<<20)) + "\n\\.\n"
	s := countingSink(b, nil)
	pieces, err := s.cut(b.Context(), readerOf(text))
	if err != nil {
		b.Fatal(err)
	}
	s.known = (&Dump{Parts: []DumpPart{{Pieces: pieces}}}).Known()
	for _, counted := range []bool{false, true} {
		b.Run(fmt.Sprintf("counted=%v", counted), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				r := readerOf(text)
				if counted {
					r = countRows{r, newRowCounter()}
				}
				if _, err := s.cut(b.Context(), r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
