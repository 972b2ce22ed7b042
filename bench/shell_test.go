package bench_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"repotool/bench"
)

// A shell takes a line apart into the words that it was made of, whatever is in them.
func TestShellLine(t *testing.T) {
	check := func(t rapid.TB, words []string) {
		t.Helper()
		line := bench.ShellLine(append([]string{"printf", `%s\0`}, words...))
		out, err := exec.Command("sh", "-c", line).Output()
		got := strings.Split(string(out), "\x00")
		if err != nil || !slices.Equal(got[:len(got)-1], words) {
			t.Errorf("%q is taken apart into %q, %v; want %q", line, got, err, words)
		}
	}
	check(t, []string{"a b", "", "'", "it's", "$HOME", "`id`", "(x)", "a;b", "a&b", "a|b", "<>", "*?[a]", "~", "#", "!", "a\nb", "{1,2}", `\`, "–x", "A=1"})
	rapid.Check(t, func(t *rapid.T) {
		check(t, rapid.SliceOfN(rapid.StringOf(rapid.Rune().Filter(func(c rune) bool { return c != 0 })), 1, 5).Draw(t, "words"))
	})
}

// A command of a report can be typed again.
func TestCommandString(t *testing.T) {
	c := bench.Command{Args: []string{"rsync", "-a", "--delete", "/a (b)/", "c;d"}}
	if got, want := c.String(), "rsync -a --delete '/a (b)/' 'c;d'"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
