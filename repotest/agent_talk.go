package repotest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// An AgentTalk is the scheduler's side of a conversation with an agent, which is a real
// process, started as the scheduler starts it. It is strict: a line that the scheduler
// would misunderstand, a word at the wrong time, a heartbeat that goes backwards or
// comes late, and silence at the end each fail the test.
type AgentTalk struct {
	t    testing.TB
	o    AgentStart
	cmd  *exec.Cmd
	in   *os.File
	gone chan struct{} // closed when its output has ended

	mu    sync.Mutex
	asked int // how many OK are due
	state talkState
	end   AgentEnd
	moved *sync.Cond
}

// AgentStart says what the scheduler starts an agent for.
type AgentStart struct {
	Sysconf string
	Name    string        // in mods-enabled
	Job     int64         // negative: a test of the agent
	Args    []string      // jq_cmd_args, and what a test adds
	Silence time.Duration // longer without a line fails the test; 0: 30 seconds, as the scheduler wants it
	Remote  bool          // as on another host: by ssh, without --config
	Killed  bool          // the test kills it: an end without BYE is right
}

// AgentEnd is what an agent has said, and how it ended.
type AgentEnd struct {
	Version string
	Hearts  []AgentHeart
	Log     []string
	Bye     int // its code; -1 if there was none
	Exit    int // of the process; -1 if a signal ended it
}

// An AgentHeart is one heartbeat.
type AgentHeart struct {
	Done   int64
	Worked bool
}

// talkState is where a conversation is.
type talkState struct {
	greeted bool // VERSION has come
	empty   bool // the line before was empty
	heart   bool // the last line that was not empty was a heartbeat
	bye     bool
	last    time.Time
}

const (
	// schedulerLine is what the scheduler reads of a line at once, its end included.
	schedulerLine = 1023
	// agentSilence is how often the scheduler wants to hear of an agent.
	agentSilence = 30 * time.Second
	// agentPatience is how long a test waits for what must come.
	agentPatience = 3 * time.Minute
)

// TalkToAgent starts an agent that is installed. It is killed at the end of the test, if
// it has not ended.
func TalkToAgent(t testing.TB, o AgentStart) *AgentTalk {
	t.Helper()
	if o.Silence == 0 {
		o.Silence = agentSilence
	}
	a := &AgentTalk{t: t, o: o, gone: make(chan struct{}), asked: 1, end: AgentEnd{Bye: -1}}
	a.moved = sync.NewCond(&a.mu)
	m, err := readModule(o.Sysconf, o.Name)
	if err != nil {
		t.Fatalf("agent %s: %v", o.Name, err)
	}
	dir := filepath.Join(o.Sysconf, "mods-enabled", o.Name, "agent")
	a.cmd = exec.Command(filepath.Join(dir, m.words[0]), append(m.words[1:], a.words()...)...)
	a.cmd.Dir = dir
	a.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()} // not the test's settings
	if o.Remote {
		a.cmd.Dir = "/"
	}
	a.state.last = time.Now()
	out, err := a.start()
	if err != nil {
		t.Fatalf("agent %s: %v", o.Name, err)
	}
	go a.listen(out)
	t.Cleanup(func() {
		a.cmd.Process.Kill()
		<-a.gone
		a.in.Close()
	})
	return a
}

// words are what the scheduler adds to the command.
func (a *AgentTalk) words() []string {
	id := fmt.Sprintf("--jobId=%d", a.o.Job)
	if a.o.Remote {
		return append([]string{"--scheduler_start", "--userID=3", "--groupID=3", "--scheduler_start", id}, a.o.Args...)
	}
	return append([]string{"--scheduler_start", id, "--config=" + a.o.Sysconf, "--userID=3", "--groupID=3", "--scheduler_start"}, a.o.Args...)
}

// start runs the process with pipes: both its outputs are one.
func (a *AgentTalk) start() (out *os.File, err error) {
	theirs, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	a.in = in
	a.cmd.Stdin, a.cmd.Stdout, a.cmd.Stderr = theirs, to, to
	err = a.cmd.Start()
	theirs.Close()
	to.Close()
	return out, err
}

// listen reads as the scheduler does, until the agent has ended.
func (a *AgentTalk) listen(out *os.File) {
	defer close(a.gone)
	defer out.Close()
	in := bufio.NewReader(out)
	for {
		line, err := in.ReadString('\n')
		a.mu.Lock()
		if line != "" {
			if late := time.Since(a.state.last); late > a.o.Silence && !a.state.bye {
				a.t.Errorf("agent: silent for %v before %q", late.Round(time.Millisecond), line)
			}
			a.state.last = time.Now()
			a.heard(line)
			a.moved.Broadcast()
		}
		a.mu.Unlock()
		if err != nil {
			if err != io.EOF {
				a.t.Errorf("agent: read: %v", err)
			}
			break
		}
	}
	err := a.cmd.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		a.end.Exit = exit.ExitCode()
	}
	if !a.state.bye && !a.o.Killed {
		a.t.Errorf("agent: it ended without BYE: %v; its log: %q", err, a.end.Log)
	}
	a.moved.Broadcast()
}

