package fossology

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// A Rebuilder knows which golds hold a content. The ledger of package goldindex is one.
type Rebuilder interface {
	// Golds are the golds that make a content; none is no error.
	Golds(Name) ([]Name, error)
}

// Open opens a file of files for reading. If FOSSology does not find it either, the
// error is a *[MissingFileError] that says from which gold it can be rebuilt, if the
// rebuilder, which may be nil, knows one.
func (r Repository) Open(n Name, from Rebuilder) (*os.File, error) {
	path, err := r.Find("files", n.String())
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	missing := &MissingFileError{Name: n, Path: path}
	if from == nil {
		return nil, missing
	}
	golds, err := from.Golds(n)
	if err != nil {
		return nil, errors.Join(missing, err)
	}
	missing.Asked = true
	for _, g := range golds {
		gold, err := r.Find("gold", g.String())
		if err != nil {
			return nil, errors.Join(missing, err)
		}
		if info, err := os.Stat(gold); err == nil && info.Size() == g.Size {
			missing.Golds = append(missing.Golds, g)
		} else {
			missing.Lost = append(missing.Lost, g)
		}
	}
	return nil, missing
}

// A MissingFileError says that the repository lacks a file, and what can be done.
type MissingFileError struct {
	Name  Name
	Path  string // where it should be
	Asked bool   // somebody knew what golds make
	Golds []Name // that stand in the repository and make it
	Lost  []Name // that would make it and are not there
}

func (e *MissingFileError) Error() string {
	text := "open " + e.Path + ": the repository does not hold it"
	switch {
	case len(e.Golds) > 0:
		return fmt.Sprintf("%s; gold %s rebuilds it", text, e.Golds[0])
	case len(e.Lost) > 0:
		return fmt.Sprintf("%s, nor gold %s that would rebuild it", text, e.Lost[0])
	case e.Asked:
		return text + ", and no gold is known that rebuilds it"
	}
	return text
}

// Is says that the file does not exist.
func (e *MissingFileError) Is(target error) bool { return target == fs.ErrNotExist }

// Hint says what to do.
func (e *MissingFileError) Hint() string {
	switch {
	case len(e.Golds) > 0:
		return "repotool reunpack --name " + e.Name.String()
	case len(e.Lost) > 0:
		return "bring the gold back first: repotool restore --only " + e.Lost[0].String()
	}
	return "if a snapshot holds it: repotool restore --only " + e.Name.String()
}
