package fossology

import (
	"fmt"
	"os"
	"strings"
)

// A Conf is a parsed fossology.conf: groups of keys with values.
//
// The grammar is FOSSology's: one statement a line, which is
//
//	[GROUP]           letters, digits and _; blanks inside the brackets may be
//	key = value       key of letters, digits, . _ and -; the value is the rest
//	key[] = value     one more element of a list
//	; comment         nothing else begins a comment
//
// Blanks behind a value and a "; text" behind it belong to the value. $NAME in a
// value stands for the value of NAME given before in the same group, or for
// nothing. A second header of the same name replaces the first group and all
// its keys. Anything else is an error for the whole file.
//
// FOSSology's parser stumbles over some lines without a word: it skips a last
// line without a newline and lines that end in carriage return and newline, and
// it finds a key in the middle of "# key = value". Such lines are errors here,
// because neither the reader nor the writer of the file can have meant that.
type Conf struct {
	file   string
	groups map[string]map[string]confEntry
}

type confEntry struct {
	text   string   // as $NAME sees it: a list is [a][b]
	list   []string // the elements, if isList
	lines  []int    // the line of each element, or of the value
	isList bool
}

// A ConfError is a line of a configuration file that is not as it should be.
type ConfError struct {
	File     string
	Line     int    // 0 if the error is about the file as a whole
	Found    string // what is there
	Expected string // what should be there
}

func (e *ConfError) Error() string {
	var b strings.Builder
	b.WriteString("parse " + e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	if e.Found != "" {
		fmt.Fprintf(&b, ": found %q", e.Found)
	}
	return b.String() + ": expected " + e.Expected
}

// ReadConf reads a file in the form of fossology.conf.
func ReadConf(file string) (*Conf, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return ParseConf(file, b)
}

// ParseConf parses the text of a file in the form of fossology.conf. The name of
// the file is for errors, which are of type *[ConfError].
func ParseConf(file string, text []byte) (*Conf, error) {
	c := &Conf{file: file, groups: map[string]map[string]confEntry{}}
	var group map[string]confEntry
	for n, line := range lines(text) {
		line, complete := strings.CutSuffix(line, "\n")
		s, err := parseStatement(line)
		switch {
		case err == "" && !complete && s.kind != statementNone:
			err = "a newline at the end of the file (FOSSology ignores a line without)"
		case err == "" && s.kind == statementGroup:
			group = map[string]confEntry{}
			c.groups[s.key] = group
		case err == "" && s.kind != statementNone:
			err = assign(group, s, n)
		}
		if err != "" {
			return nil, &ConfError{File: file, Line: n, Found: line, Expected: err}
		}
	}
	return c, nil
}

// lines numbers the lines of a text from 1; each keeps its newline.
func lines(text []byte) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		n := 0
		for line := range strings.Lines(string(text)) {
			n++
			if !yield(n, line) {
				return
			}
		}
	}
}

// assign carries out a key statement; it returns what it expected instead.
func assign(group map[string]confEntry, s statement, line int) (expected string) {
	if group == nil {
		return "a [GROUP] before the first key"
	}
	value, ok := expand(group, s.value)
	if !ok || len(value)+len(group[s.key].text) > maxValue {
		return fmt.Sprintf("a value of at most %d bytes", maxValue)
	}
	if s.kind == statementKey {
		group[s.key] = confEntry{text: value, lines: []int{line}}
		return ""
	}
	e, found := group[s.key]
	if found && !e.isList {
		return "no list element for " + s.key + ", which has a plain value"
	}
	group[s.key] = confEntry{
		text:   e.text + "[" + value + "]",
		list:   append(e.list, value),
		lines:  append(e.lines, line),
		isList: true,
	}
	return ""
}

// maxValue is the limit of a value, and of a list as a whole, in bytes: far above
// what anybody writes, and far below what a few lines a = $a$a can grow to.
const maxValue = 1 << 18

// expand replaces each $NAME. It gives up when the value grows beyond its limit.
func expand(group map[string]confEntry, value string) (string, bool) {
	head, rest, found := strings.Cut(value, "$")
	if !found {
		return value, true
	}
	var b strings.Builder
	for found && b.Len() <= maxValue {
		b.WriteString(head)
		n := 0
		for n < len(rest) && isWord(rest[n]) {
			n++
		}
		if n == 0 {
			b.WriteByte('$')
		} else {
			b.WriteString(group[rest[:n]].text)
		}
		head, rest, found = strings.Cut(rest[n:], "$")
	}
	b.WriteString(head)
	return b.String(), !found && b.Len() <= maxValue
}

// Value returns the plain value of a key.
func (c *Conf) Value(group, key string) (string, bool) {
	e, ok := c.groups[group][key]
	return e.text, ok && !e.isList
}

// List returns the elements of a list.
func (c *Conf) List(group, key string) []string {
	return c.groups[group][key].list
}

// Keys returns the keys of a group in the order of their bytes.
func (c *Conf) Keys(group string) []string {
	return sortedKeys(c.groups[group])
}

// Groups returns the names of the groups in the order of their bytes.
func (c *Conf) Groups() []string { return sortedKeys(c.groups) }

// Has reports whether there is a group of this name.
func (c *Conf) Has(group string) bool {
	_, ok := c.groups[group]
	return ok
}

// errorAt makes an error about a key, or about one element of a list.
func (c *Conf) errorAt(group, key string, element int, expected string) error {
	e := c.groups[group][key]
	err := &ConfError{File: c.file, Expected: expected}
	switch {
	case element < len(e.list):
		err.Line, err.Found = e.lines[element], key+"[] = "+e.list[element]
	case len(e.lines) > 0:
		err.Line, err.Found = e.lines[0], key+" = "+e.text
	}
	return err
}
