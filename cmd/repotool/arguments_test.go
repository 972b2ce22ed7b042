package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"
)

func testCommands() []*cli.Command {
	return []*cli.Command{
		{Name: "take", Flags: []cli.Flag{&cli.StringFlag{Name: "layout"}, &cli.BoolFlag{Name: "dry"}}},
		{Name: "measure", Subcommands: []*cli.Command{{Name: "repo", Flags: []cli.Flag{&cli.IntFlag{Name: "files"}}}}},
		{Name: "raw", Hidden: true, SkipFlagParsing: true},
	}
}

func TestArrange(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"--help", "--help"},
		{"help", "--help"},
		{"help take", "take --help"},
		{"take -h", "take -h"},
		{"take a b", "take -- a b"},
		{"take a --dry b", "take --dry -- a b"},
		{"--store s take --layout=x a", "take --store s --layout=x -- a"},
		{"take a -layout x", "take -layout x -- a"},
		{"take --layout --dry", "take --layout --dry"}, // a value may look like a flag
		{"take -- --dry a", "take -- --dry a"},
		{"take - a", "take -- - a"},
		{"take a --json=false", "take --json=false -- a"},
		{"--json measure repo --files 3", "measure repo --json --files 3"},
		{"raw --anything -x y", "raw --anything -x y"},
	} {
		got, err := arrange(testCommands(), strings.Fields(tt.in))
		if err != nil {
			t.Errorf("%q: %v", tt.in, err)
		} else if d := cmp.Diff(tt.want, strings.Join(got, " ")); d != "" {
			t.Errorf("%q: %s", tt.in, d)
		}
	}
}

func TestArrangeRefuses(t *testing.T) {
	for _, tt := range []struct{ in, text, hint string }{
		{"tkae", `unknown command "tkae"`, "did you mean repotool take?"},
		{"measure rep", `unknown command "rep"`, "did you mean repotool measure repo?"},
		{"raww", `unknown command "raww"`, "see repotool --help"}, // hidden
		{"take --lay x", "unknown flag --lay", "did you mean --layout?"},
		{"take --zzz", "unknown flag --zzz", "see repotool take --help"},
		{"--layout x take", "unknown flag --layout before the command", "--layout belongs to take: write it after that command"},
		{"--jsom take", "unknown flag --jsom before the command", "did you mean --json?"},
		{"take a --store", "flag --store needs a value", ""},
		{"take --store=", "flag --store has an empty value", ""},
	} {
		_, err := arrange(testCommands(), strings.Fields(tt.in))
		var usage *usageError
		if !errors.As(err, &usage) {
			t.Errorf("%q: %v, want a usage error", tt.in, err)
			continue
		}
		if d := cmp.Diff([]string{tt.text, tt.hint}, []string{err.Error(), hintOf(err)}); d != "" {
			t.Errorf("%q: %s", tt.in, d)
		}
	}
}

func FuzzArrange(f *testing.F) {
	f.Add("take\n--dry\na")
	f.Add("--store\ns\nmeasure\nrepo\n--\nx")
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Split(line, "\n")
		out, err := arrange(testCommands(), args)
		if err != nil {
			var usage *usageError
			if !errors.As(err, &usage) {
				t.Fatalf("%q: %v is no usage error", args, err)
			}
			return
		}
		again, err := arrange(testCommands(), out)
		if err != nil {
			t.Fatalf("%q became %q, which is refused: %v", args, out, err)
		}
		if d := cmp.Diff(out, again); d != "" {
			t.Fatalf("%q: sorting twice is not sorting once: %s", args, d)
		}
	})
}

func TestNearest(t *testing.T) {
	known := []string{"snapshot", "snapshots", "ls", "diff", "cat", "restore", "verify", "doctor"}
	for word, want := range map[string]string{
		"snapshto":  "snapshot",
		"snap":      "snapshot",
		"snapshotz": "snapshot",
		"sl":        "ls",
		"dif":       "diff",
		"resotre":   "restore",
		"Verify":    "verify",
		"prune":     "",
		"x":         "",
	} {
		if got := nearest(word, known); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
