package fossology

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// route is the form that FOSSology's scheduler demands of a line of [REPOSITORY].
var route = regexp.MustCompile(`^(\*|gold|files|logs|license|test)[ \t]+([[:xdigit:]]+)[ \t]+([[:xdigit:]]+)$`)

// routes reads the [REPOSITORY] group. Hosts come in the order of their names,
// because that is how FOSSology keeps them, the routes of one host in the order
// of the file. A list that FOSSology's scheduler would refuse is an error.
func (c *Conf) routes() ([]Route, error) {
	const group = "REPOSITORY"
	if !c.Has(group) {
		return nil, &ConfError{File: c.file, Expected: "a [REPOSITORY] group with at least one line like localhost[] = * 00 ff"}
	}
	var all []Route
	for _, host := range c.Keys(group) {
		if _, plain := c.Value(group, host); plain {
			return nil, c.errorAt(group, host, 0, "a list: "+host+"[] = TYPE START END")
		}
		if strings.HasPrefix(host, ".") {
			return nil, c.errorAt(group, host, 0, "a host name that does not begin with a dot")
		}
		for i, text := range c.List(group, host) {
			m := route.FindStringSubmatch(text)
			if m == nil {
				return nil, c.errorAt(group, host, i, "TYPE START END, where TYPE is * gold files logs license or test, START and END are hexadecimal, and nothing follows")
			}
			if !less(m[2], m[3]) {
				return nil, c.errorAt(group, host, i, "START smaller than END")
			}
			all = append(all, Route{Host: host, Type: m[1], Start: m[2], End: m[3]})
		}
	}
	return all, nil
}

// less compares two hexadecimal numbers.
func less(a, b string) bool {
	a, b = strings.TrimLeft(lower(a), "0"), strings.TrimLeft(lower(b), "0")
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}

// A Host is one line of the [HOSTS] group: a machine where agents run.
type Host struct {
	Name    string
	Address string
	Sysconf string
	Max     int // how many agents may run there at once
}

// hosts reads the [HOSTS] group.
func (c *Conf) hosts() ([]Host, error) {
	const group = "HOSTS"
	var all []Host
	for _, name := range c.Keys(group) {
		text, _ := c.Value(group, name)
		f := strings.Fields(text)
		h := Host{Name: name}
		if len(f) == 3 {
			h.Address, h.Sysconf = f[0], f[1]
			h.Max, _ = strconv.Atoi(f[2])
		}
		if h.Max <= 0 {
			return nil, c.errorAt(group, name, 0, "ADDRESS SYSCONF MAX, where MAX is a number above 0")
		}
		all = append(all, h)
	}
	return all, nil
}

// number reads a decimal value between lo and hi; ok is false if the key is absent.
func (c *Conf) number(group, key string, lo, hi int) (n int, ok bool, err error) {
	text, ok := c.Value(group, key)
	if !ok {
		return 0, false, nil
	}
	n, err = strconv.Atoi(strings.TrimRight(text, " \t"))
	if err != nil || n < lo || n > hi {
		return 0, false, c.errorAt(group, key, 0, fmt.Sprintf("a number from %d to %d", lo, hi))
	}
	return n, true, nil
}
