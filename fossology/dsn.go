package fossology

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
)

// A DSN says how to reach a database, in either form that libpq understands:
// "host=localhost dbname=fossology" or "postgres://user@host/fossology". Printed
// it hides its password; string(d) has it.
type DSN string

// hidden stands for a password in what is printed.
const hidden = "********"

// String returns the DSN with its password hidden.
func (d DSN) String() string {
	if !strings.Contains(string(d), "password") && !d.isURL() {
		return string(d)
	}
	if d.isURL() {
		u, err := url.Parse(string(d))
		if err != nil {
			return "postgres://" + hidden
		}
		if q := u.Query(); q.Has("password") {
			q.Set("password", hidden)
			u.RawQuery = strings.ReplaceAll(q.Encode(), url.QueryEscape(hidden), hidden)
		}
		if _, has := u.User.Password(); !has {
			return u.String()
		}
		user := u.User.Username()
		u.User = nil
		return strings.Replace(u.String(), "//", "//"+url.PathEscape(user)+":"+hidden+"@", 1)
	}
	params, err := parseKeywords(string(d))
	if err != nil {
		return hidden
	}
	for i := range params {
		if params[i].key == "password" {
			params[i].value = hidden
		}
	}
	return joinKeywords(params)
}

// GoString keeps %#v from printing the password.
func (d DSN) GoString() string { return fmt.Sprintf("fossology.DSN(%q)", d.String()) }

func (d DSN) isURL() bool {
	return strings.HasPrefix(string(d), "postgres://") || strings.HasPrefix(string(d), "postgresql://")
}

// WithDatabase returns a DSN for another database of the same server.
func (d DSN) WithDatabase(name string) (DSN, error) {
	if d.isURL() {
		u, err := d.url()
		if err != nil {
			return "", err
		}
		q := u.Query()
		q.Del("dbname")
		u.RawQuery = q.Encode()
		u.Path, u.RawPath = "/"+name, ""
		return DSN(u.String()), nil
	}
	return d.set("dbname", name)
}

// withHost returns a DSN for another host, whose other settings are the same.
func (d DSN) withHost(host string) (DSN, error) {
	if !d.isURL() {
		return d.set("host", host)
	}
	mark := "?"
	if strings.Contains(string(d), "?") {
		mark = "&"
	}
	return d + DSN(mark+"host="+url.QueryEscape(host)), nil // the last one counts
}

// DatabaseName returns the name of the database that it leads to: the one that it says, or
// else the one that libpq takes.
func (d DSN) DatabaseName() (string, error) {
	config, err := pgx.ParseConfig(string(d))
	if err != nil {
		return "", &ConnectError{DSN: d, Err: err}
	}
	return config.Database, nil
}

// SplitPassword returns the DSN without its password, for a command line that
// anybody can read, and the password, for the environment of that command.
func (d DSN) SplitPassword() (DSN, string, error) {
	if d.isURL() {
		u, err := d.url()
		if err != nil {
			return "", "", err
		}
		password, has := u.User.Password()
		if has {
			u.User = url.User(u.User.Username())
		}
		if q := u.Query(); q.Has("password") {
			password = q.Get("password")
			q.Del("password")
			u.RawQuery = q.Encode()
		}
		return DSN(u.String()), password, nil
	}
	params, err := parseKeywords(string(d))
	if err != nil {
		return "", "", err
	}
	password, rest := "", params[:0]
	for _, p := range params {
		if p.key == "password" {
			password = p.value
			continue
		}
		rest = append(rest, p)
	}
	return DSN(joinKeywords(rest)), password, nil
}

func (d DSN) url() (*url.URL, error) {
	u, err := url.Parse(string(d))
	if err != nil {
		// The error of url.Parse repeats the text, password and all.
		return nil, fmt.Errorf("parse database address: expected postgres://user:password@host:port/database")
	}
	return u, nil
}

func (d DSN) set(key, value string) (DSN, error) {
	params, err := parseKeywords(string(d))
	if err != nil {
		return "", err
	}
	rest := params[:0]
	for _, p := range params {
		if p.key != key {
			rest = append(rest, p)
		}
	}
	return DSN(joinKeywords(append(rest, keyword{key, value}))), nil
}

// A keyword is one key = value of a libpq connection string.
type keyword struct{ key, value string }

// parseKeywords reads a libpq connection string: key = value, blanks between,
// values with blanks in single quotes, \ before any character that is meant as
// it stands.
func parseKeywords(s string) ([]keyword, error) {
	var params []keyword
	for {
		s = strings.TrimLeft(s, keywordBlanks)
		if s == "" {
			return params, nil
		}
		key, rest, ok := strings.Cut(s, "=")
		key = strings.TrimRight(key, keywordBlanks)
		if !ok || key == "" || strings.ContainsAny(key, keywordBlanks) {
			return nil, fmt.Errorf("parse database address: expected KEY=VALUE after %d settings", len(params))
		}
		value, rest, err := parseValue(strings.TrimLeft(rest, keywordBlanks))
		if err != nil {
			return nil, fmt.Errorf("parse database address: value of %s: %w", key, err)
		}
		params = append(params, keyword{key, value})
		s = rest
	}
}

const keywordBlanks = " \t\n\v\f\r"

func parseValue(s string) (value, rest string, err error) {
	quoted := strings.HasPrefix(s, "'")
	if quoted {
		s = s[1:]
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
			if i < len(s) {
				b.WriteByte(s[i])
			}
		case quoted && c == '\'':
			return b.String(), s[i+1:], nil
		case !quoted && strings.IndexByte(keywordBlanks, c) >= 0:
			return b.String(), s[i:], nil
		default:
			b.WriteByte(c)
		}
	}
	if quoted {
		return "", "", fmt.Errorf("expected a closing quote")
	}
	return b.String(), "", nil
}

func joinKeywords(params []keyword) string {
	escape := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	var b strings.Builder
	for i, p := range params {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(p.key + "=")
		if p.value == "" || strings.ContainsAny(p.value, keywordBlanks+`'\`) {
			b.WriteString("'" + escape.Replace(p.value) + "'")
		} else {
			b.WriteString(p.value)
		}
	}
	return b.String()
}
