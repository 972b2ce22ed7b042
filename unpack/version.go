package unpack

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// Version is raised with every change after which Unpack may find other contents
// or classes than before. What was recorded by another version is no proof.
const Version = 4

// maxAsking is how long a tool may take to say its version.
const maxAsking = time.Minute

// ToolVersions asks the tools of the system who they are: the first line that each
// writes, "" for a tool that is missing. Together with Version they decide what
// Unpack makes of an archive.
func ToolVersions(ctx context.Context) (map[string]string, error) {
	versions := map[string]string{}
	for _, t := range Tools() {
		line := ""
		if t.Path != "" {
			var err error
			if line, err = firstLine(ctx, t.Path, t.ask); err != nil {
				return nil, fmt.Errorf("ask %s for its version: %w", t.Name, err)
			}
		}
		versions[t.Name] = line
	}
	return versions, nil
}

// firstLine runs a program and returns the first line with text in it. Some end
// with an error after a good answer, so only silence is one.
func firstLine(ctx context.Context, path, arg string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, maxAsking)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, arg)
	cmd.Env = []string{"LC_ALL=C", "PATH=/usr/bin:/bin"}
	out, err := cmd.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(line); line != "" {
			return line, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("%s %s says nothing", path, arg)
	}
	return "", err
}

// uses notes that the result depends on a tool, be it only on its absence.
func (u *run) uses(tool string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !slices.Contains(u.tools, tool) {
		u.tools = append(u.tools, tool)
	}
}
