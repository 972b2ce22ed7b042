package fossology

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Tops returns the gold and files directories of all hosts, relative to the root.
// Without any it is a *NotRepositoryError: an empty mount point must not pass for
// a repository in which everything is gone. Neither must one of its hosts: if there
// are routes, and no host has gold or files, those of no host alone do not count.
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
				tops = append(tops, typ)
			}
			top := filepath.Join(h.Name(), typ)
			if info, err := os.Stat(filepath.Join(r.Path, top)); err == nil && info.IsDir() {
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
