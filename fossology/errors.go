package fossology

// hintError is an error with advice. The advice is printed by the command line,
// which finds it by its method Hint.
type hintError struct {
	text string
	hint string
	err  error
}

func (e *hintError) Error() string {
	if e.err == nil {
		return e.text
	}
	return e.text + ": " + e.err.Error()
}

// Hint returns the advice.
func (e *hintError) Hint() string { return e.hint }

// Unwrap returns the cause.
func (e *hintError) Unwrap() error { return e.err }

// Occasion: reading the configuration.
var (
	// ErrNoInstallation means that there is no fossology.conf where one is expected.
	ErrNoInstallation error = &hintError{
		text: "find configuration: no fossology.conf in /etc/fossology or /usr/local/etc/fossology",
		hint: "name the directory with --sysconf DIR (or REPOTOOL_SYSCONF), or the repository alone with --repository DIR",
	}
)
