package fossology_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repotool/fossology"
)

// module is one that can be installed.
func module(t *testing.T, version string) (m fossology.AgentModule, mods string) {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho "+version+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	mods = filepath.Join(dir, "mods-enabled")
	if err := os.Mkdir(mods, 0o750); err != nil {
		t.Fatal(err)
	}
	return fossology.AgentModule{Name: fossology.ReunpackAgent, Args: []string{"agent", "run"}, Version: version, Commit: "abc", Program: program}, mods
}

// only fails the test unless mods holds nothing but the names.
func only(t *testing.T, mods string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(mods)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(names, " ") {
		t.Errorf("mods-enabled holds %q, want %q", got, names)
	}
}

// TestInstallAgent: what is installed is read again; a second install replaces it.
func TestInstallAgent(t *testing.T) {
	m, mods := module(t, "1.0")
	if _, err := fossology.ReadAgentModule(mods, m.Name); !errors.Is(err, fossology.ErrNoModule) {
		t.Errorf("before: %v", err)
	}
	if err := os.MkdirAll(filepath.Join(mods, ".reporeunpack-123", "agent"), 0o700); err != nil { // of an install that was killed
		t.Fatal(err)
	}
	for _, version := range []string{"1.0", "2.0"} {
		m.Version, m.Host = version, "server"+version[:1]
		if err := m.Install(mods); err != nil {
			t.Fatal(err)
		}
		only(t, mods, m.Name)
		got, err := fossology.ReadAgentModule(mods, m.Name)
		if err != nil || got.Version != version || got.Host != m.Host || got.Commit != "abc" || strings.Join(got.Args, " ") != "agent run" {
			t.Errorf("installed %+v: %v", got, err)
		}
		a, _ := os.ReadFile(m.Program)
		b, err := os.ReadFile(filepath.Join(mods, m.Name, "agent", m.Name))
		if err != nil || string(a) != string(b) {
			t.Errorf("program: %q: %v", b, err)
		}
		for path, mode := range map[string]os.FileMode{"": 0o755, "agent": 0o755, "agent/" + m.Name: 0o755, "VERSION": 0o644, m.Name + ".conf": 0o644} {
			if info, err := os.Stat(filepath.Join(mods, m.Name, path)); err != nil || info.Mode().Perm() != mode {
				t.Errorf("%q: %v, %v", path, info, err)
			}
		}
	}
	if err := fossology.RemoveAgentModule(mods, m.Name); err != nil {
		t.Error(err)
	}
	only(t, mods)
	if err := fossology.RemoveAgentModule(mods, m.Name); !errors.Is(err, fossology.ErrNoModule) {
		t.Errorf("a second time: %v", err)
	}
}

// TestInstallAgentForeign: what somebody else has written is left alone.
func TestInstallAgentForeign(t *testing.T) {
	m, mods := module(t, "1.0")
	place := filepath.Join(mods, m.Name)
	for name, foreign := range map[string]func() error{
		"a directory": func() error { return os.Mkdir(place, 0o755) },
		"another's": func() error {
			return errors.Join(os.Mkdir(place, 0o755), os.WriteFile(filepath.Join(place, m.Name+".conf"), []byte("[default]\n"), 0o644))
		},
		"a link": func() error { return os.Symlink(t.TempDir(), place) },
		"a file": func() error { return os.WriteFile(place, nil, 0o644) },
	} {
		if err := foreign(); err != nil {
			t.Fatal(err)
		}
		before, _ := os.Lstat(place)
		for what, err := range map[string]error{"install": m.Install(mods), "remove": fossology.RemoveAgentModule(mods, m.Name)} {
			if !errors.Is(err, fossology.ErrForeignModule) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
		if after, err := os.Lstat(place); err != nil || !os.SameFile(before, after) {
			t.Errorf("%s: it is another now: %v", name, err)
		}
		only(t, mods, m.Name)
		if err := os.RemoveAll(place); err != nil {
			t.Fatal(err)
		}
	}
}

// TestInstallAgentFails: an install that fails leaves what was there.
func TestInstallAgentFails(t *testing.T) {
	m, mods := module(t, "1.0")
	if err := m.Install(mods); err != nil {
		t.Fatal(err)
	}
	m.Version, m.Program = "2.0", filepath.Join(mods, "nothing")
	if err := m.Install(mods); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a program: %v", err)
	}
	only(t, mods, m.Name)
	if got, err := fossology.ReadAgentModule(mods, m.Name); err != nil || got.Version != "1.0" {
		t.Errorf("installed %+v: %v", got, err)
	}
}

// TestOwnHosts: which hosts of the repository are this machine.
func TestOwnHosts(t *testing.T) {
	route := func(host, typ string) fossology.Route {
		return fossology.Route{Host: host, Type: typ, Start: "00", End: "ff"}
	}
	hosts := []fossology.Host{{Name: "a", Address: "localhost"}, {Name: "b", Address: "192.0.2.1"}, {Name: "c", Address: "127.0.0.1"}}
	for name, c := range map[string]struct {
		routes  []fossology.Route
		address string // of the scheduler
		own     string
		agents  string
		refused bool
	}{
		"one, elsewhere":        {[]fossology.Route{route("b", "*")}, "localhost", "b", "", false},
		"one has files":         {[]fossology.Route{route("a", "gold"), route("b", "files")}, "localhost", "b", "", false},
		"of two":                {[]fossology.Route{route("a", "*"), route("b", "files")}, "localhost", "a", "a b", false},
		"all of ours":           {[]fossology.Route{route("a", "*"), route("b", "*"), route("c", "*")}, "localhost", "a c", "a b c", false},
		"the scheduler is away": {[]fossology.Route{route("a", "*"), route("b", "*"), route("c", "*")}, "192.0.2.9", "c", "a b c", false},
		"not in the list":       {[]fossology.Route{route("a", "*"), route("x.invalid", "*")}, "localhost", "a", "", true},
	} {
		in := &fossology.Installation{Repository: fossology.Repository{Path: "/r", Depth: 3, Routes: c.routes}, Hosts: hosts, Address: c.address}
		if own := strings.Join(in.OwnHosts(t.Context()), " "); own != c.own {
			t.Errorf("%s: own %q, want %q", name, own, c.own)
		}
		agents, err := in.AgentHosts()
		if strings.Join(agents, " ") != c.agents || (err != nil) != c.refused {
			t.Errorf("%s: agents on %q, want %q: %v", name, agents, c.agents, err)
		}
	}
}
