package repotest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// complaints is a test that only remembers what it was told.
type complaints struct {
	testing.TB
	all []string
}

func (c *complaints) Errorf(format string, args ...any) {
	c.all = append(c.all, fmt.Sprintf(format, args...))
}

// TestAgentTalkIsStrict: what the scheduler would misunderstand fails the test, what it
// understands does not.
func TestAgentTalkIsStrict(t *testing.T) {
	const hello = "VERSION: 1\n\nOK\n"
	for said, wrong := range map[string]string{
		hello + "HEART: 0 0\n\nBYE 0\n":                                    "",
		hello + "HEART: 1 1\nSPECIAL: 2 1\nwords\n\nHEART: 1 0\n\nBYE 3\n": "",
		hello + "VERSION: 1\nHEART: 0 0\n\nBYE 0\n":                        "",
		"words\n":                                   "does not begin with VERSION",
		"VERSION:\n":                                "does not begin with VERSION",
		"VERSION: 1\nOK\n":                          "no empty line before it",
		hello + "\nOK\n":                            "nobody has asked",
		hello + "VERSION: 2\n":                      "another version",
		hello + "HEART: 1\n":                        "misunderstand",
		hello + "HEART 1 1\n":                       "misunderstand",
		hello + "HEART: 1 2\n":                      "misunderstand",
		hello + "HEART: 2 1\nHEART: 1 1\n":          "had done 2",
		hello + "HEART: 9999999999 1\n":             "no number for the scheduler",
		hello + "OK, then\n":                        "misunderstand",
		hello + "@@@1\n":                            "misunderstand",
		hello + "BYE\n":                             "misunderstand",
		hello + "\nBYE 0\n":                         "no heartbeat",
		hello + "HEART: 0 0\nBYE 0\n":               "no heartbeat and empty line",
		hello + "HEART: 0 0\n\nBYE 0\nHEART: 0 0\n": "after BYE",
		hello + strings.Repeat("x", 1100) + "\n":    "another line",
		hello + "half":                              "without an end",
	} {
		c := &complaints{TB: t}
		a := &AgentTalk{t: c, asked: 1, end: AgentEnd{Bye: -1}}
		for line := range strings.Lines(said) {
			a.heard(line)
		}
		if got := strings.Join(c.all, "\n"); wrong == "" && got != "" || !strings.Contains(got, wrong) {
			t.Errorf("%.60q: complaints %q, want %q", said, got, wrong)
		}
	}
}

// TestAgentTalkProcess: an agent that is silent, or ends without a word, fails the test.
func TestAgentTalkProcess(t *testing.T) {
	sysconf := t.TempDir()
	dir := filepath.Join(sysconf, "mods-enabled", "mute", "agent")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		"agent/mute": "#!/bin/sh\necho 'VERSION: 1'; echo; echo OK; sleep 1; echo 'HEART: 0 0'\n",
		"mute.conf":  "[default]\ncommand = mute \"a word\" and more\nmax = 1\nspecial[] = NOKILL\nspecial[] =\n",
		"VERSION":    "[mute]\nVERSION=1\nCOMMIT_HASH=a\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, "..", path), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c := &complaints{TB: t}
	end := TalkToAgent(c, AgentStart{Sysconf: sysconf, Name: "mute", Job: 1, Silence: 100 * time.Millisecond}).Wait()
	got := strings.Join(c.all, "\n")
	if end.Bye != -1 || !strings.Contains(got, "silent for") || !strings.Contains(got, "without BYE") {
		t.Errorf("%+v, complaints %q", end, got)
	}
	m, err := readModule(sysconf, "mute")
	if err != nil || strings.Join(m.words, "|") != "mute|a word|and|more" || strings.Join(m.special, "|") != "NOKILL" {
		t.Errorf("%+v: %v", m, err)
	}
	for _, bad := range []string{"# no comment\n[default]\ncommand = x\nmax = 1\nspecial[] =\n", "[default]\nmax = 1\nspecial[] =\n",
		"[default]\ncommand = /bin/x\nmax = 1\nspecial[] =\n", "[default]\ncommand = x\nmax = 1\n", "[default]\ncommand = x\nmax = 1\nspecial[] = OTHER\n"} {
		if err := os.WriteFile(filepath.Join(dir, "..", "mute.conf"), []byte(bad), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := readModule(sysconf, "mute"); err == nil {
			t.Errorf("%q is good", bad)
		}
	}
}
