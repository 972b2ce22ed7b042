package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repotool/fossology"
	"repotool/repotest"
)

// TestAgentHosts: of a repository of two hosts each agent writes its own part, and the
// jobs wait for both.
func TestAgentHosts(t *testing.T) {
	s := newAgentSite(t)
	other := filepath.Join(t.TempDir(), "other") // the configuration of the other host
	conf := filepath.Join(s.sysconf, "fossology.conf")
	text, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	// 192.0.2.1 is nobody's address: what is there runs elsewhere (RFC 5737).
	two := strings.NewReplacer(
		"localhost[] = * 00 ff\n", "localhost[] = gold 00 ff\nlocalhost[] = files 00 7f\nremote[] = files 80 ff\n",
		"localhost = localhost /etc/fossology 10\n", "localhost = localhost /etc/fossology 10\nremote = 192.0.2.1 "+other+" 10\n",
	).Replace(string(text))
	if strings.Count(two, "remote") != 2 {
		t.Fatalf("fossology.conf: %s", two)
	}
	if err := os.WriteFile(conf, []byte(two), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(other, os.DirFS(s.sysconf)); err != nil {
		t.Fatal(err)
	}
	here := s.sysconf
	s.sysconf = other
	s.repotool(t, 2, "agent", "install", "--host", "nowhere")
	s.repotool(t, 0, "agent", "install", "--host", "remote")
	s.sysconf = here
	s.repotool(t, 0, "agent", "install")
	store := filepath.Join(t.TempDir(), "store")
	s.repotool(t, 0, "init", "--store", store)
	s.repotool(t, 0, "index", "--store", store)
	s.destroy(t)
	s.load(t)
	if err := os.Mkdir(filepath.Join(s.path, "remote"), 0o2770); err != nil {
		t.Fatal(err)
	}

	s.repotool(t, 0, "reunpack", "--store", store, "--jobs")
	queue := repotest.AgentQueue{Cluster: repotest.Postgres(t), Database: s.db, Sysconf: here, Host: "localhost"}
	first := queue.Run(t, fossology.ReunpackAgent)
	for path := range s.files(t) {
		if strings.HasPrefix(path, "remote/") {
			t.Errorf("%s was written by the agent of the other host", path)
		}
	}
	if len(first) != 2 || slices.Contains(queue.Runnable(t), 191) {
		t.Errorf("runs %+v; runnable %v: the other host is not done", first, queue.Runnable(t))
	}
	for _, r := range first {
		if !strings.Contains(strings.Join(r.Log, "\n"), "more of it belong to other hosts") {
			t.Errorf("job %d: %q", r.Job, r.Log)
		}
	}
	queue.Host, queue.Sysconf, queue.Remote = "remote", other, true
	if second := queue.Run(t, fossology.ReunpackAgent); len(second) != 2 || second[0].Bye != 0 || second[1].Bye != 0 {
		t.Fatalf("runs %+v", second)
	}
	if runnable := queue.Runnable(t); !slices.Contains(runnable, 191) || !slices.Contains(runnable, 194) {
		t.Errorf("runnable: %v", runnable)
	}
	n := map[string]int{}
	for path := range s.files(t) {
		host, _, _ := strings.Cut(path, "/")
		n[host]++
		if half := filepath.Base(path) >= "80"; half != (host == "remote") {
			t.Errorf("%s does not belong there", path)
		}
	}
	if n["localhost"] < 20 || n["remote"] < 20 {
		t.Errorf("files: %v", n)
	}
	s.before = map[string]string{} // other paths; the names say what the bytes must be
	s.wantBack(t, 7)
	s.wantBack(t, 14)
}

// TestAgentNowhere: an agent that cannot know which host it is on writes nothing.
func TestAgentNowhere(t *testing.T) {
	s := newAgentSite(t)
	conf := filepath.Join(s.sysconf, "fossology.conf")
	text, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	strange := strings.ReplaceAll(string(text), "localhost[] = * 00 ff\n", "one.invalid[] = files 00 7f\ntwo.invalid[] = files 80 ff\nlocalhost[] = gold 00 ff\n")
	if err := os.WriteFile(conf, []byte(strange), 0o644); err != nil {
		t.Fatal(err)
	}
	s.destroy(t)
	talk := s.start(t, repotest.AgentStart{})
	talk.Give("7")
	if end := talk.Wait(); end.Bye != exitFailed || !strings.Contains(strings.Join(end.Log, "\n"), "name it with repotool agent install --host NAME") {
		t.Errorf("%+v", end)
	}
	if n := len(s.files(t)); n > 0 {
		t.Errorf("%d files were written", n)
	}
}
