package main

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"repotool/bench"
)

// TestSources: the commands that a report names for its figures exist, and so do the keys that
// they ask for.
func TestSources(t *testing.T) {
	keys := keysOf(reflect.TypeFor[sizing](), "", false)
	key, command := regexp.MustCompile(`jq \.([a-zA-Z.]+)`), regexp.MustCompile(`repotool( [a-z]+)+`)
	for _, source := range bench.Sources("repotool bench report") {
		for _, m := range key.FindAllStringSubmatch(source, -1) {
			found := false
			for _, k := range keys {
				found = found || strings.HasPrefix(k, m[1])
			}
			if !found {
				t.Errorf("%s: the answer has no %s", source, m[1])
			}
		}
		for _, line := range command.FindAllString(source, -1) {
			if words := strings.TrimPrefix(line, "repotool "); pageOf(words) == "" {
				t.Errorf("%s: there is no repotool %s", source, words)
			}
		}
	}
}

// TestReportCommand: the command that a page names is the one that made it, without what it was
// to write, and without secrets.
func TestReportCommand(t *testing.T) {
	for line, want := range map[string]string{
		"repotool bench report": "repotool bench report",
		"/opt/repotool bench report --html /tmp/x.html --json --store /s":    "repotool bench report --store /s",
		"repotool bench report --html=x --check --assume cycle=3 --quiet":    "repotool bench report --assume cycle=3",
		"repotool bench report --text --database-dsn dbname=x --assume a=1":  "repotool bench report --database-dsn … --assume a=1",
		"repotool bench report -json --store s --html x --installation here": "repotool bench report --store s --installation here",
	} {
		if got := reportCommand(strings.Fields(line)); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}
