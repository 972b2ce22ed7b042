package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

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
		err = ledger.Extract(ctx, n, t.stdout, goldindex.ExtractOptions{Repository: in.Repository, Prefix: unpackedAt(in.Repository)})
		if errors.Is(err, goldindex.ErrGold) {
			return withHint(err, "bring the gold back: repotool restore --only gold; if it is intact, repotool index finds out what it makes now")
		}
		return mendLedger(noRoom(err, os.TempDir()))
	})
}

// oneName finds the one content whose name begins so.
func oneName(ledger *goldindex.Ledger, name string) (fossology.Name, error) {
	if name = strings.ToLower(name); !namelike(name) { // as the database spells it, too
		return fossology.Name{}, &hinted{fmt.Errorf("%q is no content name, nor the beginning of one", name),
			"a content name is sha1.md5.size, in lower-case hex: as files are called in the repository, and as repotool ls prints them"}
	}
	found, err := ledger.Find(name)
	switch {
	case err != nil:
		return fossology.Name{}, mendLedger(err)
	case len(found) == 0:
		hint := "if its gold is new, repotool index brings the ledger up to date; repotool gold status says what gold does not bring back"
		if ledger.Empty() {
			hint = "the ledger is empty: run repotool index first"
		}
		return fossology.Name{}, &hinted{fmt.Errorf("no gold in the ledger makes %s", name), hint}
	case len(found) > 1:
		return fossology.Name{}, &hinted{fmt.Errorf("%s fits several contents", name),
			fmt.Sprintf("the first two are %s and %s", found[0], found[1])}
	}
	return found[0], nil
}

// namelike says whether a content name may begin so.
func namelike(text string) bool {
	rest := text
	for i, length := range []int{40, 32, 19} { // of SHA-1, MD5, and the size at most
		digits := "0123456789abcdef"
		if i == 2 {
			digits = digits[:10]
		}
		part, after, more := strings.Cut(rest, ".")
		if strings.Trim(part, digits) != "" || len(part) > length || more && (i == 2 || len(part) < length) {
			return false
		}
		if !more {
			break
		}
		rest = after
	}
	return text != ""
}
