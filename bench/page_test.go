package bench_test

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"repotool/bench"
	"repotool/prune"
	"repotool/snapshot"
)

var update = flag.Bool("update", false, "write the golden files anew")

// aPage is one of an installation that never was: its figures do not change.
func aPage() bench.Page {
	at := time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)
	h := func(files, bytes int64) bench.Holding {
		return bench.Holding{Files: files, Bytes: bytes, Disk: bytes + files*2048, Stored: bytes + files*2048}
	}
	s := &bench.Survey{Repository: "/srv/fossology/repository", Ledger: 300e6, Database: 7e9, Time: at, Uploads: 1200, Dirs: 900_000, DirsDisk: 900_000 * 4096, Gold: h(1100, 80e9), Files: h(600_000, 900e9),
		Other: h(3000, 40e6), GoldToo: h(1100, 80e9), Unproven: h(9000, 12e9), Proven: h(590_000, 880e9), LeftOut: h(589_000, 808e9), Unknown: h(12, 4e6),
		Classes:  map[prune.Class]bench.Holding{prune.Leaf: h(500_000, 500e9), prune.Archive: h(40_000, 250e9), prune.Uploaded: h(1100, 80e9), prune.Intermediate: h(900, 70e9)},
		Prunable: map[prune.Level]bench.Holding{prune.Artifacts: h(900, 70e9), prune.Containers: h(42_000, 390e9), prune.Derived: h(590_000, 880e9)},
		Undo: map[prune.Level]bench.Making{prune.Artifacts: {Needed: 300, Least: 4000, Longest: 700}, prune.Containers: {Needed: 900, Least: 12_000, Longest: 700},
			prune.Derived: {Needed: 1000, Least: 12_500, Longest: 700}},
		Rebuild: bench.Rebuild{Golds: 1090, Missing: 10, Seconds: 14_000, Bytes: 1e12, Making: bench.Making{Needed: 1000, Least: 12_500, Longest: 700}}}
	for m := range 20 {
		s.Months = append(s.Months, bench.Month{Month: at.AddDate(0, m-19, -24).Format("2006-01"), Uploads: int64(40 + m), Known: int64(40 + m), Gold: int64(3e9 + float64(m)*2e8), Out: int64(40e9 + float64(m*m)*1e8)})
		if m > 9 {
			continue
		}
		s.Largest = append(s.Largest, bench.UploadSize{Upload: int64(m), Name: strings.Repeat("a-long-name-", 1+m/4) + "<b>.iso", Gold: int64(4e9 - 1e8*float64(m)), Known: true, Out: 50e9, Files: 30_000, Seconds: 300})
	}
	var history []*snapshot.Summary
	for night := range 30 {
		x := &snapshot.Summary{Strategy: "full", Layout: "flat", Time: at.AddDate(0, 0, night-30), Seconds: 60 + float64(night%7), Standstill: 1.5 + float64(night%3),
			Added: snapshot.Totals{Files: 100, Bytes: int64(2e9 + 1e8*float64(night%5))}, Database: &snapshot.DumpStats{RawBytes: 6e9, NewBytes: 30e6}}
		if night == 0 { // all of the first dump is new
			x.Database.NewRaw = x.Database.RawBytes
		}
		history = append(history, x)
	}
	a := bench.Assume(s, history, snapshot.Policy{Daily: 7, Weekly: 5, Monthly: 12})
	a.Parallel = 4 // whatever machine this is
	return bench.Page{Survey: s, Assumptions: &a, Choices: bench.Forecast(s, &a), Prunings: bench.Prunings(s, &a), Present: "full, linked, flat days", Snapshots: history, Command: "repotool bench report --html page.html", Line: bench.CommandLine{Report: "repotool bench report"},
		Checked: []bench.Checked{{What: "the store, on the disk", Bytes: true, Forecast: 9.1e11, Was: 9e11}, {What: "restore of 2026-11-20 12:00:00, to service", Forecast: 1300, Was: 1100}}}
}

// TestPage: the page is the one that somebody has looked at.
func TestPage(t *testing.T) {
	p := aPage()
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/page.html"
	if *update {
		if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Error("the page has changed: look at it, then go test ./bench -run TestPage -update")
	}
	text := b.String()
	for _, wrong := range []string{"src=", "href=", "url(", "NaN", "ZgotmplZ", "<b>.iso"} {
		if strings.Contains(text, wrong) {
			t.Errorf("the page holds %q", wrong)
		}
	}
	if strings.Count(text, "<svg ") != 7 || !strings.Contains(text, "Recommended: gold, linked, flat days.") {
		t.Errorf("%d pictures", strings.Count(text, "<svg "))
	}
	if strings.Contains(strings.ReplaceAll(text, `="http://www.w3.org/`, ""), "http") {
		t.Error("the page names something on the network")
	}
}

// TestPageUnknown: what the ledger knows nothing of is no figure.
func TestPageUnknown(t *testing.T) {
	p := aPage()
	p.Survey.Rebuild = bench.Rebuild{Missing: 1100}
	for i := range p.Survey.Months {
		p.Survey.Months[i].Known, p.Survey.Months[i].Out = 0, 0
	}
	for i := range p.Survey.Largest {
		p.Survey.Largest[i] = bench.UploadSize{Name: "a.iso", Gold: 4e9}
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for want, n := range map[string]int{"is not known yet: <code>repotool index</code>.": 1, "when that was last done": 0, "what came of it</text>": 0, ">gold</text>": 1,
		"<td>4.0 GB</td><td>–</td><td>–</td><td>–</td></tr>": len(p.Survey.Largest)} {
		if got := strings.Count(text, want); got != n {
			t.Errorf("%q stands there %d times, want %d", want, got, n)
		}
	}
}
