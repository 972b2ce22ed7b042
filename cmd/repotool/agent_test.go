package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"repotool/fossology"
	"repotool/repotest"
)

// often lets a heart beat while a test looks.
const often = "--heartbeat=30ms"

// start starts the installed agent as the scheduler does.
func (s *agentSite) start(t *testing.T, o repotest.AgentStart) *repotest.AgentTalk {
	t.Helper()
	o.Sysconf, o.Name = s.sysconf, fossology.ReunpackAgent
	if o.Job == 0 {
		o.Job = 199
	}
	return repotest.TalkToAgent(t, o)
}

// TestAgentStartup: the scheduler's own test of the agent, and what it may ask.
func TestAgentStartup(t *testing.T) {
	s := newAgentSite(t)
	talk := s.start(t, repotest.AgentStart{Job: -1})
	end := talk.Finish()
	if end.Bye != 0 || len(end.Log) > 0 || len(end.Hearts) == 0 || slices.ContainsFunc(end.Hearts, func(h repotest.AgentHeart) bool { return h != repotest.AgentHeart{} }) {
		t.Errorf("%+v", end)
	}
	module, err := fossology.ReadAgentModule(filepath.Join(s.sysconf, "mods-enabled"), fossology.ReunpackAgent)
	if err != nil || end.Version != module.Version+"."+module.Commit {
		t.Errorf("it says version %s, and %+v is installed: %v", end.Version, module, err)
	}

	talk = s.start(t, repotest.AgentStart{Args: []string{"--new-word"}})
	talk.Ready()
	talk.Say("VERSION")
	talk.Say("VERBOSE 3")
	if end := talk.Finish(); end.Bye != 0 || !strings.Contains(strings.Join(end.Log, "\n"), "--new-word") {
		t.Errorf("%+v", end)
	}
	talk = s.start(t, repotest.AgentStart{})
	talk.Ready()
	talk.CloseInput()
	if end := talk.Wait(); end.Bye != 0 {
		t.Errorf("without input: %+v", end)
	}
	talk = s.start(t, repotest.AgentStart{})
	talk.Ready()
	talk.Signal(syscall.SIGTERM)
	if end := talk.Wait(); end.Bye != exitInterrupted {
		t.Errorf("terminated: %+v", end)
	}
}

// TestAgentQueue goes the whole way: jobs are interrupted in a database, files are gone,
// the jobs of the agent are queued, the scheduler runs them, and the rest can run.
func TestAgentQueue(t *testing.T) {
	s := newAgentSite(t)
	store := filepath.Join(t.TempDir(), "store")
	s.repotool(t, 0, "init", "--store", store)
	s.repotool(t, 0, "index", "--store", store)
	s.destroy(t)
	const ars = `SELECT md5(string_agg(a::text, '|' ORDER BY ars_pk)) FROM ununpack_ars a`
	before := s.sql(t, ars)
	queue := repotest.AgentQueue{Cluster: repotest.Postgres(t), Database: s.db, Sysconf: s.sysconf, Host: "localhost"}
	out := s.repotool(t, 0, "reunpack", "--store", store, "--jobs")
	if !strings.Contains(out, "; 1 job reset, 2 queued") {
		t.Errorf("reunpack --jobs: %s", out)
	}
	interrupted := []int64{191, 192, 194}
	for _, pk := range interrupted {
		if slices.Contains(queue.Runnable(t), pk) {
			t.Errorf("job %d does not wait", pk)
		}
	}
	runs := queue.Run(t, fossology.ReunpackAgent)
	if len(runs) != 2 || runs[0].Item != "7" || runs[1].Item != "14" {
		t.Fatalf("%+v", runs)
	}
	for _, r := range runs {
		worked := slices.ContainsFunc(r.Hearts, func(h repotest.AgentHeart) bool { return h.Worked })
		if last := r.Hearts[len(r.Hearts)-1]; r.Bye != 0 || last.Done == 0 || !worked {
			t.Errorf("job %d: %+v", r.Job, r.AgentEnd)
		}
		if got := s.sql(t, `SELECT jq_end_bits, jq_endtext, jq_itemsprocessed > 5 FROM jobqueue WHERE jq_pk = %d`, r.Job); got != "1|Completed|t" {
			t.Errorf("job %d ended as %s", r.Job, got)
		}
	}
	s.wantBack(t, 7)
	s.wantBack(t, 14)
	if got := s.sql(t, ars); got != before {
		t.Errorf("the history of unpacking has changed")
	}
	runnable := queue.Runnable(t)
	if !slices.Contains(runnable, 191) || !slices.Contains(runnable, 194) || slices.Contains(runnable, runs[0].Job) {
		t.Errorf("runnable: %v", runnable)
	}
	// A second run of the same is no harm, and finds nothing to do.
	end := s.start(t, repotest.AgentStart{})
	end.Give("7")
	if e := end.Finish(); e.Bye != 0 || !strings.Contains(strings.Join(e.Log, " "), "upload 7: 0 files missing") {
		t.Errorf("again: %+v", e)
	}
}

