package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"repotool/fossology"
	"repotool/store"
)

// The exit codes of every command.
const (
	exitGood        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitFindings    = 3
	exitLocked      = 4
	exitQuiesce     = 5
	exitInterrupted = 130
)

// exitMeanings are the lines of EXIT CODES in the help pages.
var exitMeanings = map[int]string{
	exitGood:        "good",
	exitFailed:      "failed; nothing that was there before is lost",
	exitUsage:       "wrong flags, arguments or configuration file; nothing was done",
	exitFindings:    "done, with findings that somebody should look at",
	exitLocked:      "another run holds the lock; it is named",
	exitQuiesce:     "FOSSology could not be brought to a standstill",
	exitInterrupted: "interrupted by SIGINT or SIGTERM",
}

// errInterrupted is the cause of a context that a signal has ended.
var errInterrupted = errors.New("interrupted")

// A usageError is a command line or configuration that cannot be obeyed.
type usageError struct {
	err  error
	hint string
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// Hint says what would have been right.
func (e *usageError) Hint() string { return e.hint }

// usagef makes a usageError without a hint.
func usagef(format string, args ...any) *usageError {
	return &usageError{err: fmt.Errorf(format, args...)}
}

// hinted attaches advice to an error that carries none of its own.
type hinted struct {
	err  error
	hint string
}

func (e *hinted) Error() string { return e.err.Error() }
func (e *hinted) Unwrap() error { return e.err }

// Hint is the advice.
func (e *hinted) Hint() string { return e.hint }

// withHint gives err the hint unless it, or something it wraps, has its own.
func withHint(err error, hint string) error {
	if err == nil || hintOf(err) != "" {
		return err
	}
	return &hinted{err, hint}
}

// hintOf finds the outermost advice in an error; what has none to give passes
// the question on to what it wraps.
func hintOf(err error) string {
	if h, ok := err.(interface{ Hint() string }); ok && h.Hint() != "" {
		return h.Hint()
	}
	switch x := err.(type) {
	case interface{ Unwrap() error }:
		return hintOf(x.Unwrap())
	case interface{ Unwrap() []error }:
		for _, e := range x.Unwrap() {
			if hint := hintOf(e); hint != "" {
				return hint
			}
		}
	}
	return ""
}

// findingsError ends a command whose work is done but whose report has
// findings. They have been printed already.
type findingsError struct{ n int64 }

func (e findingsError) Error() string { return fmt.Sprintf("%d findings", e.n) }

// alsoFound adds findings to what a run ended with.
func alsoFound(err, more error) error {
	var found, others findingsError
	switch {
	case !errors.As(more, &others):
		return err
	case err == nil:
		return more
	case errors.As(err, &found):
		return findingsError{found.n + others.n}
	}
	return err
}

// toldError is an error that was told already to the one who is concerned.
type toldError struct{ error }

func (e toldError) Unwrap() error { return e.error }

// exitCode says what an error means to the caller of the process.
func exitCode(ctx context.Context, err error) int {
	var (
		usage    *usageError
		locked   *store.LockedError
		quiesce  *fossology.QuiesceError
		findings findingsError
	)
	switch {
	case err == nil:
		return exitGood
	case errors.As(err, &findings):
		return exitFindings
	case errors.Is(err, errInterrupted), errors.Is(context.Cause(ctx), errInterrupted):
		return exitInterrupted
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &locked):
		return exitLocked
	case errors.As(err, &quiesce):
		return exitQuiesce
	default:
		return exitFailed
	}
}

// kinds name the exit codes in JSON errors.
var kinds = map[int]string{
	exitFailed:      "failed",
	exitUsage:       "usage",
	exitLocked:      "locked",
	exitQuiesce:     "quiesce",
	exitInterrupted: "interrupted",
}

// jsonError is what --json prints for an error, in an object with the key
// "error".
type jsonError struct {
	Kind    string `json:"kind"`
	Code    int    `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// printError tells an error to a person on w, or to a program on stdout.
func printError(stdout, stderr io.Writer, asJSON bool, code int, err error) {
	var told toldError
	if code == exitGood || code == exitFindings || nobodyListens(err) || errors.As(err, &told) {
		return
	}
	message, hint := err.Error(), hintOf(err)
	if code == exitInterrupted {
		message = errInterrupted.Error()
		if err = besidesInterruption(err); err != nil {
			message += ": " + err.Error()
		}
		hint = hintOf(err)
	}
	if asJSON {
		enc := json.NewEncoder(stdout)
		enc.SetEscapeHTML(false)
		if enc.Encode(map[string]jsonError{"error": {kinds[code], code, message, hint}}) == nil {
			return
		} // else a person is told
	}
	for _, line := range messageLines(message) {
		fmt.Fprintf(stderr, "repotool: %s\n", line)
	}
	if hint != "" {
		fmt.Fprintf(stderr, "  hint: %s\n", hint)
	}
}

// nobodyListens says whether the reader of our own output has gone away. That of
// a program that we run is another matter.
func nobodyListens(err error) bool {
	var path *fs.PathError
	return errors.As(err, &path) && path.Path == os.Stdout.Name() && errors.Is(path, syscall.EPIPE)
}

// besidesInterruption is what went wrong apart from the interruption itself, such
// as a scheduler that could not be started again.
func besidesInterruption(err error) error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var rest []error
		for _, e := range many.Unwrap() {
			rest = append(rest, besidesInterruption(e))
		}
		return errors.Join(rest...)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, errInterrupted) {
		return nil
	}
	return err
}

// messageLines are the lines of an error's text. Joined errors have a line each;
// indented lines, as pgx writes them for each address it tried, continue the one
// before. Repetitions are left out.
func messageLines(message string) []string {
	var lines []string
	last := ""
	for line := range strings.SplitSeq(message, "\n") {
		text := strings.TrimSpace(line)
		switch {
		case text == "" || text == last:
			continue
		case len(lines) > 0 && (line[0] == '\t' || line[0] == ' '):
			lines[len(lines)-1] += " " + text
		default:
			lines = append(lines, text)
		}
		last = text
	}
	return lines
}
