package main

import (
	"bytes"
	"os"
	"reflect"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"repotool/bench"
)

// TestSources: the commands that a report names for its figures exist, with the flags that they
// have of it, and so do the keys that they ask for.
func TestSources(t *testing.T) {
	keys := keysOf(reflect.TypeFor[sizing](), "", false)
	key, command := regexp.MustCompile(`jq \.([a-zA-Z.]+)`), regexp.MustCompile(`repotool( [a-z]+)+`)
	for _, source := range bench.Sources(reportLine(strings.Fields("repotool bench report --store s --database-dsn=x --pg-bin p --json"))) {
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
		for line := range strings.SplitSeq(source, ", and ") {
			line, _, _ = strings.Cut(line, " | ")
			if _, err := arrange((&tool{}).app().Commands, strings.Fields(line)[1:]); err != nil || !strings.Contains(line, " --store s") {
				t.Errorf("%s: %v", line, err)
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

// TestReportLine: the commands below the tables look at the store and the installation of the
// report, and a shell reads them as they were written.
func TestReportLine(t *testing.T) {
	line := reportLine([]string{"repotool", "bench", "report", "--store", "/my backup", "--json", "--assume=cycle=3", "--sysconf=/c;d", "--pg-bin", "/pg", "-database-dsn", "x", "--html", "it's.html"})
	want := bench.CommandLine{
		Report: "repotool bench report --store '/my backup' --assume=cycle=3 '--sysconf=/c;d' --pg-bin /pg -database-dsn …",
		Store:  " --store '/my backup' '--sysconf=/c;d'",
		Source: " --store '/my backup' '--sysconf=/c;d' -database-dsn …",
	}
	if line != want {
		t.Errorf("%+v, want %+v", line, want)
	}
	for part, want := range map[string]string{
		"there":    "repotool gold status" + want.Source + ", and " + want.Report + " --json | jq .survey",
		"prunable": "repotool prune --level LEVEL" + want.Source + ", and " + want.Report + " --json | jq .prunings",
		"history":  "repotool snapshots" + want.Store + ", and " + want.Report + " --json | jq .history",
		"choices":  want.Report + " --json | jq .choices",
	} {
		if got := new(bench.Survey).Source(part, line); got != want {
			t.Errorf("%s: %s, want %s", part, got, want)
		}
	}
}

// TestNotKnown: what the ledger has no record of is no figure.
func TestNotKnown(t *testing.T) {
	var b bytes.Buffer
	tl := &tool{stdout: &b}
	r := &sizing{Survey: &bench.Survey{Rebuild: bench.Rebuild{Missing: 3},
		Months:  []bench.Month{{Month: "2026-10", Uploads: 2, Gold: 7e6}, {Month: "2026-11", Uploads: 2, Known: 1, Gold: 7e6, Out: 9e6}, {Month: "2026-12"}},
		Largest: []bench.UploadSize{{Upload: 1, Name: "a", Gold: 7e6}, {Upload: 2, Name: "b", Gold: 7e6, Known: true, Out: 9e6, Files: 4, Seconds: 2}}}}
	tl.thereTable(r)
	tl.monthsTable(r)
	tl.largestTable(r)
	text := regexp.MustCompile(" +").ReplaceAllString(b.String(), " ")
	for _, want := range []string{"unpacking all 3 golds again: not known yet: repotool index\n", "2026-10 2 7.0 MB –\n", "2026-11 2 7.0 MB 9.0 MB\n", "2026-12 0 0 B 0 B\n",
		" 1 a 7.0 MB – – –\n", " 2 b 7.0 MB 4 9.0 MB 2.0 s\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}

// TestCut: names of uploads may have any length, tables not.
func TestCut(t *testing.T) {
	for _, name := range []string{"", "a.tar", strings.Repeat("ä", longestName)} {
		if got := cut(name); got != name {
			t.Errorf("%q became %q", name, got)
		}
	}
	if got := cut(strings.Repeat("ä", 5000)); got != strings.Repeat("ä", longestName-1)+"…" {
		t.Errorf("%q", got)
	}
}

// TestKindsOnce: of an archive that was unpacked to two places what came out is added up once.
func TestKindsOnce(t *testing.T) {
	k := map[string]bench.Openings{"zip": {Archives: 1, In: 10, Files: 20_000, Out: 30}}
	nowhere, scratch := &bench.Unpacking{Kinds: k}, &bench.Unpacking{Kinds: k, Stored: &bench.Amount{}}
	for _, test := range []struct {
		runs []*bench.Unpacking
		want int64
	}{{[]*bench.Unpacking{nowhere}, 1}, {[]*bench.Unpacking{scratch}, 1}, {[]*bench.Unpacking{nowhere, scratch}, 1}, {[]*bench.Unpacking{nowhere, scratch, nowhere, scratch}, 2},
		{[]*bench.Unpacking{scratch, scratch}, 2}} {
		if got := kindsOf(test.runs)["zip"]; got.Archives != test.want || got.Files != 20_000*test.want {
			t.Errorf("%d runs: %+v", len(test.runs), got)
		}
	}
}

// TestNoRoomAgain: what bench unpack says of a full disk can be done.
func TestNoRoomAgain(t *testing.T) {
	full := &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
	if hint := hintOf(noRoom(full)); !strings.Contains(hint, "not written twice") {
		t.Error(hint)
	}
	if hint := hintOf(noRoomTo(full, unpackAgain("/mnt/out"))); !strings.Contains(hint, "empty /mnt/out") || strings.Contains(hint, "not written twice") {
		t.Error(hint)
	}
	if hint := hintOf(noRoomTo(full, unpackAgain(""))); hint != "make room, then run it again" {
		t.Error(hint)
	}
}
