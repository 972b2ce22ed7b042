//go:build browser

package bench_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dustin/go-humanize"
	"github.com/google/go-cmp/cmp"

	"repotool/bench"
	"repotool/repotest"
)

// widths are those of a desk and of a telephone.
var widths = []int{1200, 520}

// aPageFile writes the page, and at its end what somebody does on it.
func aPageFile(t *testing.T, script string) string {
	t.Helper()
	var b bytes.Buffer
	p := aPage()
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(name, []byte(strings.Replace(b.String(), "</body>", "<script>"+script+"</script></body>", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// chromium runs the browser, and returns what it prints. On a busy machine it crashes at times,
// whatever the page: then it is started again.
func chromium(t *testing.T, page string, width int, args ...string) string {
	t.Helper()
	var err error
	for range 4 {
		var out, stderr string
		if out, stderr, err = chromiumOnce(t, page, width, args...); err == nil {
			return out
		}
		t.Logf("%v: %s", err, stderr)
		var ended *exec.ExitError
		if !errors.As(err, &ended) || ended.ExitCode() >= 0 && ended.ExitCode() < 128 { // no signal
			break
		}
	}
	t.Fatal(err)
	return ""
}

func chromiumOnce(t *testing.T, page string, width int, args ...string) (out, stderr string, err error) {
	args = append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--user-data-dir=" + t.TempDir(),
		fmt.Sprintf("--window-size=%d,6000", width)}, append(args, "file://"+page)...)
	cmd := exec.CommandContext(t.Context(), repotest.Tool(t, "chromium"), args...)
	var said, told bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &told
	err = cmd.Run()
	return said.String(), told.String(), err
}

// said is what a script has put into the title.
func said(dom string) string {
	_, title, _ := strings.Cut(dom, "<title>")
	title, _, _ = strings.Cut(title, "</title>")
	return html.UnescapeString(title)
}

// TestPageInBrowser looks at the page with Chromium, as it comes and with a value changed:
// there is something to see, nothing is wider than the window, and what is assumed can be
// changed. KEEP_SCREENSHOTS=DIR keeps what it sees.
func TestPageInBrowser(t *testing.T) {
	const look = `
		const seen = [...document.querySelectorAll("svg")].filter(s => s.style.display !== "none");
		document.title = ["wide", document.documentElement.scrollWidth - window.innerWidth, "svg", seen.length,
			"least", Math.min(...seen.map(s => s.getBoundingClientRect().height)), "out", out()].join(" ");
		function out() { // letters that stand outside of their picture
			return seen.flatMap(s => [...s.querySelectorAll("text")].filter(e => {
				const a = e.getBoundingClientRect(), b = s.getBoundingClientRect();
				return a.width && (a.left < b.left - 1 || a.right > b.right + 1 || a.top < b.top - 1 || a.bottom > b.bottom + 1);
			})).length;
		}`
	for name, does := range map[string]string{"as it comes": "", "changed": `document.getElementById("growthGold").value = 1e12; follow();`} {
		page := aPageFile(t, does+look)
		for _, width := range widths {
			var wide, svg, out int
			var least float64
			title := said(chromium(t, page, width, "--dump-dom"))
			if _, err := fmt.Sscanf(title, "wide %d svg %d least %f out %d", &wide, &svg, &least, &out); err != nil || wide > 0 || svg != 6 || least < 100 || out > 0 {
				t.Errorf("%s, %d pixels: %q %v", name, width, title, err)
			}
			shot := filepath.Join(t.TempDir(), fmt.Sprint(strings.ReplaceAll(name, " ", "-"), width, ".png"))
			chromium(t, page, width, "--screenshot="+shot)
			lookAt(t, shot)
		}
	}
}

// lookAt sees whether a screenshot has the colours of the pictures.
func lookAt(t *testing.T, shot string) {
	t.Helper()
	f, err := os.Open(shot)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	picture, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	colours := map[[3]uint32]int{}
	size := picture.Bounds()
	for y := size.Min.Y; y < size.Max.Y; y += 3 {
		for x := size.Min.X; x < size.Max.X; x += 3 {
			r, g, b, _ := picture.At(x, y).RGBA()
			colours[[3]uint32{r >> 8, g >> 8, b >> 8}]++
		}
	}
	for _, c := range [][3]uint32{{0, 114, 178}, {230, 159, 0}, {255, 255, 255}} {
		if colours[c] < 20 {
			t.Errorf("%s: colour %v is seen %d times", shot, c, colours[c])
		}
	}
	if keep := os.Getenv("KEEP_SCREENSHOTS"); keep != "" {
		os.Rename(shot, filepath.Join(keep, filepath.Base(shot)))
	}
}

// TestPageComputesInBrowser: whatever value is changed, the page says what Forecast says,
// and the picture follows.
func TestPageComputesInBrowser(t *testing.T) {
	p := aPage()
	var script strings.Builder
	script.WriteString(`
		const cells = () => [...model.choices.map((c, i) => [...shown(i)].slice(1).map(x => x.textContent).join("|")),
			...model.prunings.map((p, i) => [...shown(i, "prunings")].slice(4).map(x => x.textContent).join("|"))].join("\n");
		const said = [], points = () => document.querySelectorAll("#frontier svg")[1].outerHTML;
		follow(); said.push(cells());
		let before = "";
		const change = (name, value) => {
			const i = document.getElementById(name);
			i.value = value; follow();
			if (points() === before) said.push("the picture stays");
			before = points();
			said.push(cells());
			i.value = i.defaultValue;
		};`)
	want := []string{asShown(p.Choices, p.Prunings)}
	for _, x := range p.Assumptions.List() {
		a := *p.Assumptions
		a.From = map[string]string{}
		if err := a.Set(fmt.Sprintf("%s=%g", x.Name, 3*x.Value+2), nil); err != nil {
			t.Fatal(err)
		}
		want = append(want, asShown(bench.Forecast(p.Survey, &a), bench.Prunings(p.Survey, &a)))
		fmt.Fprintf(&script, "change(%q, %g);\n", x.Name, 3*x.Value+2)
	}
	script.WriteString("document.title = JSON.stringify(said);")
	var got []string
	if err := json.Unmarshal([]byte(said(chromium(t, aPageFile(t, script.String()), widths[0], "--dump-dom"))), &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-forecast +page)\n%s", d)
	}
}

// asShown are the lines of the page's tables of choices and of pruning.
func asShown(choices []bench.Choice, prunings []bench.Pruning) string {
	var lines []string
	line := func(bytes map[int]float64, seconds ...float64) {
		var cells []string
		for _, h := range bench.Horizons {
			cells = append(cells, humanize.Bytes(uint64(bytes[h])))
		}
		for _, s := range seconds {
			cells = append(cells, bench.Took(s))
		}
		lines = append(lines, strings.Join(cells, "|"))
	}
	for _, c := range choices {
		line(c.Bytes, c.Standstill, c.Service, c.Last)
	}
	for _, p := range prunings {
		line(p.Bytes, p.Back)
	}
	return strings.Join(lines, "\n")
}
