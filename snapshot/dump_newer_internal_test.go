package snapshot

import (
	"bytes"
	"strings"
	"testing"
)

// A dump is written on without the line, whatever pieces it comes in, if the server is too old
// for it; behind the settings nothing is changed.
func TestLoadWriter(t *testing.T) {
	const before, line, after = "--\n-- PostgreSQL database dump\n--\n\nSET lock_timeout = 0;", "\nSET transaction_timeout = 0;", "\nSET client_encoding = 'UTF8';\n"
	for what, c := range map[string]struct {
		dump, old string
	}{
		"short":       {before + line + after, before + after},
		"long":        {before + line + after + strings.Repeat("data\n", preamble), before + after + strings.Repeat("data\n", preamble)},
		"without":     {before + after, before + after},
		"in the data": {before + after + line + "\n", before + after + line + "\n"},
		"too far":     {strings.Repeat("-", preamble) + line + after, strings.Repeat("-", preamble) + line + after},
		"other":       {"PGDMP" + line + "\n", "PGDMP" + line + "\n"},
		"nothing":     {"", ""},
	} {
		for server, want := range map[PostgresVersion]string{0: c.old, 160004: c.old, timeoutSince: c.dump} {
			for _, size := range []int{1, 7, preamble, 1 << 20} {
				var got bytes.Buffer
				w := newLoadWriter(&got, server)
				for rest := []byte(c.dump); len(rest) > 0; {
					n, err := w.Write(rest[:min(size, len(rest))])
					if err != nil {
						t.Fatal(err)
					}
					rest = rest[n:]
				}
				if err := w.flush(); err != nil || got.String() != want {
					t.Errorf("%s, server %v, pieces of %d: %.300q, %v", what, server, size, &got, err)
				}
			}
		}
	}
}

// What to do about the setting differs for a tool that sets it and for a dump that has it.
func TestAdviceOnTimeout(t *testing.T) {
	for tool, want := range map[string]string{"pg_dump": "--pg-bin", "pg_restore": "--pg-bin", "psql": "--load-command", "sh": "--load-command"} {
		got := advice(&DumpError{Tool: tool, Stderr: `ERROR:  unrecognized configuration parameter "transaction_timeout"`})
		if !strings.Contains(got, want) {
			t.Errorf("%s: %q", tool, got)
		}
	}
}
