//go:build browser

package bench_test

import (
	"bytes"
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"repotool/repotest"
)

// TestPageInBrowser looks at the page with Chromium, as wide as a desk and as a telephone:
// there is something to see, nothing is wider than the window, and what is assumed can be
// changed.
func TestPageInBrowser(t *testing.T) {
	chromium := repotest.Tool(t, "chromium")
	var b bytes.Buffer
	p := aPage()
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	// A script of the test's own says what it sees in the title.
	const probe = `<script>
		const row = () => document.querySelector("#choices tr:nth-child(2)").textContent;
		const before = row();
		follow();
		const same = [...document.querySelectorAll("#choices tr")].map(r => r.textContent);
		document.getElementById("growthGold").value = 1e12;
		follow();
		document.title = ["wide", document.documentElement.scrollWidth - window.innerWidth, "svg", document.querySelectorAll("svg").length,
			"least", Math.min(...[...document.querySelectorAll("svg")].map(s => s.getBoundingClientRect().height)), "changed", row() !== before].join(" ");
	</script>`
	dir := t.TempDir()
	page := filepath.Join(dir, "page.html")
	if err := os.WriteFile(page, []byte(strings.Replace(b.String(), "</body>", probe+"</body>", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, width := range []int{1200, 520} {
		common := []string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--user-data-dir=" + t.TempDir(), fmt.Sprintf("--window-size=%d,5000", width)}
		dom, err := exec.CommandContext(t.Context(), chromium, append(common, "--dump-dom", "file://"+page)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		_, title, _ := strings.Cut(string(dom), "<title>")
		title, _, _ = strings.Cut(title, "</title>")
		var wide, svg int
		var least float64
		var changed bool
		if _, err := fmt.Sscanf(title, "wide %d svg %d least %f changed %t", &wide, &svg, &least, &changed); err != nil || wide > 0 || svg != 6 || least < 100 || !changed {
			t.Errorf("%d pixels: %q %v", width, title, err)
		}
		shot := filepath.Join(dir, fmt.Sprint(width, ".png"))
		if out, err := exec.CommandContext(t.Context(), chromium, append(common, "--screenshot="+shot, "file://"+page)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		f, err := os.Open(shot)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(f)
		f.Close()
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
				t.Errorf("%d pixels: colour %v is seen %d times", width, c, colours[c])
			}
		}
		if keep := os.Getenv("KEEP_SCREENSHOTS"); keep != "" {
			os.Rename(shot, filepath.Join(keep, filepath.Base(shot)))
		}
	}
}