// The lines that the scheduler understands.
var (
	versionLine = regexp.MustCompile(`^VERSION: \S.*$`)
	heartLine   = regexp.MustCompile(`^HEART: (\d+) ([01])$`)
	specialLine = regexp.MustCompile(`^SPECIAL: \d+ [01]$`)
	byeLine     = regexp.MustCompile(`^BYE (\d+)$`)
	// protocolWord is the beginning of a line that the scheduler does not just log.
	protocolWord = regexp.MustCompile(`^(VERSION|OK|HEART|EMAIL|SPECIAL|GETSPECIAL|BYE|@@@)`)
)

// heard judges one line.
func (a *AgentTalk) heard(line string) {
	bad := func(why string) { a.t.Errorf("agent: %s: %q", why, line) }
	if len(line) > schedulerLine {
		bad("the scheduler takes its rest for another line")
	}
	text, whole := strings.CutSuffix(line, "\n")
	if !whole {
		if !a.o.Killed {
			bad("a line without an end")
		}
		return
	}
	s := &a.state
	if s.bye {
		bad("it speaks after BYE")
	}
	if !s.greeted {
		if !versionLine.MatchString(text) {
			bad("it does not begin with VERSION")
		}
		s.greeted, a.end.Version = true, strings.TrimPrefix(text, "VERSION: ")
		return
	}
	if text == "" {
		s.empty = true
		return
	}
	afterEmpty, afterHeart := s.empty, s.heart
	s.empty, s.heart = false, false
	switch m := heartLine.FindStringSubmatch(text); {
	case text == "OK":
		if !afterEmpty {
			bad("no empty line before it")
		}
		if a.asked--; a.asked < 0 {
			bad("nobody has asked")
		}
	case m != nil:
		s.heart = true
		a.heart(m, bad)
	case byeLine.MatchString(text):
		if !afterEmpty || !afterHeart {
			bad("no heartbeat and empty line before it")
		}
		s.bye = true
		a.end.Bye, _ = strconv.Atoi(byeLine.FindStringSubmatch(text)[1])
	case versionLine.MatchString(text):
		if text != "VERSION: "+a.end.Version {
			bad("it was another version before")
		}
	case specialLine.MatchString(text):
	case protocolWord.MatchString(text):
		bad("the scheduler would misunderstand it")
	default:
		a.end.Log = append(a.end.Log, text)
	}
}

func (a *AgentTalk) heart(m []string, bad func(string)) {
	n, err := strconv.ParseInt(m[1], 10, 32) // the scheduler's int
	if err != nil {
		bad("no number for the scheduler")
	}
	if k := len(a.end.Hearts); k > 0 && a.end.Hearts[k-1].Done > n {
		bad(fmt.Sprintf("before it had done %d", a.end.Hearts[k-1].Done))
	}
	a.end.Hearts = append(a.end.Hearts, AgentHeart{n, m[2] == "1"})
}

// Until waits until what the agent has said satisfies a condition, or it has ended.
func (a *AgentTalk) Until(what string, holds func(AgentEnd) bool) {
	a.t.Helper()
	a.until(what, func() bool { return holds(a.end) })
}

// Ready waits until the agent has said OK to all that it was given.
func (a *AgentTalk) Ready() {
	a.t.Helper()
	a.until("OK", func() bool { return a.asked <= 0 })
}

func (a *AgentTalk) until(what string, holds func() bool) {
	a.t.Helper()
	defer time.AfterFunc(agentPatience, a.moved.Broadcast).Stop()
	begin := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	for !holds() {
		ended := false
		select {
		case <-a.gone:
			ended = true
		default:
		}
		if ended || a.state.bye || time.Since(begin) >= agentPatience {
			a.t.Fatalf("agent: no %s; it said %+v", what, a.end)
		}
		a.moved.Wait()
	}
}

// Give says an item, and that there are no more at the moment.
func (a *AgentTalk) Give(item string) {
	a.t.Helper()
	a.Ready()
	a.mu.Lock()
	a.asked++
	a.mu.Unlock()
	a.Say(item)
	a.Say("END")
}

// Say says a line. An agent that has ended meanwhile does not hear it, which is seen by
// its end.
func (a *AgentTalk) Say(line string) { fmt.Fprintln(a.in, line) }

// SayPart says something that is not yet a line.
func (a *AgentTalk) SayPart(text string) { io.WriteString(a.in, text) }

// CloseInput ends the agent's input, as the death of the scheduler does.
func (a *AgentTalk) CloseInput() { a.in.Close() }

// Signal sends a signal: the scheduler pauses an agent by SIGSTOP, lets it go on by
// SIGCONT, and ends it by SIGKILL.
func (a *AgentTalk) Signal(s os.Signal) {
	a.t.Helper()
	if err := a.cmd.Process.Signal(s); err != nil {
		a.t.Errorf("agent: signal %v: %v", s, err)
	}
}

// Finish says CLOSE when the agent is ready, and waits until it has ended.
func (a *AgentTalk) Finish() AgentEnd {
	a.t.Helper()
	a.Ready()
	a.Say("CLOSE")
	return a.Wait()
}

// Wait waits until the agent has ended.
func (a *AgentTalk) Wait() AgentEnd {
	a.t.Helper()
	select {
	case <-a.gone:
	case <-time.After(agentPatience):
		a.t.Fatalf("agent: it does not end")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.end.Bye >= 0 && a.end.Bye != a.end.Exit {
		a.t.Errorf("agent: BYE %d, exit code %d", a.end.Bye, a.end.Exit)
	}
	return a.end
}
