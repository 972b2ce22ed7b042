package fossology

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// DefaultDepth is the depth of the fan-out in the configuration that FOSSology ships.
const DefaultDepth = 3

// A Repository knows where a file has its place. It reads nothing but Find,
// which asks the file system.
type Repository struct {
	// Path is the root of the tree.
	Path string
	// Depth is the number of fan-out directories above a file.
	Depth int
	// Routes say which host stores what, in the order in which they are tried:
	// by host name, the routes of one host in the order of the file.
	Routes []Route
}

// A Route is one line of the [REPOSITORY] section: host[] = type start end.
type Route struct {
	Host  string
	Type  string // a type, or * for all
	Start string // first and last name, compared as far as they reach,
	End   string // without regard to case
}

// Matches reports whether files of this type and name belong on the host.
func (r Route) Matches(typ, name string) bool {
	if r.Type != "*" && r.Type != typ {
		return false
	}
	return comparePrefix(r.Start, name) <= 0 && comparePrefix(r.End, name) >= 0
}

// comparePrefix compares bound with the same number of characters of name; a
// name that ends before is smaller. Case does not count.
func comparePrefix(bound, name string) int {
	if len(name) > len(bound) {
		name = name[:len(bound)]
	}
	return strings.Compare(lower(bound), lower(name))
}

// lower makes ASCII letters small and leaves everything else alone.
func lower(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; 'A' <= c && c <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if c := b[i]; 'A' <= c && c <= 'Z' {
					b[i] = c + 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

// FanOut returns the directories between the type and the file: depth pairs of
// characters of the lower-case name, filled up with _ if the name is short. Of
// "abC" at depth 3 it is "ab/c_/__".
func FanOut(name string, depth int) string {
	if depth <= 0 {
		return ""
	}
	b := make([]byte, 0, 3*depth)
	for i := 0; i < 2*depth; i++ {
		if i > 0 && i%2 == 0 {
			b = append(b, '/')
		}
		c := byte('_')
		if i < len(name) {
			c = name[i]
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return string(b)
}

// Paths returns every path where a file of this type and name may be, in the
// order in which FOSSology looks; the first is where it writes. If no route
// matches there is one path, which has no host. Type and name may hold ASCII
// letters, digits and @%_=+- (a name dots too, but not as its first character);
// for others there is no path, and the error is a *[NameError].
func (r Repository) Paths(typ, name string) ([]string, error) {
	if err := checkName(typ, name); err != nil {
		return nil, err
	}
	var paths []string
	for _, route := range r.Routes {
		if route.Matches(typ, name) {
			paths = append(paths, r.join(route.Host, typ, name))
		}
	}
	if paths == nil {
		paths = []string{r.join("", typ, name)}
	}
	return paths, nil
}

// Host returns the host where FOSSology writes a file of this type and name; "" if no
// route matches, and its path has no host.
func (r Repository) Host(typ, name string) string {
	for _, route := range r.Routes {
		if route.Matches(typ, name) {
			return route.Host
		}
	}
	return ""
}

// HostsOf returns the hosts that store files of a type, each once, in order.
func (r Repository) HostsOf(typ string) []string {
	var of Repository
	for _, route := range r.Routes {
		if route.Type == "*" || route.Type == typ {
			of.Routes = append(of.Routes, route)
		}
	}
	return of.Hosts()
}

// Find returns the path where FOSSology reads a file of this type and name: the
// first of Paths that exists, and if none does, the first.
func (r Repository) Find(typ, name string) (string, error) {
	paths, err := r.Paths(typ, name)
	if err != nil {
		return "", err
	}
	for _, p := range paths {
		switch _, err := os.Stat(p); {
		case err == nil:
			return p, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
	}
	return paths[0], nil
}

// Hosts returns the host names of the routes, each once, in order.
func (r Repository) Hosts() []string {
	var hosts []string
	for _, route := range r.Routes {
		if len(hosts) == 0 || hosts[len(hosts)-1] != route.Host {
			hosts = append(hosts, route.Host)
		}
	}
	return hosts
}

// join builds a path; unlike filepath.Join it keeps the slash before an empty name.
func (r Repository) join(host, typ, name string) string {
	dir := filepath.Join(r.Path, host, typ, FanOut(name, r.Depth))
	return dir + "/" + lower(name)
}

// A NameError is a type or name that FOSSology gives no path.
type NameError struct {
	Type, Name string
}

func (e *NameError) Error() string {
	return fmt.Sprintf("place %q of type %q: expected letters, digits and @%%_.=+- only, and no dot first", e.Name, e.Type)
}

func checkName(typ, name string) error {
	if strings.HasPrefix(name, ".") || strings.ContainsFunc(name, notInName) ||
		strings.Contains(typ, ".") || strings.ContainsFunc(typ, notInName) {
		return &NameError{Type: typ, Name: name}
	}
	return nil
}

func notInName(c rune) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return false
	}
	return c > 127 || !strings.ContainsRune("@%_.=+-", c)
}
