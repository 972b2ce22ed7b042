package main

import (
	"github.com/urfave/cli/v2"

	"repotool/fossology"
)

// watchdogCommand is what repotool runs as its own child while FOSSology stands
// still. It reads its arguments itself.
func (t *tool) watchdogCommand() *cli.Command {
	return &cli.Command{
		Name:            fossology.WatchdogCommand,
		Usage:           "start the scheduler when the process that stopped it dies",
		Hidden:          true,
		SkipFlagParsing: true,
		Action: func(c *cli.Context) error {
			return fossology.Watchdog(c.Context, c.Args().Slice(), t.stdin)
		},
	}
}
