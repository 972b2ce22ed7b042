package fossology

import (
	"fmt"
	"os"
	"path/filepath"
)

// Tops returns the gold and files directories of all hosts, relative to the root.
// Without any it is a *NotRepositoryError: an empty mount point must not pass for
// a repository in which everything is gone.
func (r Repository) Tops() ([]string, error) {
	hosts, err := os.ReadDir(r.Path)
	if err != nil {
		return nil, fmt.Errorf("open repository: %w", err)
	}
	var tops []string
	for _, h := range hosts {
		for _, typ := range []string{"gold", "files"} {
			if h.Name() == typ {
				tops = append(tops, typ)
			}
			top := filepath.Join(h.Name(), typ)
			if info, err := os.Stat(filepath.Join(r.Path, top)); err == nil && info.IsDir() {
				tops = append(tops, top)
			}
		}
	}
	if len(tops) == 0 {
		return nil, &NotRepositoryError{r.Path}
	}
	return tops, nil
}

// A NotRepositoryError says that a directory is no FOSSology repository.
type NotRepositoryError struct{ Path string }

func (e *NotRepositoryError) Error() string {
	return fmt.Sprintf("%s is no FOSSology repository: no host directory in it holds gold or files", e.Path)
}

// Hint says what to do about it.
func (e *NotRepositoryError) Hint() string {
	return "is it mounted? The path stands in fossology.conf as [FOSSOLOGY] path; --repository overrides it"
}
