package snapshot

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// fakeGetent puts one on PATH that notes each call.
func fakeGetent(t *testing.T, script string) (calls func() int) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "getent"), fmt.Appendf(nil, "#!/bin/sh\nprintf x >> %s/calls\n%s\n", dir, script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return func() int {
		b, _ := os.ReadFile(filepath.Join(dir, "calls"))
		return len(b)
	}
}

// What getent does not say, or says of another one, is not known; one that hangs is given up,
// with all that it has started, and not asked again.
func TestAccounts(t *testing.T) {
	for what, c := range map[string]struct {
		script, name string
		number       uint32
		calls        int // by the name and by the number
	}{
		"knows it":     {"echo 'somebody:x:777777:888888::/:'", "somebody", 777777, 2},
		"unknown":      {"exit 2", "", 0, 2},
		"odd":          {"echo odd", "", 0, 2},
		"no number":    {"echo a:b:c", "", 0, 2},
		"says, fails":  {"echo 'somebody:x:777777:888888::/:'; exit 1", "", 0, 2},
		"hangs":        {"sleep 120", "", 0, 1},
		"leaves a son": {"sleep 120 & sleep 120", "", 0, 1},
	} {
		t.Run(what, func(t *testing.T) {
			calls := fakeGetent(t, c.script)
			users, start := newUsers(), time.Now()
			limit := 5 * time.Minute
			users.patience = limit
			if c.calls == 1 { // it is not waited for to its end
				users.patience, limit = 2*time.Second, time.Minute
			}
			number, ok := users.number(t.Context(), "somebody")
			if number != c.number || ok != (c.name != "") {
				t.Errorf("somebody is %d, %v", number, ok)
			}
			name, ok := users.name(t.Context(), 777777)
			if ok != (c.name != "") || ok && name != c.name {
				t.Errorf("777777 is %q, %v", name, ok)
			}
			// One that hangs may be given up before its script has noted the call.
			if n := calls(); n > c.calls || c.calls == 2 && n < 2 || users.silent != (c.calls == 1) || time.Since(start) > limit {
				t.Errorf("%d calls in %v, silent %v", n, time.Since(start), users.silent)
			}
		})
	}
}

// What is in the host's own files is not asked for, nor what getent would take for something
// else than a name; and it may not be there.
func TestAccountsUnasked(t *testing.T) {
	calls := fakeGetent(t, "echo 'somebody:x:777777:'")
	users, groups := newUsers(), newGroups()
	if n, ok := users.number(t.Context(), "root"); !ok || n != 0 {
		t.Errorf("root is %d, %v", n, ok)
	}
	if name, ok := groups.name(t.Context(), 0); !ok || name != "root" {
		t.Errorf("group 0 is %q, %v", name, ok)
	}
	for _, name := range []string{"", "777777", "-s"} {
		if n, ok := users.number(t.Context(), name); ok {
			t.Errorf("%q is %d", name, n)
		}
	}
	if name, ok := groups.name(t.Context(), 777778); ok {
		t.Errorf("another's number: %q", name)
	}
	if n := calls(); n != 1 {
		t.Errorf("%d calls", n)
	}
	t.Setenv("PATH", t.TempDir())
	if n, ok := users.number(t.Context(), "somebody"); ok || !users.silent {
		t.Errorf("without getent somebody is %d", n)
	}
}