// TestAgentHeart: while a long gold is unpacked the heart tells how far it is; the
// scheduler says CLOSE or dies, and the work is done all the same.
func TestAgentHeart(t *testing.T) {
	s := newAgentSite(t)
	upload := s.big(t)
	for _, how := range []string{"at the end", "CLOSE", "input closed"} {
		s.destroy(t)
		talk := s.start(t, repotest.AgentStart{Args: []string{often}, Silence: 15 * time.Second})
		talk.Give(fmt.Sprint(upload))
		talk.Until("progress", func(e repotest.AgentEnd) bool { return halfway(e) })
		switch how {
		case "CLOSE":
			talk.Say("CLOSE")
		case "input closed":
			talk.CloseInput()
		default:
			talk.Ready()
			talk.Say("CLOSE")
		}
		end := talk.Wait()
		steps := map[int64]bool{}
		for _, h := range end.Hearts {
			steps[h.Done] = true
		}
		if last := end.Hearts[len(end.Hearts)-1]; end.Bye != 0 || last.Done != bigFiles+1 || len(steps) < 3 {
			t.Errorf("%s: BYE %d, %d hearts, steps %v; log %q", how, end.Bye, len(end.Hearts), steps, end.Log)
		}
		s.wantBack(t, upload)
	}
}

// halfway says that some files had come back and not all. More may have by now: who waits
// for it has to have its turn.
func halfway(e repotest.AgentEnd) bool {
	return slices.ContainsFunc(e.Hearts, func(h repotest.AgentHeart) bool { return h.Done > 0 && h.Done < bigFiles })
}

// TestAgentKilled: an agent that dies in the middle leaves no file that is not whole; the
// next one goes on from there.
func TestAgentKilled(t *testing.T) {
	s := newAgentSite(t)
	upload := s.big(t)
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		there := bigFiles + 1
		for try := 0; try < 5 && there > bigFiles; try++ { // the signal may come when all is done
			s.destroy(t)
			talk := s.start(t, repotest.AgentStart{Args: []string{often}, Killed: signal == syscall.SIGKILL})
			talk.Give(fmt.Sprint(upload))
			talk.Until("progress", halfway)
			talk.Signal(signal)
			if end := talk.Wait(); end.Bye == 0 || signal == syscall.SIGTERM && end.Bye != exitInterrupted {
				t.Errorf("%v: BYE %d", signal, end.Bye)
			}
			there = s.wantWhole(t)
		}
		if there == 0 || there > bigFiles {
			t.Errorf("%v: %d files are there", signal, there)
		}
		talk := s.start(t, repotest.AgentStart{})
		talk.Give(fmt.Sprint(upload))
		end := talk.Finish()
		if last := end.Hearts[len(end.Hearts)-1]; end.Bye != 0 || last.Done != int64(bigFiles+1-there) {
			t.Errorf("%v: %d were there, then %+v", signal, there, end)
		}
		s.wantBack(t, upload)
		if left, _ := filepath.Glob(filepath.Join(s.path, "localhost/files/.repotool*")); len(left) > 0 {
			t.Errorf("%v: left over: %v", signal, left)
		}
	}
}

