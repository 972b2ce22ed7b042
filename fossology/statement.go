package fossology

import (
	"maps"
	"slices"
	"strings"
)

// A statement is one line of a fossology.conf.
type statement struct {
	kind  statementKind
	key   string // or the name of the group
	value string
}

type statementKind int

const (
	statementNone statementKind = iota // empty or a comment
	statementGroup
	statementKey
	statementList
)

const anyStatement = "[GROUP], key = value, key[] = value or ; comment"

// parseStatement takes a line without its newline apart, or says what was expected.
func parseStatement(line string) (s statement, expected string) {
	if strings.Contains(line, "\r") {
		return s, "lines that end in a newline alone, without carriage return"
	}
	if strings.Contains(line, "\x00") {
		return s, "text without zero bytes"
	}
	line = strings.TrimLeft(line, " \t")
	switch {
	case line == "" || line[0] == ';':
		return s, ""
	case line[0] == '[':
		return parseGroup(line)
	}
	n := 0
	for n < len(line) && isKey(line[n]) {
		n++
	}
	if n == 0 {
		return s, anyStatement
	}
	s.key, s.kind = line[:n], statementKey
	rest := line[n:]
	if after, ok := strings.CutPrefix(rest, "[]"); ok {
		rest, s.kind = after, statementList
	}
	rest, ok := strings.CutPrefix(strings.TrimLeft(rest, " \t"), "=")
	if !ok {
		return s, anyStatement
	}
	s.value = strings.TrimLeft(rest, " \t")
	return s, ""
}

func parseGroup(line string) (s statement, expected string) {
	name, ok := strings.CutSuffix(line[1:], "]")
	name = strings.Trim(name, " \t")
	if !ok || name == "" || strings.ContainsFunc(name, func(r rune) bool { return r > 127 || !isWord(byte(r)) }) {
		return s, "[GROUP] of letters, digits and _, and nothing after it"
	}
	return statement{kind: statementGroup, key: name}, ""
}

// isWord reports whether c may be in the name of a group or a variable.
func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

// isKey reports whether c may be in a key.
func isKey(c byte) bool { return isWord(c) || c == '.' || c == '-' }

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
