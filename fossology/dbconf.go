package fossology

import (
	"fmt"
	"os"
	"strings"
)

// ReadDBConf reads a Db.conf.
func ReadDBConf(file string) (DSN, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read database configuration: %w", err)
	}
	return ParseDBConf(file, b)
}

// ParseDBConf parses the text of a Db.conf: lines name=value; which together are
// a libpq connection string. A line that begins with # is a comment; blanks are
// dropped wherever they are, and so is what follows the semicolon, as FOSSology
// does. A line without semicolon, which FOSSology skips, is an error, because it
// is how a half-written file looks. Errors are of type *[ConfError] and do not
// show the line, which may hold the password.
func ParseDBConf(file string, text []byte) (DSN, error) {
	var parts []string
	database := false
	for n, line := range lines(text) {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		setting, _, ended := strings.Cut(line, ";")
		setting = strings.Join(strings.Fields(setting), "")
		key, _, ok := strings.Cut(setting, "=")
		if !ended || !ok || !isIdentifier(key) {
			return "", &ConfError{File: file, Line: n, Expected: "name=value; or # comment"}
		}
		if _, err := parseKeywords(setting); err != nil {
			return "", &ConfError{File: file, Line: n, Found: key + "=...", Expected: "a value that libpq can read (quotes in pairs)"}
		}
		database = database || key == "dbname"
		parts = append(parts, setting)
	}
	if !database {
		return "", &ConfError{File: file, Expected: "a line dbname=NAME;"}
	}
	return DSN(strings.Join(parts, " ")), nil
}

func isIdentifier(s string) bool {
	for i := range len(s) {
		if !isWord(s[i]) {
			return false
		}
	}
	return s != ""
}
