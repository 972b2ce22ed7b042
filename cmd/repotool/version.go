package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"repotool/store"
)

// version is set by a release build (-ldflags -X main.version=…); else it is what
// the go command knows of the module.
var version = moduleVersion()

func moduleVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

func (t *tool) versionCommand() *cli.Command {
	return documented(&cli.Command{
		Name:  "version",
		Usage: "say which repotool this is",
		Description: `
Prints the version, the commit it was built from, the store format that it
writes, and the Go release that compiled it.`,
		Action: t.version,
	}, `
repotool version
repotool version --json`)
}

// versionResult is what version prints with --json.
type versionResult struct {
	Version     string `json:"version"`
	Commit      string `json:"commit,omitempty"`
	Modified    bool   `json:"modified,omitempty"` // built from files that differ from the commit
	StoreFormat int    `json:"storeFormat"`
	Go          string `json:"go"`
	Platform    string `json:"platform"`
}

func (t *tool) version(c *cli.Context) error {
	if c.NArg() > 0 {
		return tooMany(c, 0)
	}
	r := versionResult{
		Version: version, StoreFormat: store.Version,
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, b := range info.Settings {
			switch b.Key {
			case "vcs.revision":
				r.Commit = b.Value
			case "vcs.modified":
				r.Modified = b.Value == "true"
			}
		}
	}
	if c.Bool("json") {
		return t.answer(r)
	}
	commit := r.Commit
	if len(commit) > 12 {
		commit = commit[:12]
	}
	if commit != "" {
		commit = " (" + commit + ")"
	}
	fmt.Fprintf(t.stdout, "repotool %s%s, store format %d, %s %s\n", r.Version, commit, r.StoreFormat, r.Go, r.Platform)
	return nil
}
