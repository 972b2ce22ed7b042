package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"repotool/snapshot"
)

// Defaults of the common settings.
const (
	defaultConfig       = "/etc/repotool.toml"
	defaultInstallation = "fossology"
	defaultSysconf      = "/etc/fossology" // and what else fossology.Load looks at
	defaultTimeout      = 10 * time.Minute
	defaultState        = "/var/lib/repotool"
	// defaultIndexBudget leaves a night its time: what it does not reach is stored, and
	// left out some nights later.
	defaultIndexBudget = 2 * time.Hour
)

// The legal values of the settings that have few; the first is the default.
var (
	legalQuiesce   = []string{"stop", "none"}
	legalDetect    = []string{"walk", "read"}
	legalCheck     = []string{"name", "full"}
	legalDayLayout = []string{"flat", "native", "none"}
	legalStrategy  = []string{"full", "gold"}
	legalIndex     = []string{"run", "use"}
	legalScheme    = []string{"linked", "rotating"}
	legalDatabase  = []string{"plain", "cluster", "directory", "none", "command"}
)

// settings are what a command works with, after flags, environment,
// configuration and defaults were laid over each other.
type settings struct {
	configFile   string
	configRead   bool // the configuration file exists
	installation string
	sysconf      string // "": where fossology.Load looks
	store        string
	repository   string // "": as fossology.conf says
	dsn          string // "": as Db.conf says
	scheduler    string // "": as fossology.conf says
	stateDir     string

	quiesce        string
	quiesceTimeout time.Duration
	startCommand   []string

	database        string
	databaseCommand []string
	loadCommand     []string
	pgBin           string
	admin           string

	detect, check, dayLayout string

	strategy, index string
	indexBudget     time.Duration

	scheme     string
	cycle      snapshot.CycleLength
	keepCycles int // beside the newest

	retention snapshot.Policy

	json, quiet bool
}

// env names the environment variable of a flag.
func env(flag string) []string {
	return []string{"REPOTOOL_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))}
}

// setting is a flag that takes a word and has an environment variable.
func setting(name, usage string) cli.Flag {
	return &cli.StringFlag{Name: name, Usage: usage, EnvVars: env(name)}
}

// commonFlags are understood by every command.
func commonFlags() []cli.Flag {
	return []cli.Flag{
		setting("config", "read settings from `FILE` (default "+defaultConfig+", which may be missing)"),
		setting("installation", "work on the installation `NAME`, a section of the configuration and a directory of the store (default "+defaultInstallation+")"),
		setting("sysconf", "find FOSSology's fossology.conf and Db.conf in `DIR` (default "+defaultSysconf+")"),
		setting("store", "the store is in `DIR`"),
		&cli.BoolFlag{Name: "json", Usage: "answer in JSON on standard output, errors too", EnvVars: env("json")},
		&cli.BoolFlag{Name: "quiet", Usage: "print findings and errors only", EnvVars: env("quiet")},
	}
}

// sourceFlags say where repository and database are, whatever FOSSology's own
// configuration says.
func sourceFlags() []cli.Flag {
	return []cli.Flag{
		setting("repository", "the repository is at `PATH`, whatever fossology.conf says"),
		setting("database-dsn", "reach the database by this libpq `STRING`, whatever Db.conf says"),
	}
}

// installationFlags add what is needed to dump, load, stop and start.
func installationFlags() []cli.Flag {
	return append(sourceFlags(),
		setting("scheduler", "the scheduler listens at `HOST:PORT`, whatever fossology.conf says"),
		setting("pg-bin", "use the pg_dump, pg_dumpall, pg_restore and psql in `DIR` (default: those in PATH)"),
		setting("state-dir", "note in `DIR` that the scheduler is stopped, for whoever must start it (default "+defaultState+")"),
	)
}

// settings lays flags over environment over configuration over defaults.
func (t *tool) settings(c *cli.Context) (settings, error) {
	s := settings{json: c.Bool("json"), quiet: c.Bool("quiet")}
	s.configFile = cmp.Or(c.String("config"), defaultConfig)
	conf, err := readConfig(s.configFile, c.String("config") == "")
	if err != nil {
		return s, err
	}
	_, err = os.Stat(s.configFile)
	s.configRead = err == nil

	s.installation = cmp.Or(c.String("installation"), conf.Default)
	if s.installation == "" {
		if s.installation, err = onlyInstallation(s, conf); err != nil {
			return s, err
		}
	}
	if !installationName.MatchString(s.installation) {
		return s, usagef("installation %q: a name has letters, digits, dots, - and _ only, and does not begin with a dot or -", s.installation)
	}
	in, known := conf.Installations[s.installation]
	if !known && len(conf.Installations) > 0 {
		return s, unknownInstallation(s, conf)
	}
	s.sysconf = cmp.Or(c.String("sysconf"), in.Sysconf)
	s.store = cmp.Or(c.String("store"), in.Store, conf.Store)
	s.repository = cmp.Or(c.String("repository"), in.Repository)
	s.dsn = cmp.Or(c.String("database-dsn"), in.DSN)
	s.scheduler = cmp.Or(c.String("scheduler"), in.Scheduler)
	s.stateDir = cmp.Or(c.String("state-dir"), in.StateDir, ownState())
	s.pgBin = cmp.Or(c.String("pg-bin"), in.PgBin)
	s.admin = cmp.Or(c.String("admin"), in.Admin)
	s.quiesce = cmp.Or(c.String("quiesce"), in.Quiesce, legalQuiesce[0])
	s.quiesceTimeout = cmp.Or(c.Duration("quiesce-timeout"), time.Duration(in.QuiesceTimeout), defaultTimeout)
	s.startCommand = shell(c.String("start-command"), in.StartCommand)
	s.loadCommand = shell(c.String("load-command"), in.LoadCommand)
	s.detect = cmp.Or(c.String("detect"), in.Detect, legalDetect[0])
	what, _ := c.Value("check").(string) // bench report has a switch of that name
	s.check = cmp.Or(what, in.Check, legalCheck[0])
	s.dayLayout = cmp.Or(c.String("day-layout"), in.DayLayout, legalDayLayout[0])
	s.strategy = cmp.Or(c.String("strategy"), in.Strategy, legalStrategy[0])
	s.index = cmp.Or(c.String("index"), in.Index, legalIndex[0])
	s.indexBudget = cmp.Or(c.Duration("index-budget"), time.Duration(in.IndexBudget), defaultIndexBudget)
	s.scheme = cmp.Or(c.String("scheme"), in.Scheme, legalScheme[0])
	if s.retention, err = in.Retention.flags(c).policy(); err != nil {
		return s, &usageError{err: err}
	}
	if s.cycle, s.keepCycles, err = cycleOf(c, in, s.retention.Zone); err != nil {
		return s, &usageError{err: err}
	}
	if s.database, s.databaseCommand, err = parseDatabaseMode(cmp.Or(c.String("database"), in.Database, legalDatabase[0])); err != nil {
		return s, err
	}
	if s.database == "command" && s.databaseCommand == nil {
		s.databaseCommand = in.DatabaseCommand
	}
	return s, s.checkValues()
}

func (s settings) checkValues() error {
	for _, e := range []struct {
		what, value string
		legal       []string
	}{
		{"--quiesce", s.quiesce, legalQuiesce},
		{"--detect", s.detect, legalDetect},
		{"--check", s.check, legalCheck},
		{"--day-layout", s.dayLayout, legalDayLayout},
		{"--strategy", s.strategy, legalStrategy},
		{"--index", s.index, legalIndex},
		{"--scheme", s.scheme, legalScheme},
	} {
		if err := oneOf(e.what, e.value, e.legal...); err != nil {
			return err
		}
	}
	if s.indexBudget < 0 {
		return usagef("--index-budget %s: expected a positive duration such as 2h", s.indexBudget)
	}
	if s.quiesceTimeout < 0 {
		return usagef("--quiesce-timeout %s: expected a positive duration such as 10m", s.quiesceTimeout)
	}
	if s.database == "command" && len(s.databaseCommand) == 0 {
		return &usageError{
			err:  fmt.Errorf("--database command: no command is given"),
			hint: "write --database 'command:CMD ARGS', or database_command = [\"CMD\", \"ARG\"] in the configuration",
		}
	}
	return nil
}

// ownState is where notes go: a directory of this host that outlives a boot.
func ownState() string {
	if os.Geteuid() == 0 {
		return defaultState
	}
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "repotool")
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".local/state/repotool")
	}
	return defaultState
}

