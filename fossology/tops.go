package fossology

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Tops returns the gold and files directories of all hosts, relative to the root.
// Without any it is a *NotRepositoryError: an empty mount point must not pass for
// a repository in which everything is gone. Neither must one of its hosts: if there
// are routes, and no host has gold or files, those of no host alone do not count.
// One that is a symbolic link is a *LinkedTopError: a walk follows none, so all that
// is behind it would be missing.
func (r Repository) Tops() ([]string, error) {
	hosts, err := os.ReadDir(r.Path)
	if err != nil {
		return nil, fmt.Errorf("open repository: %w", err)
	}
	var tops []string
	hosted := false
	for _, h := range hosts {
		for _, typ := range []string{"gold", "files"} {
			if h.Name() == typ {
				if err := r.linked("", typ); err != nil {
					return nil, err
				}
				tops = append(tops, typ)
			}
			top := filepath.Join(h.Name(), typ)
			if info, err := os.Stat(filepath.Join(r.Path, top)); err == nil && info.IsDir() {
				if err := r.linked(h.Name(), typ); err != nil {
					return nil, err
				}
				tops, hosted = append(tops, top), true
			}
		}
	}
	if len(tops) == 0 {
		return nil, &NotRepositoryError{Path: r.Path}
	}
	if !hosted && len(r.Routes) > 0 {
		return nil, &NotRepositoryError{r.Path, r.Hosts()}
	}
	return tops, nil
}

// linked is the error of a top that is a symbolic link, or whose host is one. A host that no
// route leads to is nobody's, if there are routes.
func (r Repository) linked(host, typ string) error {
	if host != "" && len(r.Routes) > 0 && !slices.Contains(r.Hosts(), host) {
		return nil
	}
	for _, path := range []string{filepath.Join(r.Path, host), filepath.Join(r.Path, host, typ)} {
		target, err := os.Readlink(path)
		if err != nil || path == filepath.Clean(r.Path) {
			continue // no link; the root may be one
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		return &LinkedTopError{path, target}
	}
	return nil
}

// A LinkedTopError says that a part of a repository stands behind a symbolic link.
type LinkedTopError struct{ Path, Target string }

func (e *LinkedTopError) Error() string {
	return fmt.Sprintf("%s is a symbolic link to %s, and no link in a repository is followed", e.Path, e.Target)
}

// Hint says what to do about it.
func (e *LinkedTopError) Hint() string {
	return fmt.Sprintf("put a mount in its place: rm %[1]s && mkdir %[1]s && mount --bind %[2]s %[1]s (and a line in /etc/fstab)", e.Path, e.Target)
}

// A NotRepositoryError says that a directory is no FOSSology repository.
type NotRepositoryError struct {
	Path  string
	Hosts []string // that should be in it, where gold and files stand without a host
}

func (e *NotRepositoryError) Error() string {
	if len(e.Hosts) > 0 {
		return fmt.Sprintf("%s is no FOSSology repository: it holds gold or files itself, and not those of a host (%s)", e.Path, strings.Join(e.Hosts, ", "))
	}
	return fmt.Sprintf("%s is no FOSSology repository: no host directory in it holds gold or files", e.Path)
}

// Hint says what to do about it.
func (e *NotRepositoryError) Hint() string {
	if len(e.Hosts) > 0 {
		return fmt.Sprintf("is it one of the hosts? Then the repository is %s", filepath.Dir(e.Path))
	}
	return "is it mounted? The path stands in fossology.conf as [FOSSOLOGY] path; --repository overrides it"
}
