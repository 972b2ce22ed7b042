package repotest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// module is an agent's directory in mods-enabled, read as the scheduler reads it, and
// more strictly: what it would pass over in silence is an error.
type module struct {
	words   []string // of its command
	max     int
	special []string
}

var (
	groupLine = regexp.MustCompile(`^\[\s*(\w+)\s*\]$`)
	keyLine   = regexp.MustCompile(`^([\w.-]+)(\[\])?\s*=\s*(.*)$`)
)

// readModule reads <name>.conf and VERSION.
func readModule(sysconf, name string) (m module, err error) {
	dir := filepath.Join(sysconf, "mods-enabled", name)
	conf, err := readGroups(filepath.Join(dir, name+".conf"))
	if err != nil {
		return m, err
	}
	version, err := readGroups(filepath.Join(dir, "VERSION"))
	if err != nil {
		return m, err
	}
	of := version[name]
	if len(of["VERSION"]) != 1 || len(of["COMMIT_HASH"]) != 1 || of["VERSION"][0] == "" {
		return m, fmt.Errorf("VERSION: [%s] has not one VERSION and one COMMIT_HASH", name)
	}
	group := conf["default"]
	if len(group["command"]) != 1 || len(group["max"]) != 1 || len(group["special[]"]) == 0 {
		return m, errors.New("[default] has not command, max and special[]")
	}
	if m.words, err = commandWords(group["command"][0]); err != nil {
		return m, err
	}
	if m.max, err = strconv.Atoi(group["max"][0]); err != nil || m.max == 0 {
		return m, fmt.Errorf("max = %s", group["max"][0])
	}
	for _, s := range group["special[]"] {
		switch s {
		case "":
		case "EXCLUSIVE", "NOKILL", "LOCAL":
			m.special = append(m.special, s)
		default:
			return m, fmt.Errorf("special[] = %s", s)
		}
	}
	return m, nil
}

// readGroups reads a file of FOSSology's grammar: group, key, values. The key of a list
// keeps its brackets.
func readGroups(file string) (map[string]map[string][]string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	groups := map[string]map[string][]string{}
	var group map[string][]string
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "" || strings.HasPrefix(line, ";"):
		case groupLine.MatchString(line):
			name := groupLine.FindStringSubmatch(line)[1]
			if groups[name] != nil {
				return nil, fmt.Errorf("%s: [%s] twice: the second replaces the first", file, name)
			}
			group = map[string][]string{}
			groups[name] = group
		case keyLine.MatchString(line) && group != nil:
			k := keyLine.FindStringSubmatch(line)
			group[k[1]+k[2]] = append(group[k[1]+k[2]], k[3])
		default:
			return nil, fmt.Errorf("%s: the scheduler's parser fails at %q", file, line)
		}
	}
	return groups, nil
}

// maxCommandWords is the room that the scheduler has for those of a command.
const maxCommandWords = 23

// commandWords parses a command as the scheduler does: words between blanks, or in
// double quotes.
func commandWords(command string) (words []string, err error) {
	for rest := strings.TrimLeft(command, " "); rest != ""; rest = strings.TrimLeft(rest, " ") {
		var word string
		if strings.HasPrefix(rest, `"`) {
			var closed bool
			if word, rest, closed = strings.Cut(rest[1:], `"`); !closed {
				return nil, fmt.Errorf("command %q: a quote is not closed", command)
			}
		} else {
			word, rest, _ = strings.Cut(rest, " ")
		}
		words = append(words, word)
	}
	if len(words) == 0 || len(words) > maxCommandWords || strings.ContainsAny(words[0], "/%") {
		return nil, fmt.Errorf("command %q: no program of its directory, or too many words", command)
	}
	return words, nil
}