// needStore is an error if no source named a store.
func (s settings) needStore() error {
	if s.store == "" {
		return &usageError{
			err:  fmt.Errorf("no store is given"),
			hint: "write --store DIR, or store = \"DIR\" in " + s.configFile,
		}
	}
	return nil
}

// parseDatabaseMode splits "command:CMD" into the mode and a shell's arguments.
func parseDatabaseMode(v string) (mode string, command []string, err error) {
	mode, line, has := strings.Cut(v, ":")
	if mode == "command" && has {
		if strings.TrimSpace(line) == "" {
			return "", nil, usagef("--database %q: the command is empty", v)
		}
		return mode, shell(line, nil), nil
	}
	return v, nil, oneOf("--database", v, legalDatabase...)
}

// shell lets the shell read a command line, if there is one.
func shell(line string, otherwise []string) []string {
	if line == "" {
		return otherwise
	}
	return []string{"/bin/sh", "-c", line}
}

// onlyInstallation is the one that is meant when none is named: the one that
// there is, or the one with the usual name.
func onlyInstallation(s settings, conf *config) (string, error) {
	names := slices.Sorted(maps.Keys(conf.Installations))
	switch {
	case len(names) == 1:
		return names[0], nil
	case len(names) == 0 || slices.Contains(names, defaultInstallation):
		return defaultInstallation, nil
	}
	return "", &usageError{
		err:  fmt.Errorf("%s has several installations, and none is named", s.configFile),
		hint: "write --installation with one of " + strings.Join(names, ", ") + ", or set default_installation",
	}
}

func unknownInstallation(s settings, conf *config) error {
	names := slices.Sorted(maps.Keys(conf.Installations))
	return &usageError{
		err:  fmt.Errorf("installation %q has no section in %s", s.installation, s.configFile),
		hint: didYouMean(s.installation, names, "--installation ", "add [installation."+s.installation+"] to it"),
	}
}
