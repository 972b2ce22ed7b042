package snapshot

import (
	"fmt"
	"os"
	"path/filepath"
)

// checkRepository refuses a directory that is no repository: an empty mount
// point must not become a snapshot in which everything is gone.
func checkRepository(root string) error {
	hosts, err := os.ReadDir(root)
	if err != nil {
		return fmt.Errorf("open repository: %w", err)
	}
	for _, h := range hosts {
		for _, typ := range []string{"gold", "files"} {
			if h.Name() == typ {
				return nil
			}
			if info, err := os.Stat(filepath.Join(root, h.Name(), typ)); err == nil && info.IsDir() {
				return nil
			}
		}
	}
	return &NotRepositoryError{root}
}

// NotRepositoryError says that a directory is no FOSSology repository.
type NotRepositoryError struct{ Path string }

func (e *NotRepositoryError) Error() string {
	return fmt.Sprintf("%s is no FOSSology repository: no host directory in it holds gold or files", e.Path)
}

// Hint says what to do about it.
func (e *NotRepositoryError) Hint() string {
	return "is it mounted? The path stands in fossology.conf as [FOSSOLOGY] path; --repository overrides it"
}
