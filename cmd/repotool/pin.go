package main

import (
	"github.com/urfave/cli/v2"

	"repotool/snapshot"
)

func (t *tool) pinCommand() *cli.Command {
	return documented(&cli.Command{
		Name:      "pin",
		Usage:     "keep a snapshot, whatever forget is told",
		ArgsUsage: "SNAPSHOT",
		Description: `
A pinned snapshot is never forgotten before it is unpinned. The pin is a file
beside its manifest, so copies of the store have it, too.`,
		Flags:  []cli.Flag{&cli.StringFlag{Name: "note", Usage: "say what for, in `WORDS`"}},
		Action: func(c *cli.Context) error { return t.setPin(c, true) },
	}, `
repotool pin latest
repotool pin --note 'release 4.2' 2026-11-23`,
		exitFailed)
}

func (t *tool) unpinCommand() *cli.Command {
	return documented(&cli.Command{
		Name:      "unpin",
		Usage:     "let a pinned snapshot go its way",
		ArgsUsage: "SNAPSHOT",
		Description: `
Takes the pin of a snapshot away: it is kept from then on as long as the rules of
repotool forget keep it.`,
		Action: func(c *cli.Context) error { return t.setPin(c, false) },
	}, `
repotool unpin 2026-11-23`,
		exitFailed)
}

// pinResult is what pin and unpin print with --json.
type pinResult struct {
	Snapshot string `json:"snapshot"`
	Pinned   bool   `json:"pinned"`
	Was      bool   `json:"wasPinned"`
}

func (t *tool) setPin(c *cli.Context, on bool) error {
	s, err := t.settings(c)
	if err != nil {
		return err
	}
	switch {
	case c.NArg() == 0:
		return missing(c, "SNAPSHOT")
	case c.NArg() > 1:
		return tooMany(c, 1)
	}
	snap, err := openSnapshot(c.Context, s, c.Args().First())
	if err != nil {
		return err
	}
	defer snap.Root.Close()
	r := pinResult{Snapshot: snap.Name(), Pinned: on, Was: snap.Pinned() != nil}
	what := "is pinned"
	if on {
		err = snap.Pin(c.Context, snapshot.Pin{Since: t.now().UTC(), Note: c.String("note")})
	} else {
		_, err = snap.Unpin()
		what = "is not pinned any more"
		if !r.Was {
			what = "was not pinned"
		}
	}
	if err != nil {
		return err
	}
	if s.json {
		return t.answer(r)
	}
	t.say(s, "%s %s\n", r.Snapshot, what)
	return nil
}
