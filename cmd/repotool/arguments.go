package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// helpFlag is what arrange turns every way of asking for help into.
const helpFlag = "--help"

// arrange sorts a command line into the order that the flag parser needs:
// command, subcommand, flags, "--", arguments. Flags may stand anywhere; help and
// --version are what people try first. A word that is no known command or flag
// is a usageError with the nearest known one.
func arrange(commands []*cli.Command, args []string) ([]string, error) {
	var (
		path, flags, rest []string
		chosen            *cli.Command
		known             = commonFlags()
		open              = commands // the commands that may come next
	)
	switch {
	case len(args) > 0 && args[0] == "help":
		args = append(args[1:len(args):len(args)], helpFlag)
	case len(args) > 0 && (args[0] == "--version" || args[0] == "-V"):
		args = append([]string{"version"}, args[1:]...)
	}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			rest = append(rest, args[i+1:]...)
			i = len(args)
		case len(arg) > 1 && arg[0] == '-':
			n, err := flagWords(commands, chosen, known, args[i:])
			if err != nil {
				return nil, err
			}
			flags = append(flags, args[i:i+n]...)
			i += n - 1
		case len(open) > 0:
			if chosen = findCommand(open, arg); chosen == nil {
				return nil, unknownCommand(open, path, arg)
			}
			path = append(path, chosen.Name)
			if chosen.SkipFlagParsing {
				return append(path, args[i+1:]...), nil
			}
			known, open = append(known, chosen.Flags...), chosen.Subcommands
		default:
			rest = append(rest, arg)
		}
	}
	if len(path) == 0 && wants(args, "help") {
		return []string{helpFlag}, nil // whatever else was said, the page is what is wanted
	}
	out := append(path, flags...)
	if len(rest) > 0 {
		out = append(append(out, "--"), rest...)
	}
	return out, nil
}

// flagWords says how many of the words belong to the flag that they begin with.
func flagWords(commands []*cli.Command, chosen *cli.Command, known []cli.Flag, words []string) (int, error) {
	name, value, joined := strings.Cut(strings.TrimLeft(words[0], "-"), "=")
	if words[0] == "-h" || name == "help" {
		return 1, nil
	}
	f := findFlag(known, name)
	switch {
	case f == nil && chosen == nil:
		return 0, misplacedFlag(commands, known, name)
	case f == nil:
		return 0, &usageError{
			err:  fmt.Errorf("unknown flag %s", dashed(name)),
			hint: didYouMean(name, flagNames(known), "--", "see repotool "+fullName(chosen)+" --help"),
		}
	case !joined && !takesValue(f):
		return 1, nil
	case !joined && len(words) == 1:
		return 0, usagef("flag --%s needs a value", name)
	case joined && value == "", !joined && words[1] == "":
		// Mostly a shell variable that is not set: to go on would do the
		// thing to another place than was meant.
		return 0, usagef("flag --%s has an empty value", name)
	case joined:
		return 1, nil
	default:
		return 2, nil
	}
}

// misplacedFlag explains an unknown flag that stands before the command.
func misplacedFlag(commands []*cli.Command, known []cli.Flag, name string) error {
	e := &usageError{err: fmt.Errorf("unknown flag %s before the command", dashed(name))}
	var owners []string
	for _, c := range commands {
		if !c.Hidden && findFlag(c.Flags, name) != nil {
			owners = append(owners, c.Name)
		}
	}
	if len(owners) > 0 {
		e.hint = fmt.Sprintf("--%s belongs to %s: write it after that command", name, strings.Join(owners, ", "))
	} else {
		e.hint = didYouMean(name, flagNames(known), "--", "see repotool --help")
	}
	return e
}

func unknownCommand(open []*cli.Command, path []string, word string) error {
	var names []string
	for _, c := range open {
		if !c.Hidden {
			names = append(names, c.Name)
		}
	}
	self := strings.Join(append([]string{"repotool"}, path...), " ")
	return &usageError{
		err:  fmt.Errorf("unknown command %q", word),
		hint: didYouMean(word, names, self+" ", "see "+self+" --help"),
	}
}

func findCommand(commands []*cli.Command, name string) *cli.Command {
	for _, c := range commands {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}

func findFlag(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		for _, n := range f.Names() {
			if n == name {
				return f
			}
		}
	}
	return nil
}

func flagNames(flags []cli.Flag) []string {
	var names []string
	for _, f := range flags {
		names = append(names, f.Names()...)
	}
	return names
}

func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}

// dashed is a flag's name as people write it.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// wants looks for a boolean flag in an unsorted command line, for errors that
// come before parsing.
func wants(args []string, name string) bool {
	for _, a := range args {
		switch strings.TrimLeft(a, "-") {
		case "":
			if a == "--" {
				return false
			}
		case name, name + "=true", name + "=1":
			if a[0] == '-' {
				return true
			}
		}
	}
	return false
}
