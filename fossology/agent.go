package fossology

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"
)

// An Agent is the agent's side of a conversation with FOSSology's scheduler, which has
// started it and holds the other ends of its standard input and output:
//
//	VERSION: <text>          who it is; the same on every host
//	<empty line>, OK         ready; after an END once more
//	HEART: <done> <0|1>      items done so far, and whether it worked since the last one
//	<empty line>, BYE <code> the end, after a last HEART
//
// What it writes beside that goes into the job's log. The scheduler says an item, END
// behind the items that it has at the moment, VERSION, VERBOSE n, or CLOSE; its end of
// input means the same as CLOSE. As with FOSSology's own agents none of these is
// read while an item is worked on: what was begun is brought to its end, even if the
// scheduler has died meanwhile. It pauses an agent by SIGSTOP and ends it by SIGKILL.
//
// It kills an agent that is silent, or that says for ten minutes that it has not
// worked. Heartbeats come from a goroutine of their own, but what they say is what
// [Agent.Done] and [Agent.Stir] were told: an agent that is stuck is seen.
type Agent struct {
	o       AgentOptions
	verbose atomic.Int64
	done    atomic.Int64
	stirred atomic.Int64

	mu      sync.Mutex // one line after another
	greeted bool       // before that nothing may be said
	early   string     // what was to be logged before
	told    int64      // stirred, at the last heartbeat
	fault   error      // of writing
}

// AgentOptions say who an agent is and with whom it talks.
type AgentOptions struct {
	Version   string          // must not be empty
	In        io.Reader       // if it has a SetReadDeadline, the end of the context ends a read
	Out       io.Writer       // each line is one write
	Heartbeat time.Duration   // between two of them; 0: HeartbeatEvery
	Code      func(error) int // the exit code that an error means; nil: 1
}

// HeartbeatEvery keeps to the 30 seconds in which FOSSology wants one, on a busy
// machine too.
const HeartbeatEvery = 20 * time.Second

const (
	// maxSaid is the buffer of FOSSology's own agents: the scheduler says no longer line.
	maxSaid = 2048
	// maxLogged keeps a line below 1,024 bytes, which is what the scheduler reads at
	// once: it would take the rest for a line of its own.
	maxLogged = 900
)

// logPrefix stands before every line of the log, so that none is taken for a word of
// the protocol.
const logPrefix = "repotool: "

// NewAgent makes an agent; Serve lets it talk.
func NewAgent(o AgentOptions) *Agent {
	if o.Heartbeat <= 0 {
		o.Heartbeat = HeartbeatEvery
	}
	if o.Code == nil {
		o.Code = func(error) int { return 1 }
	}
	return &Agent{o: o}
}

// Serve talks until the scheduler closes the conversation or the context ends. work
// is called with one item after another; its error is logged and ends the conversation,
// as with FOSSology's own agents, with a code that makes the job fail.
func (a *Agent) Serve(ctx context.Context, work func(ctx context.Context, item string) error) error {
	a.greet()
	stop := a.beat()
	err := a.listen(ctx, work)
	stop()
	if err != nil {
		fmt.Fprintf(a, "error: %v", err)
	}
	a.heart()
	code := 0
	if err != nil {
		code = a.o.Code(err)
	}
	a.send(fmt.Sprintf("\nBYE %d\n", code))
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fault != nil {
		return errors.Join(err, fmt.Errorf("talk to the scheduler: %w", a.fault))
	}
	return err
}

// Done counts items that are done.
func (a *Agent) Done(n int64) {
	a.done.Add(n)
	a.stirred.Add(1)
}

// Stir says that the work has gone on.
func (a *Agent) Stir() { a.stirred.Add(1) }

// Verbose is how much the scheduler wants to have in the log; 0 is little.
func (a *Agent) Verbose() int { return int(a.verbose.Load()) }

// Write puts lines into the job's log.
func (a *Agent) Write(b []byte) (int, error) {
	for line := range strings.Lines(string(b)) {
		if line = logLine(line); line != "" {
			a.log(logPrefix + line + "\n")
		}
	}
	return len(b), nil // what becomes of it is not the writer's business
}

func (a *Agent) log(line string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.greeted {
		a.early += line
		return
	}
	a.sendLocked(line)
}

// greet says who it is, and then what was kept back.
func (a *Agent) greet() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.greeted = true
	a.sendLocked("VERSION: " + a.o.Version + "\n\nOK\n")
	for line := range strings.Lines(a.early) {
		a.sendLocked(line)
	}
	a.early = ""
}

// logLine makes a line printable and short enough.
func logLine(line string) string {
	line = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(line, "?"))
	line = strings.TrimSpace(line)
	if len(line) <= maxLogged {
		return line
	}
	cut := maxLogged
	for !utf8.RuneStart(line[cut]) {
		cut--
	}
	return line[:cut] + "…"
}

// send writes what belongs together at once. If nobody listens any more, the work goes
// on all the same: Serve tells of it at its end.
func (a *Agent) send(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sendLocked(text)
}

func (a *Agent) sendLocked(text string) {
	if _, err := io.WriteString(a.o.Out, text); err != nil && a.fault == nil {
		a.fault = err
	}
}

// heart says how far it is.
func (a *Agent) heart() {
	a.mu.Lock()
	defer a.mu.Unlock()
	now, worked := a.stirred.Load(), 0
	if now != a.told {
		worked = 1
	}
	a.told = now
	a.sendLocked(fmt.Sprintf("HEART: %d %d\n", a.done.Load(), worked))
}

// beat sends heartbeats until it is stopped.
func (a *Agent) beat() (stop func()) {
	quit, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		tick := time.NewTicker(a.o.Heartbeat)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				a.heart()
			case <-quit:
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-gone
	}
}

// listen obeys the scheduler.
func (a *Agent) listen(ctx context.Context, work func(context.Context, string) error) error {
	if in, ok := a.o.In.(interface{ SetReadDeadline(time.Time) error }); ok {
		defer context.AfterFunc(ctx, func() { in.SetReadDeadline(time.Unix(1, 0)) })()
	}
	in := bufio.NewReaderSize(a.o.In, maxSaid)
	for {
		line, err := in.ReadSlice('\n')
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == io.EOF:
			// A line without an end is what a dying scheduler could not finish: half a
			// number is another upload's.
			return nil
		case errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("listen to the scheduler: it says a line of more than %d bytes", maxSaid)
		case err != nil:
			return fmt.Errorf("listen to the scheduler: %w", err)
		}
		said := strings.TrimRight(string(line), "\r\n")
		word, rest, _ := strings.Cut(said, " ")
		switch word {
		case "":
		case "CLOSE":
			return nil
		case "END":
			a.send("\nOK\n")
		case "VERSION":
			a.send("VERSION: " + a.o.Version + "\n")
		case "VERBOSE":
			n, _ := strconv.ParseInt(strings.TrimSpace(rest), 10, 32)
			a.verbose.Store(n)
		default:
			if err := work(ctx, said); err != nil {
				return err
			}
		}
	}
}
