package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"
)

const (
	pageWidth   = 80
	pageIndent  = "    "
	columnWidth = 26 // of flags and commands, before their description
)

var errNoCommand = errors.New("no command is given")

// pages make the manual page of a command, or of the program, when it is looked at: to write
// all of them took a quarter of the time in which the program starts.
var pages sync.Map // of func() string, by *cli.Command or *cli.App

func init() {
	show := cli.HelpPrinter
	cli.HelpPrinter = func(w io.Writer, template string, of any) {
		if page, ok := pages.Load(of); ok {
			template = page.(func() string)()
		}
		show(w, template, of)
	}
}

// documented completes a command: the common flags, errors of the flag parser
// as usage errors, and a manual page with examples and the exit codes it has.
func documented(c *cli.Command, examples string, exits ...int) *cli.Command {
	full := "repotool " + cmp.Or(c.HelpName, c.Name) // HelpName: with the command it belongs to
	own := slices.Clone(c.Flags)
	c.Flags = append(c.Flags, commonFlags()...)
	c.OnUsageError = func(_ *cli.Context, err error, _ bool) error {
		return badValue(full, c.Flags, err)
	}
	c.HideHelpCommand = true
	pages.Store(c, func() string { return commandPage(full, c, own, examples, exits) })
	return c
}

// wrongValue and wrongVariable are what the flag parser says of a value.
var (
	wrongValue    = regexp.MustCompile(`^invalid (?:boolean )?value "(?P<value>.*)" for (?:flag )?-*(?P<flag>[a-z-]+): `)
	wrongVariable = regexp.MustCompile(`^could not parse "(?P<value>.*)" as \w+ value from environment variable "(?P<where>\w+)" for flag (?P<flag>[a-z-]+): `)
)

// badValue says what a flag's value should have been.
func badValue(full string, flags []cli.Flag, err error) error {
	hint := "see " + full + " --help"
	says := func(re *regexp.Regexp, part string) string {
		m, i := re.FindStringSubmatch(err.Error()), re.SubexpIndex(part)
		if m == nil || i < 0 {
			return ""
		}
		return m[i]
	}
	name := cmp.Or(says(wrongValue, "flag"), says(wrongVariable, "flag"))
	if name == "" {
		return &usageError{err: err, hint: hint}
	}
	expected := "something else"
	switch findFlag(flags, name).(type) {
	case *cli.DurationFlag:
		expected = "a duration such as 90s, 10m or 1h30m"
	case *cli.IntFlag, *cli.Uint64Flag, *cli.Int64SliceFlag:
		expected = "a number"
	case *cli.BoolFlag:
		expected = "nothing, true or false"
	}
	where := cmp.Or(says(wrongVariable, "where"), "--"+name)
	return &usageError{err: fmt.Errorf("%s %q: expected %s", where, cmp.Or(says(wrongValue, "value"), says(wrongVariable, "value")), expected), hint: hint}
}

// commandPage is a command's manual page.
func commandPage(full string, c *cli.Command, own []cli.Flag, examples string, exits []int) string {
	var b strings.Builder
	section(&b, "NAME", full+" - "+c.Usage)
	section(&b, "SYNOPSIS", strings.TrimSpace(full+" [FLAGS] "+c.ArgsUsage))
	section(&b, "DESCRIPTION", c.Description)
	if len(own) > 0 {
		section(&b, "FLAGS", flagLines(own))
	}
	section(&b, "COMMON FLAGS", flagLines(commonFlags()))
	section(&b, "EXAMPLES", examples)
	section(&b, "JSON", answerLines(strings.TrimPrefix(full, "repotool ")))
	section(&b, "EXIT CODES", exitLines(append([]int{exitGood, exitUsage}, exits...)))
	return b.String()
}

// topPage is the manual page of the program.
func topPage(commands []*cli.Command) string {
	var list strings.Builder
	for _, c := range commands {
		if !c.Hidden {
			list.WriteString(columns(c.Name, c.Usage))
		}
	}
	var all []int
	for code := range exitMeanings {
		all = append(all, code)
	}
	var b strings.Builder
	section(&b, "NAME", "repotool - back up, restore and check a FOSSology server")
	section(&b, "SYNOPSIS", "repotool COMMAND [FLAGS] [ARGUMENTS]\nrepotool COMMAND --help")
	section(&b, "DESCRIPTION", topDescription)
	section(&b, "COMMANDS", list.String())
	section(&b, "COMMON FLAGS", flagLines(commonFlags()))
	section(&b, "EXAMPLES", topExamples)
	section(&b, "CONFIGURATION", topConfiguration)
	section(&b, "ENVIRONMENT", topEnvironment)
	section(&b, "JSON", topJSON)
	section(&b, "EXIT CODES", exitLines(all))
	return b.String()
}

// section writes a heading and a text that is indented below it, if there is one.
func section(b *strings.Builder, heading, text string) {
	if text == "" {
		return
	}
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	b.WriteString(heading + "\n")
	for line := range strings.Lines(strings.Trim(text, "\n")) {
		if line = strings.TrimRight(line, " \n"); line != "" {
			b.WriteString(pageIndent + line)
		}
		b.WriteByte('\n')
	}
}

var placeholder = regexp.MustCompile("`([^`]+)`")

// flagLines describes flags in two columns.
func flagLines(flags []cli.Flag) string {
	var b strings.Builder
	for _, f := range flags {
		d, ok := f.(cli.DocGenerationFlag)
		if !ok {
			continue
		}
		name, usage := dashed(f.Names()[0]), d.GetUsage()
		if m := placeholder.FindStringSubmatch(usage); m != nil && d.TakesValue() {
			name += " " + m[1]
		}
		b.WriteString(columns(name, strings.ReplaceAll(usage, "`", "")))
	}
	return b.String()
}

// answerLines describes the keys of a command's answers in two columns.
func answerLines(command string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(answers)) {
		keys := strings.TrimLeft(answers[name], "\n")
		switch with, ok := strings.CutPrefix(name, command+" "); {
		case name == command:
			b.WriteString(keys + "\n")
		case ok && strings.ToLower(with) != with || ok && with[0] == '-': // no subcommand
			fmt.Fprintf(&b, "\nWith %s:\n\n%s\n", with, keys)
		}
	}
	return b.String()
}

func exitLines(codes []int) string {
	slices.Sort(codes)
	var b strings.Builder
	for _, code := range slices.Compact(codes) {
		fmt.Fprintf(&b, "%-4d %s\n", code, exitMeanings[code])
	}
	return b.String()
}

// columns puts text beside a term, wrapped, or below it if the term is long.
func columns(term, text string) string {
	var b strings.Builder
	b.WriteString(term)
	at := len(term)
	if at > columnWidth-2 {
		b.WriteByte('\n')
		at = 0
	}
	width := pageWidth - len(pageIndent) - columnWidth
	for _, line := range wrap(text, width) {
		b.WriteString(strings.Repeat(" ", columnWidth-at) + line + "\n")
		at = 0
	}
	return b.String()
}

// wrap breaks text at spaces into lines of at most width bytes.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
