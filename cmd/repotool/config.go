package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"repotool/snapshot"
)

// config is the configuration file. Every key is optional; a key that is not
// listed here is an error, for a mistyped one would otherwise do nothing.
type config struct {
	Store         string                        `toml:"store"`
	Default       string                        `toml:"default_installation"`
	Installations map[string]installationConfig `toml:"installation"`
}

// installationConfig is one section [installation.NAME].
type installationConfig struct {
	Sysconf         string   `toml:"sysconf"`
	Store           string   `toml:"store"`
	Repository      string   `toml:"repository"`
	DSN             string   `toml:"database_dsn"`
	Scheduler       string   `toml:"scheduler"`
	StateDir        string   `toml:"state_dir"`
	Quiesce         string   `toml:"quiesce"`
	QuiesceTimeout  duration `toml:"quiesce_timeout"`
	StartCommand    []string `toml:"start_command"`
	Database        string   `toml:"database"`
	DatabaseCommand []string `toml:"database_command"`
	LoadCommand     []string `toml:"load_command"`
	PgBin           string   `toml:"pg_bin"`
	Admin           string   `toml:"admin"`
	Detect          string   `toml:"detect"`
	Check           string   `toml:"check"`
	DayLayout       string   `toml:"day_layout"`
	Strategy        string   `toml:"strategy"`
	Index           string   `toml:"index"`
	IndexBudget     duration `toml:"index_budget"`
	Scheme          string   `toml:"scheme"`
	Cycle           string   `toml:"cycle"`

	Retention retentionConfig `toml:"retention"`
}

// duration is a time.Duration written as in Go: 90s, 10m, 1h30m.
type duration time.Duration

// UnmarshalText reads a duration; it must be positive.
func (d *duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil || v <= 0 {
		return fmt.Errorf("%q is no duration such as 90s, 10m or 1h30m", b)
	}
	*d = duration(v)
	return nil
}

// installationName is what a section and --installation may be called: it
// becomes a directory in the store.
var installationName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$`)

// readConfig reads the configuration file. A file that nobody asked for by name
// may be missing.
func readConfig(name string, mayMiss bool) (*config, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		if mayMiss && errors.Is(err, fs.ErrNotExist) {
			return &config{}, nil
		}
		e := &usageError{err: fmt.Errorf("read configuration: %w", err)}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			e.hint = "give the right file with --config, or leave it out to work with flags alone"
		case errors.Is(err, fs.ErrPermission):
			e.hint = "run as root or as a member of the group that may read " + name
		}
		return nil, e
	}
	c, err := parseConfig(b)
	if err != nil {
		// The position follows the name, as compilers write it.
		return nil, &usageError{err: fmt.Errorf("read configuration %s:%w", name, err), hint: hintOf(err)}
	}
	return c, nil
}

// parseConfig reads a configuration. Errors begin with "line:column: ".
func parseConfig(b []byte) (*config, error) {
	c := &config{}
	err := toml.NewDecoder(bytes.NewReader(b)).DisallowUnknownFields().Decode(c)
	var (
		strict *toml.StrictMissingError
		decode *toml.DecodeError
	)
	switch {
	case errors.As(err, &strict) && len(strict.Errors) > 0:
		return nil, unknownKey(&strict.Errors[0])
	case errors.As(err, &decode):
		row, col := decode.Position()
		return nil, fmt.Errorf("%d:%d: %s", row, col, strings.TrimPrefix(decode.Error(), "toml: "))
	case err != nil:
		return nil, fmt.Errorf(" %w", err)
	}
	for name, in := range c.Installations {
		if err := in.check(name); err != nil {
			return nil, fmt.Errorf(" [installation.%s]: %w", name, err)
		}
	}
	return c, nil
}

// check finds values that no command could use.
func (in installationConfig) check(name string) error {
	if !installationName.MatchString(name) {
		return errors.New("a name has letters, digits, dots, - and _ only, and does not begin with a dot or -")
	}
	for _, e := range []struct {
		key, value string
		legal      []string
	}{
		{"quiesce", in.Quiesce, legalQuiesce},
		{"detect", in.Detect, legalDetect},
		{"check", in.Check, legalCheck},
		{"day_layout", in.DayLayout, legalDayLayout},
		{"strategy", in.Strategy, legalStrategy},
		{"index", in.Index, legalIndex},
		{"scheme", in.Scheme, legalScheme},
	} {
		if e.value != "" {
			if err := oneOf(e.key, e.value, e.legal...); err != nil {
				return err
			}
		}
	}
	if _, err := in.Retention.policy(); err != nil {
		return fmt.Errorf("retention: %w", err)
	}
	if in.Cycle != "" {
		if _, err := snapshot.ParseCycle(in.Cycle); err != nil {
			return err
		}
	}
	if in.Database != "" {
		if _, _, err := parseDatabaseMode(in.Database); err != nil {
			return err
		}
	}
	return nil
}

// unknownKey names a key that does not exist and the one that was meant.
func unknownKey(e *toml.DecodeError) error {
	row, col := e.Position()
	key := e.Key()
	of := reflect.TypeFor[config]()
	if len(key) > 1 && key[0] == "installation" {
		of = reflect.TypeFor[installationConfig]()
	}
	if len(key) > 3 && key[2] == "retention" {
		of = reflect.TypeFor[retentionConfig]()
	}
	var known []string
	for i := range of.NumField() {
		known = append(known, of.Field(i).Tag.Get("toml"))
	}
	slices.Sort(known)
	last := ""
	if len(key) > 0 {
		last = key[len(key)-1]
	}
	return &hinted{
		err:  fmt.Errorf("%d:%d: unknown key %q", row, col, strings.Join(key, ".")),
		hint: didYouMean(last, known, "", "known here: "+strings.Join(known, ", ")),
	}
}
