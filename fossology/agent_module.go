package fossology

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// An AgentModule is an agent as the scheduler finds it: a directory of mods-enabled,
//
//	<name>/<name>.conf     [default] command, max and special (NOKILL: a tool may
//	                       work on a large image for longer than the scheduler's ten minutes)
//	<name>/VERSION         [<name>] VERSION and COMMIT_HASH
//	<name>/agent/<name>    the program
//
// The scheduler runs the program with the words of command behind the first, then its
// own. The program is a copy: a process is known for an agent by the file that it runs,
// and a link would make one of every run of the program that it leads to.
//
// The directory appears complete, or not at all; its first line says whose it is.
type AgentModule struct {
	Name    string
	Args    []string // that its command has behind the program
	Version string
	Commit  string
	Program string // the file that is copied
	Host    string // the host of the repository whose files it writes on this machine; "" if that is to be found out
}

// ReunpackAgent is the name of the agent that brings files back from gold.
const ReunpackAgent = "reporeunpack"

// moduleMark is how the configuration of a module of ours begins.
const moduleMark = "; This directory is repotool's: repotool agent install writes it, repotool agent remove takes it away."

// Occasion: installing an agent.
var (
	// ErrForeignModule means that a module is not one that was installed by Install.
	ErrForeignModule error = &hintError{text: "it is not repotool's", hint: "nothing was changed: look at it, and move it away if it is not needed"}
	// ErrNoModule means that there is no module of a name.
	ErrNoModule = errors.New("it is not installed")
)

// ownHostGroup and ownHostKey are where its configuration names its host. The scheduler
// reads [default] alone.
const (
	ownHostGroup = "repotool"
	ownHostKey   = "host"
)

// Files are the module's files but the program, by their path in its directory.
func (m AgentModule) Files() map[string]string {
	conf := moduleMark + "\n[default]\nname = " + m.Name + "\ncommand = " + strings.Join(append([]string{m.Name}, m.Args...), " ") +
		"\nmax = -1\nspecial[] = NOKILL\n"
	if m.Host != "" {
		conf += "[" + ownHostGroup + "]\n" + ownHostKey + " = " + m.Host + "\n"
	}
	return map[string]string{
		m.Name + ".conf": conf,
		"VERSION":        "[" + m.Name + "]\nVERSION=" + m.Version + "\nCOMMIT_HASH=" + m.Commit + "\n",
	}
}

// ReadAgentModule reads what is installed; without it the error is [ErrNoModule], and
// [ErrForeignModule] if it is somebody else's.
func ReadAgentModule(mods, name string) (AgentModule, error) {
	m := AgentModule{Name: name}
	dir := filepath.Join(mods, name)
	info, err := os.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return m, fmt.Errorf("%s: %w", dir, ErrNoModule)
	case err != nil:
		return m, err
	case !info.IsDir():
		return m, fmt.Errorf("%s: %w", dir, ErrForeignModule)
	}
	file := filepath.Join(dir, name+".conf")
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return m, err
	}
	if !bytes.HasPrefix(text, []byte(moduleMark+"\n")) {
		return m, fmt.Errorf("%s: %w", dir, ErrForeignModule)
	}
	conf, err := ReadConf(file)
	if err != nil {
		return m, err
	}
	version, err := ReadConf(filepath.Join(dir, "VERSION"))
	if err != nil {
		return m, err
	}
	m.Program = filepath.Join(dir, "agent", name)
	m.Host, _ = conf.Value(ownHostGroup, ownHostKey)
	m.Version, _ = version.Value(name, "VERSION")
	m.Commit, _ = version.Value(name, "COMMIT_HASH")
	if command, ok := conf.Value("default", "command"); ok {
		if words := strings.Fields(command); len(words) > 0 {
			m.Args = words[1:]
		}
	}
	return m, nil
}

// Install writes the module into mods, in the place of one that it has written before.
func (m AgentModule) Install(mods string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("install agent %s: %w", m.Name, err)
		}
	}()
	if _, err := ReadAgentModule(mods, m.Name); errors.Is(err, ErrForeignModule) {
		return err
	}
	if err := tidyModule(mods, m.Name); err != nil {
		return err
	}
	work, err := os.MkdirTemp(mods, workModule(m.Name))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }() // what it was changed for, too
	if err := m.write(work); err != nil {
		return err
	}
	place := filepath.Join(mods, m.Name)
	err = unix.Renameat2(unix.AT_FDCWD, work, unix.AT_FDCWD, place, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EEXIST) {
		err = unix.Renameat2(unix.AT_FDCWD, work, unix.AT_FDCWD, place, unix.RENAME_EXCHANGE)
	}
	if err != nil {
		return &fs.PathError{Op: "rename", Path: place, Err: err}
	}
	return syncDir(mods)
}

// workModule begins the names of what is not complete. The scheduler and the pages pass
// over what begins with a dot.
func workModule(name string) string { return "." + name + "-" }

// tidyModule removes what an install that was killed has left.
func tidyModule(mods, name string) error {
	entries, err := os.ReadDir(mods)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() && strings.HasPrefix(e.Name(), workModule(name)) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(mods, e.Name())))
		}
	}
	return err
}

// write makes the directory's content, which everybody may read: the scheduler runs as
// FOSSology's user.
func (m AgentModule) write(dir string) error {
	for path, text := range m.Files() {
		if err := writeSynced(filepath.Join(dir, path), strings.NewReader(text), 0o644); err != nil {
			return err
		}
	}
	agent := filepath.Join(dir, "agent")
	if err := os.Mkdir(agent, 0o755); err != nil {
		return err
	}
	program, err := os.Open(m.Program)
	if err != nil {
		return err
	}
	defer program.Close()
	if err := writeSynced(filepath.Join(agent, m.Name), program, 0o755); err != nil {
		return err
	}
	for _, d := range []string{agent, dir} {
		if err := errors.Join(os.Chmod(d, 0o755), syncDir(d)); err != nil {
			return err
		}
	}
	return nil
}

// writeSynced makes a file whose content is on the disk.
func writeSynced(path string, from io.Reader, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
}

// RemoveAgentModule takes a module away that Install has written.
func RemoveAgentModule(mods, name string) error {
	if _, err := ReadAgentModule(mods, name); errors.Is(err, ErrForeignModule) || errors.Is(err, ErrNoModule) {
		return fmt.Errorf("remove agent %s: %w", name, err)
	}
	away, err := os.MkdirTemp(mods, workModule(name))
	if err == nil {
		err = os.Rename(filepath.Join(mods, name), filepath.Join(away, name)) // at once: half a module is none
	}
	if err == nil {
		err = syncDir(mods)
	}
	if err = errors.Join(err, tidyModule(mods, name)); err != nil {
		return fmt.Errorf("remove agent %s: %w", name, err)
	}
	return nil
}
