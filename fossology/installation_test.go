package fossology_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repotool/fossology"
)

func TestLoadFixture(t *testing.T) {
	dir, err := filepath.Abs("../testdata/small/etc")
	if err != nil {
		t.Fatal(err)
	}
	inst, err := fossology.Load(fossology.LoadOptions{Sysconf: "../testdata/small/etc"})
	if err != nil {
		t.Fatal(err)
	}
	if inst.Sysconf != dir || inst.AgentsDir() != dir+"/mods-enabled" {
		t.Errorf("Sysconf %q, AgentsDir %q", inst.Sysconf, inst.AgentsDir())
	}
	if inst.Repository.Path != "/srv/fossology/repository" || inst.Repository.Depth != 3 {
		t.Errorf("Repository = %+v", inst.Repository)
	}
	if want := []fossology.Route{{Host: "localhost", Type: "*", Start: "00", End: "ff"}}; !slices.Equal(inst.Repository.Routes, want) {
		t.Errorf("Routes = %+v, want %+v", inst.Repository.Routes, want)
	}
	if inst.SchedulerAddress() != "localhost:24693" || inst.Project != "fossology" {
		t.Errorf("scheduler %s, project %s", inst.SchedulerAddress(), inst.Project)
	}
	if want := []fossology.Host{{Name: "localhost", Address: "localhost", Sysconf: "/etc/fossology", Max: 10}}; !slices.Equal(inst.Hosts, want) {
		t.Errorf("Hosts = %+v, want %+v", inst.Hosts, want)
	}
	if want := "dbname=fossology host=localhost user=fossy password=fossy client_encoding=utf8"; string(inst.Database) != want {
		t.Errorf("Database = %q, want %q", string(inst.Database), want)
	}
}

func TestLoadOverrides(t *testing.T) {
	inst, err := fossology.Load(fossology.LoadOptions{
		Sysconf: "../testdata/small/etc", Repository: "/from/flag", Depth: 4, DSN: "dbname=flag", Address: "flag:2",
	})
	if err != nil {
		t.Fatal(err)
	}
	if inst.Repository.Path != "/from/flag" || inst.Repository.Depth != 4 || inst.Database != "dbname=flag" || inst.SchedulerAddress() != "flag:2" {
		t.Errorf("flags not taken: %+v", inst)
	}
}

func TestLoadVersion(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/fossology.conf", read(t, "../testdata/reppath/configs/a.conf"))
	write(t, dir+"/Db.conf", "dbname=x;\n")
	write(t, dir+"/VERSION", "[BUILD]\nVERSION=4.7.1\nCOMMIT_HASH=a48620\n")
	inst, err := fossology.Load(fossology.LoadOptions{Sysconf: dir})
	if err != nil {
		t.Fatal(err)
	}
	if inst.Version != "4.7.1" {
		t.Errorf("Version = %q, want 4.7.1", inst.Version)
	}
}

func TestLoadErrors(t *testing.T) {
	const good = "[FOSSOLOGY]\npath = /r\ndepth = 3\n[REPOSITORY]\nh[] = * 00 ff\n"
	for name, c := range map[string]struct{ conf, want string }{
		"no path":             {"[FOSSOLOGY]\ndepth = 3\n[REPOSITORY]\nh[] = * 00 ff\n", "path = DIRECTORY"},
		"relative path":       {strings.Replace(good, "/r", "r", 1), "fossology.conf:2: found \"path = r\": expected an absolute path"},
		"no depth":            {strings.Replace(good, "depth", "deep", 1), "depth = NUMBER"},
		"depth is no number":  {strings.Replace(good, "= 3", "= three", 1), "fossology.conf:3: found \"depth = three\": expected a number"},
		"depth 0":             {strings.Replace(good, "= 3", "= 0", 1), "expected a number"},
		"port too large":      {strings.Replace(good, "depth", "port = 65536\ndepth", 1), "expected a number from 1 to 65535"},
		"no repository group": {"[FOSSOLOGY]\npath = /r\ndepth = 3\n", "[REPOSITORY]"},
		"unknown type":        {strings.Replace(good, "* 00", "wget 00", 1), "fossology.conf:5: found \"h[] = wget 00 ff\": expected TYPE START END"},
		"not hexadecimal":     {strings.Replace(good, "ff", "fg", 1), "TYPE START END"},
		"text behind":         {strings.Replace(good, "ff", "ff ; all", 1), "TYPE START END"},
		"backwards":           {strings.Replace(good, "00 ff", "ff 00", 1), "START smaller"},
		"second line":         {good + "h[] = gold 0 0\n", "fossology.conf:6:"},
		"route is no list":    {strings.Replace(good, "[]", "", 1), "a list: h[] ="},
		"bad host":            {good + "[HOSTS]\nx = localhost /etc\n", "ADDRESS SYSCONF MAX"},
		"empty":               {"", "path = DIRECTORY"},
	} {
		dir := t.TempDir()
		write(t, dir+"/fossology.conf", c.conf)
		_, err := fossology.Load(fossology.LoadOptions{Sysconf: dir, NoDatabase: true})
		var confErr *fossology.ConfError
		if !errors.As(err, &confErr) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want a ConfError with %q", name, err, c.want)
		}
	}
}

func TestLoadWithoutConfiguration(t *testing.T) {
	dir := t.TempDir()
	_, err := fossology.Load(fossology.LoadOptions{Sysconf: dir})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing fossology.conf: error %v, want ErrNotExist", err)
	}
	write(t, dir+"/fossology.conf", read(t, "../testdata/reppath/configs/a.conf"))
	_, err = fossology.Load(fossology.LoadOptions{Sysconf: dir})
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "Db.conf") {
		t.Errorf("missing Db.conf: error %v, want ErrNotExist of Db.conf", err)
	}
	if _, err := fossology.Load(fossology.LoadOptions{Sysconf: dir, DSN: "dbname=x"}); err != nil {
		t.Errorf("missing Db.conf with a DSN: error %v", err)
	}
	defer func(dirs []string) { fossology.DefaultSysconfs = dirs }(fossology.DefaultSysconfs)
	fossology.DefaultSysconfs = []string{filepath.Join(dir, "none"), dir}
	inst, err := fossology.Load(fossology.LoadOptions{NoDatabase: true})
	if err != nil || inst.Sysconf != dir {
		t.Errorf("default directory: %+v, %v; want %s", inst, err, dir)
	}
	fossology.DefaultSysconfs = nil
	_, err = fossology.Load(fossology.LoadOptions{})
	var hint interface{ Hint() string }
	if !errors.Is(err, fossology.ErrNoInstallation) || !errors.As(err, &hint) || hint.Hint() == "" {
		t.Errorf("no configuration anywhere: error %v, want ErrNoInstallation with a hint", err)
	}
	inst, err = fossology.Load(fossology.LoadOptions{Repository: "/r"})
	if err != nil || inst.Repository.Path != "/r" || inst.Repository.Depth != fossology.DefaultDepth || inst.AgentsDir() != "" {
		t.Errorf("a repository alone: %+v, %v", inst, err)
	}
}

func TestLoadUnreadableConfiguration(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(dir+"/fossology.conf", 0o755); err != nil { // even root cannot read a directory as a file
		t.Fatal(err)
	}
	_, err := fossology.Load(fossology.LoadOptions{Sysconf: dir})
	if err == nil || !strings.Contains(err.Error(), dir+"/fossology.conf") {
		t.Errorf("error %v, want one that names the file", err)
	}
}
