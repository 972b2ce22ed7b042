package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"repotool/goldindex"
)

func (t *tool) goldCommand() *cli.Command {
	c := documented(&cli.Command{
		Name:      "gold",
		Usage:     "say what gold brings back, and take files out of it",
		ArgsUsage: "status|which|cat",
		Description: `
Answers from the ledger that repotool index keeps: gold status says how much of
the repository gold brings back, and what it does not, and why; gold which
says which golds hold a file; gold cat takes one file out of gold. They
change nothing.`,
		Action: func(*cli.Context) error {
			return &usageError{err: errNoCommand, hint: "write repotool gold status, gold which NAME or gold cat NAME"}
		},
	}, `
repotool gold status
repotool gold which 0e54f81b2d1bc7bd7db9e9e9a5ddab2a8d30ad29
repotool gold cat 0e54f81b2d1bc7bd7db9e9e9a5ddab2a8d30ad29 > file`,
		exitFailed)
	c.Subcommands = []*cli.Command{t.goldStatusCommand(), t.goldWhichCommand(), t.goldCatCommand()}
	return c
}

func (t *tool) goldStatusCommand() *cli.Command {
	return documented(&cli.Command{
		Name:     "status",
		HelpName: "gold status",
		Usage:    "sum up what gold brings back, and what not",
		Description: `
Adds up the unpacked files of the repository:

    confirmed   gold makes it, byte for byte, by this repotool and its tools
    recorded    the database says that a gold holds it; not confirmed yet
    residue     gold does not bring it back, because

        metadata        it is a tool's report about an archive
        cut-short       FOSSology's first unpack was killed and left it
        gold-missing    the gold is not in the repository
        gold-damaged    the gold's bytes contradict its name
        not-opened      the gold was unpacked, and it did not come out
        not-referenced  no upload has it, and no gold makes it

Then the files that the database refers to and the repository lacks, if there
are any, pruned or lost: rebuildable ones, which gold brings back; unknown ones,
whose gold is not in the ledger yet (not-indexed); and lost ones, for one of the
reasons above. repotool reunpack brings the first kind back.

Uploads whose first unpack did not come to its end are listed. FOSSology does not
notice: to unpack them again by its web pages keeps their tree as it is for ever.
Those with an unpack job that runs or waits are listed apart: FOSSology is at it.

A gold is unpacked under the name of one of its uploads. Another upload of it may
have another name: then the contents are the same, but the paths that gold which
prints begin in another way than in FOSSology. Such uploads are counted.`,
		Flags:  sourceFlags(),
		Action: t.goldStatus,
	}, `
repotool gold status --store /backup/fossology
repotool gold status --json | jq .classes.confirmed.bytes`,
		exitFailed, exitFindings, exitInterrupted)
}

func (t *tool) goldStatus(c *cli.Context) error {
	s, err := t.settings(c)
	if err != nil {
		return err
	}
	if c.NArg() > 0 {
		return tooMany(c, 0)
	}
	return t.withGold(c.Context, s, func(g gold) error {
		ledger, err := g.ledger(c.Context, s)
		if err != nil {
			return err
		}
		defer ledger.Close()
		view, err := g.db.View(c.Context) // all of it at one moment
		if err != nil {
			return err
		}
		defer view.Close()
		st, err := ledger.Status(c.Context, g.in.Repository, view)
		if err != nil {
			return mendLedger(err)
		}
		if s.json {
			err = t.answer(st)
		} else {
			t.goldTable(s, st)
		}
		if err == nil && st.Troubles > 0 {
			err = findingsError{st.Troubles}
		}
		return err
	})
}

// whichGold is what gold which prints with --json.
type whichGold struct {
	Name  string      `json:"name"`
	Golds []goldPlace `json:"golds"`
}

type goldPlace struct {
	Gold    string   `json:"gold"`
	Seconds float64  `json:"seconds"`
	Paths   []string `json:"paths"`
	More    int64    `json:"more,omitempty"`
}

func (t *tool) goldWhichCommand() *cli.Command {
	return documented(&cli.Command{
		Name:      "which",
		HelpName:  "gold which",
		Usage:     "say which golds hold a file, and where",
		ArgsUsage: "NAME",
		Description: `
Lists the golds that make a file, and the paths by which it is reached in each,
as FOSSology shows them. NAME is a content name (sha1.md5.size), a beginning of
one that fits one content, or a path that ends with one.`,
		Action: t.goldWhich,
	}, `
repotool gold which 0e54f81b2d1bc7bd7db9e9e9a5ddab2a8d30ad29
repotool gold which --json 0e54f81b | jq -r '.golds[0].paths[0]'`,
		exitFailed)
}

func (t *tool) goldWhich(c *cli.Context) error {
	s, err := t.settings(c)
	if err != nil {
		return err
	}
	return t.withLedger(c, s, func(ctx context.Context, ledger *goldindex.Ledger, name string) error {
		n, err := oneName(ledger, name)
		if err != nil {
			return err
		}
		places, err := ledger.Which(n)
		if err != nil {
			return mendLedger(err)
		}
		if s.json {
			w := whichGold{Name: n.String()}
			for _, p := range places {
				w.Golds = append(w.Golds, goldPlace{p.Gold.String(), p.Cost.Seconds, slices.Clone(p.Paths), p.More})
			}
			return t.answer(w)
		}
		for _, p := range places {
			fmt.Fprintf(t.stdout, "%s  (%s to unpack)\n", p.Gold, fraction(p.Cost.Seconds))
			for _, path := range p.Paths {
				fmt.Fprintf(t.stdout, "    %s\n", printable(path))
			}
			if p.More > 0 {
				fmt.Fprintf(t.stdout, "    and %s\n", plural(p.More, "path more", "paths more"))
			}
		}
		return nil
	})
}

// withLedger opens the ledger for a command that asks it about a NAME.
func (t *tool) withLedger(c *cli.Context, s settings, work func(context.Context, *goldindex.Ledger, string) error) error {
	switch {
	case c.NArg() == 0 || c.Args().First() == "":
		return &usageError{err: fmt.Errorf("gold %s: NAME is not given", c.Command.Name), hint: "write repotool gold " + c.Command.Name + " NAME"}
	case c.NArg() > 1:
		return tooMany(c, 1)
	}
	st, err := openStore(s)
	if err != nil {
		return err
	}
	defer st.Close()
	ledger, err := openLedger(c.Context, s, st)
	if err != nil {
		return err
	}
	defer ledger.Close()
	path := cleanPath(c.Args().First())
	return work(c.Context, ledger, path[strings.LastIndexByte(path, '/')+1:])
}

// mendLedger says what to do about a ledger that is damaged.
func mendLedger(err error) error {
	switch {
	case errors.Is(err, goldindex.ErrDamaged):
		return withHint(err, "repotool index makes it anew")
	case errors.Is(err, goldindex.ErrNewerFormat):
		return withHint(err, "use the newer repotool; or remove the ledger, and repotool index makes it anew in the format of this one")
	}
	return err
}
