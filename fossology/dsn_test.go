package fossology_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"repotool/fossology"
)

func TestDBConf(t *testing.T) {
	got, err := fossology.ParseDBConf("Db.conf", []byte("# comment\n\n dbname = fossology ;ignored\nhost=localhost;\nuser=fossy;\npassword=a=b c;\nclient_encoding=utf8;\nport=5433;"))
	if err != nil {
		t.Fatal(err)
	}
	want := "dbname=fossology host=localhost user=fossy password=a=bc client_encoding=utf8 port=5433"
	if string(got) != want {
		t.Errorf("got  %q\nwant %q", string(got), want)
	}
}

func TestDBConfErrors(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		line int
	}{
		"half-written":     {"dbname=fossology;\npassword=secr", 2},
		"no semicolon":     {"dbname=fossology\nuser=fossy;\n", 1},
		"no equals sign":   {"dbname=fossology;\nsecret;\n", 2},
		"no name":          {"=secret;\n", 1},
		"no database":      {"user=fossy;\n", 0},
		"empty":            {"", 0},
		"quote not closed": {"dbname=fossology;\npassword='secret;\n", 2},
	} {
		_, err := fossology.ParseDBConf("dir/Db.conf", []byte(c.text))
		var confErr *fossology.ConfError
		if !errors.As(err, &confErr) || confErr.Line != c.line || confErr.File != "dir/Db.conf" || confErr.Expected == "" {
			t.Errorf("%s: error %v, want a ConfError at line %d", name, err, c.line)
			continue
		}
		if strings.Contains(err.Error(), "secr") {
			t.Errorf("%s: error %q shows what may be the password", name, err)
		}
	}
}

func TestDSNHidesItsPassword(t *testing.T) {
	for _, c := range []struct{ dsn, printed, without, password, other string }{
		{"dbname=f user=u", "dbname=f user=u", "dbname=f user=u", "", "user=u dbname=x"},
		{"dbname=f password=pw user=u", "dbname=f password=******** user=u", "dbname=f user=u", "pw", "password=pw user=u dbname=x"},
		{`password = 'p\'w d' host=/run`, "password=******** host=/run", "host=/run", "p'w d", `password='p\'w d' host=/run dbname=x`},
		{`password=a\ b`, "password=********", "", "a b", `password='a b' dbname=x`},
		{"postgres://u:pw@h:5/f?sslmode=disable", "postgres://u:********@h:5/f?sslmode=disable", "postgres://u@h:5/f?sslmode=disable", "pw", "postgres://u:pw@h:5/x?sslmode=disable"},
		{"postgres:///f?host=/run&password=pw", "postgres:///f?host=%2Frun&password=********", "postgres:///f?host=%2Frun", "pw", "postgres:///x?host=%2Frun&password=pw"},
		{"password=pw broken", "********", "", "", ""},
	} {
		d := fossology.DSN(c.dsn)
		for _, verb := range []string{"%s", "%v"} {
			if got := fmt.Sprintf(verb, d); got != c.printed {
				t.Errorf("%s of %q = %q, want %q", verb, c.dsn, got, c.printed)
			}
		}
		if got := fmt.Sprintf("%#v", d); c.password != "" && strings.Contains(got, c.password) {
			t.Errorf("%%#v of %q = %q shows the password", c.dsn, got)
		}
		if c.other == "" {
			continue
		}
		without, password, err := d.SplitPassword()
		if err != nil || string(without) != c.without || password != c.password {
			t.Errorf("SplitPassword(%q) = %q, %q, %v; want %q, %q", c.dsn, string(without), password, err, c.without, c.password)
		}
		other, err := d.WithDatabase("x")
		if err != nil || string(other) != c.other {
			t.Errorf("WithDatabase(%q) = %q, %v; want %q", c.dsn, string(other), err, c.other)
		}
	}
}

func FuzzParseDBConf(f *testing.F) {
	f.Add([]byte(read(f, "../testdata/small/etc/Db.conf")))
	f.Add([]byte("dbname='a\\'b';\npassword='p w';"))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := fossology.ParseDBConf("f", text)
		if err != nil {
			var confErr *fossology.ConfError
			if !errors.As(err, &confErr) || confErr.Expected == "" {
				t.Fatalf("error %#v, want a ConfError", err)
			}
			return
		}
		bare, password, err := d.SplitPassword()
		if err != nil {
			t.Fatalf("%q cannot be read again: %v", string(d), err)
		}
		if _, again, err := bare.SplitPassword(); err != nil || again != "" {
			t.Errorf("%q without its password %q has password %q, %v", string(bare), password, again, err)
		}
	})
}
