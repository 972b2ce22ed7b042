package fossology

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// DefaultPort is where FOSSology's scheduler listens unless told otherwise.
const DefaultPort = 24693

// DefaultSysconfs are the directories where Load looks when no directory is
// given, in this order: that of the Debian package and that of a build.
var DefaultSysconfs = []string{"/etc/fossology", "/usr/local/etc/fossology"}

// An Installation is one FOSSology, as its configuration describes it.
type Installation struct {
	Sysconf    string     // directory of the configuration; "" if there was none
	Repository Repository // where the files are
	Address    string     // host of the scheduler
	Port       int        // port of the scheduler
	Hosts      []Host     // machines where agents run
	Database   DSN        // how to reach the database; "" if there is none
	Version    string     // FOSSology's version, "" if not known
	Project    string     // name of the service, of the database and so on: fossology
}

// SchedulerAddress returns host:port of the scheduler.
func (i *Installation) SchedulerAddress() string {
	return net.JoinHostPort(i.Address, strconv.Itoa(i.Port))
}

// AgentsDir returns the directory below which the agents' programs are.
func (i *Installation) AgentsDir() string {
	if i.Sysconf == "" {
		return ""
	}
	return filepath.Join(i.Sysconf, "mods-enabled")
}

// LoadOptions say where the configuration is and what to take from elsewhere.
// What is set here wins over the files.
type LoadOptions struct {
	Sysconf    string // directory of fossology.conf; "": the first of DefaultSysconfs that has one
	Repository string // path of the repository
	Depth      int    // depth of its fan-out
	DSN        string // address of the database
	Address    string // host:port of the scheduler
	NoDatabase bool   // the database is not needed: do not read Db.conf
}

// Load reads the configuration of an installation. Errors in a file are of type
// *[ConfError]; if there is no configuration at all the error is
// [ErrNoInstallation].
func Load(o LoadOptions) (*Installation, error) {
	dir, err := o.findSysconf()
	if err != nil {
		return nil, err
	}
	inst := &Installation{Sysconf: dir, Address: "localhost", Port: DefaultPort, Project: "fossology"}
	inst.Repository.Depth = DefaultDepth
	if dir != "" {
		if err := inst.readConf(filepath.Join(dir, "fossology.conf"), o); err != nil {
			return nil, err
		}
		if err := inst.readVersion(filepath.Join(dir, "VERSION")); err != nil {
			return nil, err
		}
	}
	if err := inst.override(o); err != nil {
		return nil, err
	}
	if inst.Database == "" && dir != "" && !o.NoDatabase {
		inst.Database, err = ReadDBConf(filepath.Join(dir, "Db.conf"))
		if err != nil {
			return nil, err
		}
	}
	return inst, nil
}

// findSysconf returns the directory of the configuration, or "" if there is none
// and the repository is named by an option.
func (o LoadOptions) findSysconf() (string, error) {
	if o.Sysconf != "" {
		return filepath.Abs(o.Sysconf)
	}
	for _, dir := range DefaultSysconfs {
		_, err := os.Stat(filepath.Join(dir, "fossology.conf"))
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("find configuration: %w", err)
		}
	}
	if o.Repository != "" {
		return "", nil
	}
	return "", ErrNoInstallation
}

func (i *Installation) readConf(file string, o LoadOptions) error {
	c, err := ReadConf(file)
	if err != nil {
		return err
	}
	path, ok := c.Value("FOSSOLOGY", "path")
	if !ok && o.Repository == "" {
		return &ConfError{File: file, Expected: "path = DIRECTORY in [FOSSOLOGY]"}
	}
	if ok && !filepath.IsAbs(path) && o.Repository == "" {
		return c.errorAt("FOSSOLOGY", "path", 0, "an absolute path")
	}
	i.Repository.Path = path
	depth, ok, err := c.number("FOSSOLOGY", "depth", 1, maxDepth)
	if err != nil {
		return err
	}
	if !ok && o.Depth == 0 {
		return &ConfError{File: file, Expected: "depth = NUMBER in [FOSSOLOGY]"}
	}
	i.Repository.Depth = depth
	port, ok, err := c.number("FOSSOLOGY", "port", 1, 65535)
	if err != nil {
		return err
	}
	if ok {
		i.Port = port
	}
	if address, ok := c.Value("FOSSOLOGY", "address"); ok && address != "" {
		i.Address = address
	}
	if project, ok := c.Value("DIRECTORIES", "PROJECT"); ok && project != "" {
		i.Project = project
	}
	if i.Repository.Routes, err = c.routes(); err != nil {
		return err
	}
	i.Hosts, err = c.hosts()
	return err
}

// maxDepth is half the length of a SHA-1: deeper, the fan-out would be longer
// than the part of the name that is spread evenly.
const maxDepth = sha1Digits / 2

// readVersion reads the VERSION file, which has the form of fossology.conf. It is
// for the record only, so a missing one is no error, and neither is one without
// the expected key.
func (i *Installation) readVersion(file string) error {
	c, err := ReadConf(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, group := range c.Groups() {
		if v, ok := c.Value(group, "VERSION"); ok {
			i.Version = strings.Trim(v, ` "`)
		}
	}
	return nil
}

// override puts what the options say over what the files say.
func (i *Installation) override(o LoadOptions) error {
	if o.Repository != "" {
		path, err := filepath.Abs(o.Repository)
		if err != nil {
			return fmt.Errorf("find repository: %w", err)
		}
		i.Repository.Path = path
	}
	if o.Depth < 0 || o.Depth > maxDepth {
		return fmt.Errorf("depth of the repository: found %d: expected a number from 1 to %d", o.Depth, maxDepth)
	}
	if o.Depth > 0 {
		i.Repository.Depth = o.Depth
	}
	i.Database = DSN(o.DSN)
	if o.Address != "" {
		host, port, err := net.SplitHostPort(o.Address)
		if err != nil {
			return fmt.Errorf("read address of the scheduler: %w", err)
		}
		n, err := strconv.Atoi(port)
		if err != nil || n < 1 || n > 65535 {
			return fmt.Errorf("read address of the scheduler: found port %q: expected a number from 1 to 65535", port)
		}
		i.Address, i.Port = host, n
	}
	return nil
}
