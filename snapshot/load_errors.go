package snapshot

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A LoadError says which step of loading a database did not work. The old database is as it was.
type LoadError struct {
	Database string
	Step     string
	Err      error
	Advice   string
}

func (e *LoadError) Error() string {
	return fmt.Sprintf("restore database %s: %s: %v", e.Database, e.Step, e.Err)
}

// Unwrap returns the cause.
func (e *LoadError) Unwrap() error { return e.Err }

// Hint says what to do about it.
func (e *LoadError) Hint() string {
	var cause interface{ Hint() string }
	if e.Advice == "" && errors.As(e.Err, &cause) {
		return cause.Hint()
	}
	return e.Advice
}

// A CountError says that a loaded database has not the rows that were there when it was dumped. It is kept under
// the name Database; the old one was not touched.
type CountError struct {
	Database  string
	Target    string
	Want, Got map[string]int64
}

func (e *CountError) Error() string {
	var diff []string
	for _, table := range sortedKeys(e.Want) {
		if got, ok := e.Got[table]; !ok {
			diff = append(diff, fmt.Sprintf("%s not counted, want %d", table, e.Want[table]))
		} else if got != e.Want[table] {
			diff = append(diff, fmt.Sprintf("%s has %d rows, want %d", table, got, e.Want[table]))
		}
	}
	return fmt.Sprintf("restore database %s: compare rows: %s", e.Target, strings.Join(diff, ", "))
}

// Hint says what to do about it.
func (e *CountError) Hint() string {
	return fmt.Sprintf("%s was not touched; what was loaded is kept as database %s: look at it, then drop it", e.Target, e.Database)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
