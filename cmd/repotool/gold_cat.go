package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"repotool/fossology"
	"repotool/goldindex"
)

func (t *tool) goldCatCommand() *cli.Command {
	return documented(&cli.Command{
		Name:      "cat",
		HelpName:  "gold cat",
		Usage:     "write a file to standard output, straight from gold",
		ArgsUsage: "NAME",
		Description: `
Unpacks a gold that makes the file and writes the one file to standard output.
Nothing is restored. The content is checked against its hashes before the first
byte is written. NAME is a content name (sha1.md5.size), a beginning of one that
fits one content, or a path that ends with one. It cannot be written as JSON.`,
		Flags:  []cli.Flag{setting("repository", "the repository is at `PATH`, whatever fossology.conf says")},
		Action: t.goldCat,
	}, `
repotool gold cat 0e54f81b2d1bc7bd7db9e9e9a5ddab2a8d30ad29 > file`,
		exitFailed, exitInterrupted)
}

func (t *tool) goldCat(c *cli.Context) error {
	s, err := t.settings(c)
	if err != nil {
		return err
	}
	if s.json {
		return usagef("gold cat: bytes cannot be written as JSON: leave --json out")
	}
	return t.withLedger(c, s, func(ctx context.Context, ledger *goldindex.Ledger, name string) error {
		n, err := oneName(ledger, name)
		if err != nil {
			return err
		}
		in, err := loadInstallation(s, false)
		if err != nil {
			return err
		}
		return mendLedger(ledger.Extract(ctx, n, t.stdout, goldindex.ExtractOptions{Repository: in.Repository, Prefix: unpackedAt(in.Repository)}))
	})
}

// oneName finds the one content whose name begins so.
func oneName(ledger *goldindex.Ledger, name string) (fossology.Name, error) {
	found, err := ledger.Find(name)
	switch {
	case err != nil:
		return fossology.Name{}, mendLedger(err)
	case len(found) == 0:
		return fossology.Name{}, &hinted{fmt.Errorf("no gold in the ledger makes %s", name),
			"NAME is a content name or its beginning; repotool index brings the ledger up to date"}
	case len(found) > 1:
		return fossology.Name{}, &hinted{fmt.Errorf("%s fits several contents", name),
			fmt.Sprintf("the first two are %s and %s", found[0], found[1])}
	}
	return found[0], nil
}
