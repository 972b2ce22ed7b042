package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// A Chore is work around the measurements, which a process of its own does: memory that a
// process once used counts as its children's.
type Chore struct {
	Do      string // generate, night, undo or manifest
	Dir     string // the repository; of a manifest, the store
	Options Options
	Night   int
}

// RunChore does the chore that a JSON text describes.
func RunChore(ctx context.Context, text string) error {
	var c Chore
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return fmt.Errorf("read chore: %w", err)
	}
	return c.run(ctx)
}

func (c Chore) run(ctx context.Context) (err error) {
	switch c.Do {
	case "generate":
		_, err = Generate(ctx, c.Dir, c.Options)
	case "night":
		_, err = Night(ctx, c.Dir, c.Options, c.Night)
	case "undo":
		_, err = UndoNight(ctx, c.Dir, c.Options, c.Night)
	case "manifest":
		err = writeManifest(ctx, c.Dir, c.Options, c.Night)
	default:
		err = fmt.Errorf("no chore %q", c.Do)
	}
	return err
}

// in has a command do the chore; with none, this process does.
func (c Chore) in(ctx context.Context, command []string) error {
	if len(command) == 0 {
		return c.run(ctx)
	}
	text, err := c.text()
	if err != nil {
		return err
	}
	// The text, which no user needs to see, has a password in it.
	out, err := exec.CommandContext(ctx, command[0], append(slices.Clone(command[1:]), text)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", c.Do, c.Dir, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// text is what RunChore reads.
func (c Chore) text() (string, error) {
	text, err := json.Marshal(c)
	return string(text), err
}
