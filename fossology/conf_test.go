package fossology_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"repotool/fossology"
)

func parse(t testing.TB, text string) *fossology.Conf {
	t.Helper()
	c, err := fossology.ParseConf("fossology.conf", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConfValues(t *testing.T) {
	c := parse(t, `; a comment
  ; another, behind blanks

[ ONE ]
a = 1
  b=two words ; and no comment
key.with-all_9 =	tabbed
empty =
A = $a$a/$none.$b$
again = first
again = second
[LISTS]
l[] = x
l[]=y z
seen = $l
[ONE_MORE]
a = $a!
`)
	for _, v := range []struct{ group, key, want string }{
		{"ONE", "a", "1"},
		{"ONE", "b", "two words ; and no comment"},
		{"ONE", "key.with-all_9", "tabbed"},
		{"ONE", "empty", ""},
		{"ONE", "A", "11/.two words ; and no comment$"},
		{"ONE", "again", "second"},
		{"LISTS", "seen", "[x][y z]"},
		{"ONE_MORE", "a", "!"}, // the other group's a is not seen
	} {
		if got, ok := c.Value(v.group, v.key); !ok || got != v.want {
			t.Errorf("Value(%s, %s) = %q, %v; want %q", v.group, v.key, got, ok, v.want)
		}
	}
	if got := c.List("LISTS", "l"); !slices.Equal(got, []string{"x", "y z"}) {
		t.Errorf("List = %q", got)
	}
	if _, ok := c.Value("LISTS", "l"); ok {
		t.Error("Value of a list: want none")
	}
}

func TestConfTrailingBlanksBelongToTheValue(t *testing.T) {
	c := parse(t, "[G]\nk = v \t\n")
	if got, _ := c.Value("G", "k"); got != "v \t" {
		t.Errorf("Value = %q, want the blanks kept", got)
	}
}

func TestConfSecondHeaderReplacesTheFirst(t *testing.T) {
	c := parse(t, "[G]\na = 1\nb = 2\n[H]\nc = 3\n[G]\nb = $b\n")
	if got := c.Keys("G"); !slices.Equal(got, []string{"b"}) {
		t.Errorf("Keys(G) = %q, want b alone", got)
	}
	if got, _ := c.Value("G", "b"); got != "" {
		t.Errorf("b = %q, want nothing: the first group is gone", got)
	}
}

func TestConfErrorsNameFileLineAndWhatWasExpected(t *testing.T) {
	for name, c := range map[string]struct {
		text     string
		line     int
		expected string
	}{
		"hash comment":            {"[G]\n# no\n", 2, "; comment"},
		"hash before a key":       {"[G]\n# depth = 2\n", 2, "; comment"},
		"text":                    {"[G]\na = 1\nwhatever\n", 3, "key = value"},
		"text before a key":       {"[G]\nfoo bar = 1\n", 2, "key = value"},
		"key before a group":      {"a = 1\n", 1, "[GROUP] before"},
		"list before a group":     {"\na[] = 1\n", 2, "[GROUP] before"},
		"header not closed":       {"[G\n", 1, "[GROUP]"},
		"header with a blank":     {"[A B]\n", 1, "[GROUP]"},
		"header with a tail":      {"[G] \n", 1, "nothing after it"},
		"header without a name":   {"[]\n", 1, "[GROUP]"},
		"no key":                  {"[G]\n= 1\n", 2, "key = value"},
		"carriage return":         {"[G]\r\na = 1\r\n", 1, "carriage return"},
		"zero byte":               {"[G]\na = 1\x00\n", 2, "zero"},
		"half-written last line":  {"[G]\na = 1\nb = 2", 3, "newline"},
		"half-written header":     {"[G]\na = 1\n[REPO", 3, "[GROUP]"},
		"element of a plain key":  {"[G]\na = 1\na[] = 2\n", 3, "no list element"},
		"endless growth":          {"[G]\na = 12345678\n" + strings.Repeat("a = $a$a\n", 100), 17, "at most"},
		"endless list":            {"[G]\na[] = 12345678\n" + strings.Repeat("a[] = $a\n", 100), 17, "at most"},
		"brackets far from a key": {"[G]\na [] = 2\n", 2, "key[] = value"},
	} {
		_, err := fossology.ParseConf("dir/fossology.conf", []byte(c.text))
		var confErr *fossology.ConfError
		if !errors.As(err, &confErr) {
			t.Errorf("%s: error %v, want a ConfError", name, err)
			continue
		}
		if confErr.Line != c.line || !strings.Contains(confErr.Expected, c.expected) {
			t.Errorf("%s: line %d, expected %q; want line %d and %q", name, confErr.Line, confErr.Expected, c.line, c.expected)
		}
		if !strings.Contains(err.Error(), "dir/fossology.conf:") {
			t.Errorf("%s: error %q does not name the file", name, err)
		}
	}
}

func TestConfLastLineNeedsNoNewlineIfItSaysNothing(t *testing.T) {
	parse(t, "[G]\na = 1\n; the end")
	parse(t, "[G]\na = 1\n  ")
	parse(t, "")
}

func FuzzParseConf(f *testing.F) {
	f.Add([]byte(read(f, "../testdata/small/etc/fossology.conf")))
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		f.Add([]byte(read(f, "../testdata/reppath/configs/"+name+".conf")))
	}
	f.Add([]byte("[G]\na=$a$\na[]=$$b\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := fossology.ParseConf("f", text)
		var confErr *fossology.ConfError
		if err != nil {
			if !errors.As(err, &confErr) || confErr.Line < 1 || confErr.Expected == "" {
				t.Fatalf("error %#v, want a ConfError with line and expectation", err)
			}
			return
		}
		for _, g := range c.Groups() {
			for _, k := range c.Keys(g) {
				v, plain := c.Value(g, k)
				if plain == (len(c.List(g, k)) > 0) {
					t.Errorf("%s %s is both or neither plain value and list", g, k)
				}
				if strings.ContainsAny(v+k+g, "\n\r\x00") {
					t.Errorf("%q %q = %q holds a line end", g, k, v)
				}
			}
		}
	})
}
