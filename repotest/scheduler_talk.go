package repotest

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// accept serves connections, ten at a time; the eleventh waits without an
// answer until one of them is closed.
func (s *Scheduler) accept(l net.Listener, workers chan struct{}) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.listener != l {
			s.mu.Unlock()
			conn.Close()
			return
		}
		s.conns[conn] = true
		s.mu.Unlock()
		go func() {
			workers <- struct{}{}
			defer func() { <-workers }()
			s.serve(conn)
		}()
	}
}

// serve reads commands until the client closes the connection or says close or
// stop. After those the scheduler keeps the connection open and is silent.
func (s *Scheduler) serve(conn net.Conn) {
	buf := make([]byte, 1024)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			conn.Close()
			s.mu.Lock()
			delete(s.conns, conn)
			s.mu.Unlock()
			return
		}
		command, answer, closed := s.answer(string(buf[:n]))
		// In pieces, as a network delivers: what belongs together need not
		// come together.
		for _, piece := range strings.SplitAfter(answer, "\n") {
			if piece != "" {
				conn.Write([]byte(piece))
			}
		}
		if closed {
			s.act(conn, command)
			return
		}
	}
}

// act records a command that closes, and carries it out. The answer has been sent
// before: a client whose scheduler is killed as soon as the command is recorded does
// not ask the next scheduler again.
func (s *Scheduler) act(conn net.Conn, command string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil || !s.conns[conn] {
		return // it was killed meanwhile
	}
	s.events = append(s.events, command)
	if command != "close" {
		s.stopping = true
	}
	if command == "die" {
		s.signalAgents(syscall.SIGKILL)
	}
	s.endIfIdle()
}

// The forms of the commands that have arguments.
var (
	pauseForm   = regexp.MustCompile(`^(?:pause|restart)\s+(\d+)$`)
	killForm    = regexp.MustCompile(`^kill\s+(\d+)\s+".*"$`)
	verboseForm = regexp.MustCompile(`^verbose\s+\d+(\s+\d+)?$`)
	statusForm  = regexp.MustCompile(`^status\s+(-?\d+)$`)
)

// answer returns the answer to one read. Of several commands in it the first
// counts. closed means that nothing on this connection is answered afterwards, and
// that the command is yet to be carried out.
func (s *Scheduler) answer(packet string) (command, answer string, closed bool) {
	line, _, _ := strings.Cut(strings.TrimLeft(packet, "\n"), "\n")
	line = strings.TrimRight(line, "\r\x00 ")
	command = strings.ToLower(line)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.silent {
		return command, "", false
	}
	if command == "close" || command == "stop" || command == "die" {
		return command, "received\nCLOSE\n", true
	}
	s.events = append(s.events, command)
	return command, s.reply(command, line), false
}

// reply returns the answer to a command after which the connection stays open.
func (s *Scheduler) reply(command, line string) string {
	word, _, _ := strings.Cut(command, " ")
	switch {
	case command == "status":
		return "received\n" + s.status() + "end\n\x00"
	case word == "status" && statusForm.MatchString(command):
		return "received\n" + s.jobStatus(statusForm.FindStringSubmatch(command)[1]) + "end\n\x00"
	case command == "load":
		return fmt.Sprintf("received\nhost:localhost address:localhost max:10 running:%d\n\nend\n", s.runningAgents())
	case command == "agents":
		return "received\n" + strings.Join(AgentNames, " ") + " \nend\n"
	case command == "database":
		return "received\n"
	case (word == "pause" || word == "restart") && pauseForm.MatchString(command):
		s.pause(word == "pause", pauseForm.FindStringSubmatch(command)[1])
		return "received\n"
	case word == "kill" && killForm.MatchString(command), word == "verbose" && verboseForm.MatchString(command):
		return "received\n"
	case word == "pause", word == "restart", word == "kill", word == "verbose":
		return fmt.Sprintf("received\nInvalid %s command: %q\n", word, line)
	}
	return fmt.Sprintf("received\nInvalid command: %q\n", line)
}

// status returns the lines of status.
func (s *Scheduler) status() string {
	port := s.o.ReportedPort
	if port == 0 {
		port = s.port
	}
	var b strings.Builder
	fmt.Fprintf(&b, "scheduler:%d revision:a48620 daemon:0 jobs:%d log:/var/log/fossology/fossology.log port:%d verbose:0\n",
		s.pid, len(s.jobs), port)
	for _, j := range s.jobs {
		b.WriteString(j.line())
	}
	return b.String()
}

func (j *schedulerJob) line() string {
	return fmt.Sprintf("job:%d status:%s type:%s, priority:0 running:%d finished:%d failed:0\n",
		j.id, j.status, j.kind, j.running, j.finished)
}

// jobStatus returns the lines of status N.
func (s *Scheduler) jobStatus(id string) string {
	i := s.jobIndex(id)
	if i < 0 {
		return "ERROR: invalid job id = " + id + "\n"
	}
	j := s.jobs[i]
	text := j.line()
	if j.running > 0 {
		status := "AGENT_RUNNING"
		if j.status == "JOB_PAUSED" {
			status = "AGENT_PAUSED"
		}
		text += fmt.Sprintf("agent:%d host:localhost type:%s status:%s time:%s\n",
			j.agent.Process.Pid, j.kind, status, j.since.Format("2006-01-02 15:04:05"))
	}
	return text
}

// pause stops or continues the agent of a running job; others are only marked.
func (s *Scheduler) pause(on bool, id string) {
	i := s.jobIndex(id)
	if i < 0 {
		return
	}
	j := s.jobs[i]
	sig := syscall.SIGSTOP
	switch j.status = "JOB_PAUSED"; {
	case !on && j.running > 0:
		j.status, sig = "JOB_RESTART", syscall.SIGCONT
	case !on:
		j.status = "JOB_CHECKEDOUT"
	}
	if j.running > 0 {
		j.agent.Process.Signal(sig)
	}
}

func (s *Scheduler) jobIndex(id string) int {
	return slices.IndexFunc(s.jobs, func(j *schedulerJob) bool { return strconv.FormatInt(j.id, 10) == id })
}

func (s *Scheduler) runningAgents() (n int) {
	for _, j := range s.jobs {
		n += j.running
	}
	return n
}

func (s *Scheduler) signalAgents(sig syscall.Signal) {
	for _, j := range s.jobs {
		if j.running > 0 {
			j.agent.Process.Signal(sig)
		}
	}
}
