package main

import (
	"cmp"
	"regexp"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// TestPages proves that every command that people see has a purpose, examples
// that call it, and exit codes, on lines that fit a terminal.
func TestPages(t *testing.T) {
	var visit func(commands []*cli.Command)
	visit = func(commands []*cli.Command) {
		for _, c := range commands {
			if !c.Hidden {
				checkPage(t, c)
			}
			visit(c.Subcommands)
		}
	}
	tl := &tool{}
	visit(tl.app().Commands)
	checkWidth(t, "top", topPage(tl.app().Commands))
}

func checkPage(t *testing.T, c *cli.Command) {
	t.Helper()
	name := cmp.Or(c.HelpName, c.Name)
	page := manual(c)
	for _, heading := range []string{"NAME", "SYNOPSIS", "DESCRIPTION", "COMMON FLAGS", "EXAMPLES", "EXIT CODES"} {
		if !strings.Contains("\n"+page, "\n"+heading+"\n"+pageIndent) {
			t.Errorf("%s: no %s", name, heading)
		}
	}
	_, examples, _ := strings.Cut(page, "EXAMPLES\n")
	if !strings.Contains(examples, "repotool "+name) {
		t.Errorf("%s: no example calls it", name)
	}
	if c.Action == nil || c.Usage == "" {
		t.Errorf("%s: no action or no usage", name)
	}
	checkWidth(t, name, page)
}

// manual is the page that is shown of a command; those that nobody calls have none.
func manual(c *cli.Command) string {
	if page, ok := pages.Load(c); ok {
		return page.(func() string)()
	}
	return ""
}

func checkWidth(t *testing.T, name, page string) {
	t.Helper()
	for line := range strings.Lines(page) {
		if line = strings.TrimRight(line, "\n"); len([]rune(line)) > pageWidth+5 {
			t.Errorf("%s: %d characters: %s", name, len([]rune(line)), line)
		}
		if strings.ContainsAny(line, "`\t") {
			t.Errorf("%s: backquote or tab: %s", name, line)
		}
	}
}

// TestExamplesParse proves that the examples of all pages are command lines that
// repotool understands.
func TestExamplesParse(t *testing.T) {
	tl := &tool{}
	commands := tl.app().Commands
	all := topPage(commands)
	for _, c := range commands {
		all += manual(c)
		for _, sub := range c.Subcommands {
			all += manual(sub)
		}
	}
	n := 0
	for _, section := range strings.Split(all, "EXAMPLES\n")[1:] {
		section, _, _ = strings.Cut(section, "\nJSON\n")
		section, _, _ = strings.Cut(section, "\nEXIT CODES")
		section, _, _ = strings.Cut(section, "\nCONFIGURATION")
		section = quoted.ReplaceAllString(strings.ReplaceAll(section, "\\\n", " "), "word")
		for line := range strings.Lines(section) {
			_, line, ok := strings.Cut(line, "repotool ")
			if !ok {
				continue
			}
			line, _, _ = strings.Cut(line, " | ")
			line, _, _ = strings.Cut(line, " > ")
			n++
			if _, err := arrange(commands, strings.Fields(line)); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
	if n < 30 {
		t.Errorf("only %d examples were tried", n)
	}
}

var quoted = regexp.MustCompile(`'[^']*'|"[^"]*"`)
