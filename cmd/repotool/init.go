package main

import (
	"errors"
	"fmt"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"repotool/store"
)

func (t *tool) initCommand() *cli.Command {
	return documented(&cli.Command{
		Name:      "init",
		Usage:     "make a store",
		ArgsUsage: "STORE",
		Description: `
Makes an empty store in the directory STORE, which must be missing or empty.

The file system is tried first: hard links, and enough of them; fsync; names
that differ in case only; names of 255 bytes; free space and free inodes. If it
cannot carry a store, init says why and leaves nothing behind.

With --adopt, a directory that holds objects/ and snapshots/ of a store, but has
lost its store.json, is made a store again; nothing else in it is touched. See
what it is worth with repotool verify.

A store is best kept on another machine or at least on other disks than the
repository. One store serves several installations: what they have in common
is kept once.`,
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "adopt", Usage: "take over a store that has lost its store.json"}},
		Action: t.init,
	}, `
repotool init /backup/fossology
repotool init --json /backup/fossology
repotool init --adopt /backup/fossology`,
		exitFailed)
}

// initResult is what init prints with --json.
type initResult struct {
	Store      string `json:"store"`
	ID         string `json:"id"`
	FreeBytes  int64  `json:"freeBytes"`
	FreeInodes int64  `json:"freeInodes"` // -1: no fixed number
}

func (t *tool) init(c *cli.Context) error {
	s, err := t.settings(c)
	if err != nil {
		return err
	}
	switch {
	case c.NArg() > 1:
		return tooMany(c, 1)
	case c.NArg() == 1:
		s.store = c.Args().First()
	}
	if s.store == "" {
		return &usageError{err: errors.New("init: no directory is given"), hint: "write repotool init STORE"}
	}
	makeStore, done := store.Init, "made a"
	if c.Bool("adopt") {
		makeStore, done = store.Adopt, "took over the"
	}
	st, err := makeStore(c.Context, s.store, t.now())
	if errors.Is(err, store.ErrExists) {
		err = withHint(err, "it can be used as it is: repotool snapshot --store "+s.store)
	}
	if c.Bool("adopt") && errors.Is(err, store.ErrNoStore) {
		err = withHint(err, "name the directory that holds objects/ and snapshots/ of the store")
	}
	if err != nil {
		return noRoom(err, s.store)
	}
	defer st.Close()
	r := initResult{Store: st.Dir(), ID: st.ID()}
	if r.FreeBytes, r.FreeInodes, err = store.Free(st.Dir()); err != nil {
		return err
	}
	if s.json {
		return t.answer(r)
	}
	t.say(s, "%s store in %s: %s free, %s\n", done, r.Store, humanize.IBytes(uint64(r.FreeBytes)), inodes(r.FreeInodes))
	return nil
}

// inodes says how many files a file system can still take.
func inodes(n int64) string {
	if n < 0 {
		return "as many files as fit"
	}
	return fmt.Sprintf("%s inodes free", humanize.Comma(n))
}
