package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// TestConfigurationPage proves that the example in the manual is a configuration
// that can be read, and that it shows every key there is.
func TestConfigurationPage(t *testing.T) {
	_, example, _ := strings.Cut(topConfiguration, "\n\n")
	c, err := parseConfig([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	in := c.Installations["fossology"]
	if c.Store == "" || c.Default == "" || time.Duration(in.QuiesceTimeout) != 10*time.Minute || len(in.StartCommand) != 3 {
		t.Errorf("read %+v", c)
	}
	b, err := toml.Marshal(installationConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range regexp.MustCompile(`(?m)^\w+`).FindAllString(string(b), -1) {
		if !regexp.MustCompile(`(?m)^ +` + key + ` +=`).MatchString(example) {
			t.Errorf("the manual does not show the key %s", key)
		}
	}
}

// TestFlagOfEachKey proves that whatever the configuration can say,
// a flag or an environment variable can say as well.
func TestFlagOfEachKey(t *testing.T) {
	flags := map[string]bool{}
	tl := &tool{}
	for _, c := range tl.app().Commands {
		for _, name := range flagNames(c.Flags) {
			flags[strings.ReplaceAll(name, "-", "_")] = true
		}
	}
	flags["database_command"] = true // --database command:CMD
	b, _ := toml.Marshal(installationConfig{})
	for _, key := range regexp.MustCompile(`(?m)^\w+`).FindAllString(string(b), -1) {
		if !flags[key] {
			t.Errorf("key %s has no flag", key)
		}
	}
}

func FuzzConfig(f *testing.F) {
	_, example, _ := strings.Cut(topConfiguration, "\n\n")
	f.Add([]byte(example))
	f.Add([]byte("[installation.fossology]\nsysconf = \"/etc/fos"))
	f.Add([]byte("installation = 3"))
	f.Add([]byte("[installation]\na.b.c = 1"))
	f.Add([]byte("[installation.\"../x\"]\nquiesce = \"none\""))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parseConfig(b)
		if err != nil {
			if !regexp.MustCompile(`^([0-9]+:[0-9]+:)? `).MatchString(err.Error()) &&
				!regexp.MustCompile(`^[0-9]+:[0-9]+: `).MatchString(err.Error()) {
				t.Fatalf("%q: error without position: %v", b, err)
			}
			return
		}
		for name, in := range c.Installations {
			if !installationName.MatchString(name) || time.Duration(in.QuiesceTimeout) < 0 {
				t.Fatalf("%q: accepted installation %q %+v", b, name, in)
			}
		}
	})
}

func TestReadConfigUnreadable(t *testing.T) {
	if os.Getuid() == 0 {
		// Root reads everything; what is left to test is a directory, in the scripts.
		return
	}
	name := t.TempDir() + "/repotool.toml"
	if err := os.WriteFile(name, nil, 0o000); err != nil {
		t.Fatal(err)
	}
	if _, err := readConfig(name, true); err == nil || !strings.Contains(hintOf(err), "run as root") {
		t.Errorf("unreadable file: %v", err)
	}
}
