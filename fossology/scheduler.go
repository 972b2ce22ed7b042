package fossology

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"
)

// A Scheduler is the address of FOSSology's scheduler and the language that it
// speaks there.
//
// The scheduler reads one command at a time and answers "received" first. It
// serves ten connections at once and closes none, so each call here has a
// connection of its own and closes it. There is no authentication. A command is
// answered before it is carried out.
type Scheduler struct {
	Address string        // host:port
	Timeout time.Duration // of one question with its answer; 0 is ten seconds
}

// schedulerTimeout is how long a scheduler may take to answer.
const schedulerTimeout = 10 * time.Second

// maxAnswer limits an answer: a line for each job in the scheduler's memory,
// which holds a few hundred at most.
const maxAnswer = 16 << 20

// Status asks what the scheduler is doing.
func (s Scheduler) Status(ctx context.Context) (*SchedulerStatus, error) {
	answer, err := s.ask(ctx, "status", endOfList)
	if err != nil {
		return nil, err
	}
	status, err := ParseSchedulerStatus(answer)
	if err != nil {
		return nil, fmt.Errorf("ask scheduler at %s for status: %w", s.Address, err)
	}
	return status, nil
}

// Stop tells the scheduler to start no more agents, to wait for those that run,
// and then to end. It returns at once, and there is no way back. That nobody
// listens any more is no error.
func (s Scheduler) Stop(ctx context.Context) error {
	_, err := s.unlessGone(func() error {
		_, err := s.ask(ctx, "stop", func(b []byte) bool { return bytes.HasSuffix(b, []byte("CLOSE\n")) })
		return err
	})
	return err
}

// Alive reports whether a scheduler answers. That nobody listens is no error; no
// answer, or one that is not a scheduler's, is.
func (s Scheduler) Alive(ctx context.Context) (bool, error) {
	status, err := s.statusIfAlive(ctx)
	return status != nil, err
}

// statusIfAlive returns nil if nobody listens.
func (s Scheduler) statusIfAlive(ctx context.Context) (status *SchedulerStatus, err error) {
	gone, err := s.unlessGone(func() (err error) {
		status, err = s.Status(ctx)
		return err
	})
	if gone {
		return nil, nil
	}
	return status, err
}

// unlessGone asks, and reports whether nobody listens. A scheduler that ends while
// it is asked breaks the connection: the next try is refused.
func (s Scheduler) unlessGone(ask func() error) (gone bool, err error) {
	for range 3 {
		err = ask()
		switch {
		case errors.Is(err, syscall.ECONNREFUSED):
			return true, nil
		case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.ErrUnexpectedEOF):
			continue
		}
		return false, err
	}
	return false, err
}

// endOfList reports whether an answer of many lines is complete. To some answers
// the scheduler adds a zero byte, which may come later and is not waited for.
func endOfList(b []byte) bool {
	b = bytes.TrimSuffix(b, []byte{0})
	return bytes.Equal(b, []byte("end\n")) || bytes.HasSuffix(b, []byte("\nend\n"))
}

// ask sends a command and reads the answer until done says that it is complete.
// It returns the answer without "received" and without the zero byte.
func (s Scheduler) ask(ctx context.Context, command string, done func([]byte) bool) (answer string, err error) {
	timeout := s.Timeout
	if timeout == 0 {
		timeout = schedulerTimeout
	}
	asked, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	answer, err = s.exchange(asked, command, done)
	switch over := ctxOver(ctx); {
	case err != nil && over != nil:
		err = over
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		err = fmt.Errorf("no answer within %v", timeout)
	}
	if err != nil {
		return "", fmt.Errorf("ask scheduler at %s for %s: %w", s.Address, command, err)
	}
	return answer, nil
}

// ctxOver is the error of a context that is over, or would be if its timer had
// not been late.
func ctxOver(ctx context.Context) error {
	if end, ok := ctx.Deadline(); ok && !time.Now().Before(end) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

func (s Scheduler) exchange(ctx context.Context, command string, done func([]byte) bool) (string, error) {
	// IPv4 only, as the scheduler: a refusal by ::1 would say nothing.
	conn, err := new(net.Dialer).DialContext(ctx, "tcp4", s.Address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := io.WriteString(conn, command); err != nil {
		return "", err
	}
	const received = "received\n"
	var answer []byte
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		answer = append(answer, buf[:n]...)
		body, ok := strings.CutPrefix(string(answer), received)
		switch {
		case !ok && !strings.HasPrefix(received, string(answer)), len(answer) > maxAnswer:
			return "", fmt.Errorf("found answer %.60q: expected %q first; this is no FOSSology scheduler", answer, received)
		case ok && strings.HasPrefix(body, "Invalid ") && strings.HasSuffix(body, "\n"):
			return "", errors.New(strings.TrimSpace(body))
		case ok && done([]byte(body)):
			return strings.TrimSuffix(body, "\x00"), nil
		case err == io.EOF:
			return "", io.ErrUnexpectedEOF
		case err != nil:
			return "", err
		}
	}
}