// TestAgentPaused: the scheduler pauses an agent by stopping its process.
func TestAgentPaused(t *testing.T) {
	s := newAgentSite(t)
	upload := s.big(t)
	s.destroy(t)
	talk := s.start(t, repotest.AgentStart{Args: []string{often}})
	talk.Give(fmt.Sprint(upload))
	talk.Until("progress", halfway)
	// A standstill waits for it, and for no other run of repotool.
	found, err := fossology.AgentProcesses(filepath.Join(s.sysconf, "mods-enabled"))
	if err != nil || len(found) != 1 || found[0].Agent != fossology.ReunpackAgent {
		t.Errorf("agents at work: %v: %v", found, err)
	}
	talk.Signal(syscall.SIGSTOP)
	hearts, before := -1, -2
	for looks := 0; hearts != before; looks++ { // what was on its way arrives
		if looks == 60 {
			t.Fatalf("its heart beats on: %d, then %d", before, hearts)
		}
		time.Sleep(500 * time.Millisecond)
		before = hearts
		talk.Until("look", func(e repotest.AgentEnd) bool { hearts = len(e.Hearts); return true })
	}
	talk.Signal(syscall.SIGCONT)
	if end := talk.Finish(); end.Bye != 0 || len(end.Hearts) <= hearts {
		t.Errorf("%+v", end)
	}
	s.wantBack(t, upload)
}

// TestAgentTwice: two agents at once on one upload do not disturb each other.
func TestAgentTwice(t *testing.T) {
	s := newAgentSite(t)
	upload := s.big(t)
	s.destroy(t)
	one, two := s.start(t, repotest.AgentStart{Job: 199}), s.start(t, repotest.AgentStart{Job: 200})
	one.Give(fmt.Sprint(upload))
	two.Give(fmt.Sprint(upload))
	for _, talk := range []*repotest.AgentTalk{one, two} {
		if end := talk.Finish(); end.Bye != 0 {
			t.Errorf("%+v", end)
		}
	}
	s.wantBack(t, upload)
	if n := s.wantWhole(t); n != bigFiles+1 {
		t.Errorf("%d files are there", n)
	}
}

// TestAgentTroubles: what cannot be done fails the job, and the log says why.
func TestAgentTroubles(t *testing.T) {
	s := newAgentSite(t)
	s.destroy(t)
	gold := func(upload int) string {
		name := s.sql(t, `SELECT lower(p.pfile_sha1) || '.' || lower(p.pfile_md5) || '.' || p.pfile_size FROM upload u JOIN pfile p ON p.pfile_pk = u.pfile_fk WHERE upload_pk = %d`, upload)
		path, err := s.repo.Find("gold", name)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	if err := os.Remove(gold(7)); err != nil {
		t.Fatal(err)
	}
	damage(t, gold(14))
	for _, c := range []struct {
		item string
		bye  int
		says string
	}{
		{"7", exitFindings, "gold-missing"},
		{"14", exitFindings, "gold-damaged"},
		{"4711", exitFailed, "upload 4711"},
		{"82", exitFailed, "it was deleted, or never arrived"},
		{"seven", exitFailed, `item "seven": expected the number of an upload`},
		{"7; DROP TABLE upload", exitFailed, "expected the number of an upload"},
		{"-7", exitFailed, "expected the number of an upload"},
		{"99999999999999999999", exitFailed, "expected the number of an upload"},
		{strings.Repeat("7", 5000), exitFailed, "a line of more than"},
		{"17\x01\xff", exitFailed, "expected the number of an upload"},
	} {
		talk := s.start(t, repotest.AgentStart{})
		talk.Give(c.item)
		end := talk.Wait()
		if log := strings.Join(end.Log, "\n"); end.Bye != c.bye || !strings.Contains(log, c.says) {
			t.Errorf("item %.20q: BYE %d, want %d; log: %s", c.item, end.Bye, c.bye, log)
		}
	}
	s.wantWhole(t)
	// Half a line is not acted upon: it may be the beginning of another number.
	talk := s.start(t, repotest.AgentStart{})
	talk.Ready()
	talk.SayPart("4")
	talk.CloseInput()
	if end := talk.Wait(); end.Bye != 0 || len(end.Log) > 0 {
		t.Errorf("half an item: %+v", end)
	}
}

// damage changes bytes in the middle of a file, whose size stays.
func damage(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(b) / 3; i < len(b)/3+200; i++ {
		b[i] ^= 0x55
	}
	if err := os.WriteFile(path, b, 0o660); err != nil {
		t.Fatal(err)
	}
}
