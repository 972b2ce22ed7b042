package main

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"

	"repotool/fossology"
)

// settingsOf reads the settings of a command line as the program would.
func settingsOf(t *testing.T, line ...string) (s settings, err error) {
	t.Helper()
	tl := &tool{stdout: io.Discard, stderr: io.Discard, now: time.Now, log: slog.New(slog.DiscardHandler)}
	app := tl.app()
	for _, c := range app.Commands {
		c.Action = func(c *cli.Context) error {
			s, err = tl.settings(c)
			return err
		}
	}
	sorted, err := arrange(app.Commands, line)
	if err != nil {
		t.Fatal(err)
	}
	return s, app.RunContext(t.Context(), append([]string{"repotool"}, sorted...))
}

// TestSettingsOrder proves: flag over environment over section over top over
// default.
func TestSettingsOrder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "repotool.toml")
	conf := "store = \"top\"\n[installation.fossology]\nquiesce = \"none\"\nquiesce_timeout = \"5m\"\nsysconf = \"section\"\n" +
		"[installation.internal]\nstore = \"section\"\n"
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("REPOTOOL_CONFIG", file)
	t.Setenv("REPOTOOL_QUIESCE_TIMEOUT", "3m")
	t.Setenv("REPOTOOL_SYSCONF", "") // empty is not set
	s, err := settingsOf(t, "snapshot", "--day-layout", "none")
	if err != nil {
		t.Fatal(err)
	}
	if d := dumpOptions(s, new(fossology.Installation)); d.LockTimeout != 3*time.Minute {
		t.Errorf("the dump waits %v for a lock, want as long as for an agent", d.LockTimeout)
	}
	got := []string{s.installation, s.store, s.quiesce, s.quiesceTimeout.String(), s.sysconf, s.dayLayout, s.detect}
	want := []string{"fossology", "top", "none", "3m0s", "section", "none", "walk"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	s, err = settingsOf(t, "snapshot", "--installation=internal", "--quiesce-timeout=1m", "--database", "command:my dump")
	if err != nil {
		t.Fatal(err)
	}
	got = []string{s.store, s.quiesce, s.quiesceTimeout.String(), s.database, strings.Join(s.databaseCommand, "|")}
	want = []string{"section", "stop", "1m0s", "command", "/bin/sh|-c|my dump"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestWhichInstallation proves that none is guessed where several are meant.
func TestWhichInstallation(t *testing.T) {
	for name, tt := range map[string]struct{ conf, want, hint string }{
		"none":      {"", "fossology", ""},
		"only one":  {"[installation.internal]", "internal", ""},
		"the usual": {"[installation.internal]\n[installation.fossology]", "fossology", ""},
		"said":      {"default_installation = \"b\"\n[installation.a]\n[installation.b]", "b", ""},
		"not said":  {"[installation.a]\n[installation.b]", "", "write --installation with one of a, b, or set default_installation"},
		"mistyped":  {"default_installation = \"interna\"\n[installation.internal]", "interna", "did you mean --installation internal?"},
	} {
		file := filepath.Join(t.TempDir(), "repotool.toml")
		if err := os.WriteFile(file, []byte(tt.conf), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := settingsOf(t, "snapshots", "--config", file)
		if s.installation != tt.want || hintOf(err) != tt.hint {
			t.Errorf("%s: %q, %v (%s)", name, s.installation, err, hintOf(err))
		}
	}
}
