package fossology_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"repotool/fossology"
)

// conversation lets an agent talk with a scheduler that has said all it will say.
func conversation(t *testing.T, in string, work func(*fossology.Agent, string) error) (out string, err error) {
	t.Helper()
	var b strings.Builder
	a := fossology.NewAgent(fossology.AgentOptions{Version: "1.2.abc", In: strings.NewReader(in), Out: &b,
		Code: func(error) int { return 7 }})
	err = a.Serve(t.Context(), func(_ context.Context, item string) error { return work(a, item) })
	return b.String(), err
}

// TestAgentConversation has the protocol to the letter.
func TestAgentConversation(t *testing.T) {
	const hello = "VERSION: 1.2.abc\n\nOK\n"
	broken := errors.New("it broke")
	done := func(a *fossology.Agent, item string) error { a.Done(3); return nil }
	for name, c := range map[string]struct {
		in   string
		work func(*fossology.Agent, string) error
		out  string
		err  error
	}{
		"closed":    {"CLOSE\n", done, hello + "HEART: 0 0\n\nBYE 0\n", nil},
		"no input":  {"", done, hello + "HEART: 0 0\n\nBYE 0\n", nil},
		"one item":  {"17\nEND\nCLOSE\n", done, hello + "\nOK\nHEART: 3 1\n\nBYE 0\n", nil},
		"two items": {"17\n18\nEND\n19\nEND\nCLOSE\n99\n", done, hello + "\nOK\n\nOK\nHEART: 9 1\n\nBYE 0\n", nil},
		"half item": {"17\nEND\n1", done, hello + "\nOK\nHEART: 3 1\n\nBYE 0\n", nil},
		"version":   {"VERSION\nCLOSE\n", done, hello + "VERSION: 1.2.abc\nHEART: 0 0\n\nBYE 0\n", nil},
		"an error": {"17\nEND\n18\n", func(a *fossology.Agent, item string) error { return broken },
			hello + "repotool: error: it broke\nHEART: 0 0\n\nBYE 7\n", broken},
		"verbose": {"17\nVERBOSE 2\n17\nVERBOSE 0\nVERBOSE x\n17\nCLOSE\n", func(a *fossology.Agent, item string) error {
			fmt.Fprintf(a, "%s: %d", item, a.Verbose())
			return nil
		}, hello + "repotool: 17: 0\nrepotool: 17: 2\nrepotool: 17: 0\nHEART: 0 0\n\nBYE 0\n", nil},
		"words in the log": {"17\nCLOSE\n", func(a *fossology.Agent, item string) error {
			fmt.Fprint(a, "BYE 0\n\nHEART: 1 1\r\nb\x07\xffell\n@@@1")
			return nil
		}, hello + "repotool: BYE 0\nrepotool: HEART: 1 1\nrepotool: b ?ell\nrepotool: @@@1\nHEART: 0 0\n\nBYE 0\n", nil},
	} {
		out, err := conversation(t, c.in, c.work)
		if out != c.out || !errors.Is(err, c.err) {
			t.Errorf("%s: said %q, want %q; error %v", name, out, c.out, err)
		}
	}
}

// TestAgentLongLines: the scheduler reads 1,023 bytes at once, and says no more than 2,047.
func TestAgentLongLines(t *testing.T) {
	out, err := conversation(t, "17\nCLOSE\n", func(a *fossology.Agent, _ string) error {
		fmt.Fprint(a, strings.Repeat("ä", 5000))
		return nil
	})
	for line := range strings.Lines(out) {
		if len(line) > 1000 || strings.ContainsRune(line, '�') {
			t.Errorf("%d bytes: %q", len(line), line)
		}
	}
	if !strings.Contains(out, "ä…\n") || err != nil {
		t.Errorf("%q: %v", out, err)
	}
	out, err = conversation(t, strings.Repeat("1", 3000)+"\nCLOSE\n", func(*fossology.Agent, string) error {
		t.Error("it was worked on")
		return nil
	})
	if err == nil || !strings.HasSuffix(out, "\nBYE 7\n") {
		t.Errorf("%q: %v", out, err)
	}
}

// TestAgentEarlyLog: nothing comes before the version.
func TestAgentEarlyLog(t *testing.T) {
	var b strings.Builder
	a := fossology.NewAgent(fossology.AgentOptions{Version: "1", In: strings.NewReader(""), Out: &b})
	fmt.Fprintln(a, "too early")
	if b.Len() > 0 {
		t.Errorf("it said %q", b.String())
	}
	if err := a.Serve(t.Context(), nil); err != nil || b.String() != "VERSION: 1\n\nOK\nrepotool: too early\nHEART: 0 0\n\nBYE 0\n" {
		t.Errorf("it said %q: %v", b.String(), err)
	}
}

// TestAgentBeats: the heart beats while work lasts, and tells work from being stuck.
func TestAgentBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, _ := conversation(t, "17\n", func(a *fossology.Agent, _ string) error {
			time.Sleep(fossology.HeartbeatEvery / 2)
			a.Done(2)
			time.Sleep(fossology.HeartbeatEvery) // one beat: it has worked
			time.Sleep(fossology.HeartbeatEvery) // one more: it has not
			a.Stir()
			time.Sleep(fossology.HeartbeatEvery) // bytes came by, and no file was done
			a.Done(1)
			return nil
		})
		want := "VERSION: 1.2.abc\n\nOK\nHEART: 2 1\nHEART: 2 0\nHEART: 2 1\nHEART: 3 1\n\nBYE 0\n"
		if out != want {
			t.Errorf("said %q, want %q", out, want)
		}
	})
	if fossology.HeartbeatEvery >= 30*time.Second {
		t.Error("the scheduler wants to hear of it every 30 seconds")
	}
}

// TestAgentInterrupted: the end of the context ends an agent that waits.
func TestAgentInterrupted(t *testing.T) {
	in, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer to.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	signal := errors.New("a signal")
	time.AfterFunc(20*time.Millisecond, func() { cancel(signal) })
	a := fossology.NewAgent(fossology.AgentOptions{Version: "1", In: in, Out: io.Discard})
	if err := a.Serve(ctx, nil); !errors.Is(err, signal) {
		t.Errorf("error %v, want %v", err, signal)
	}
}

// TestAgentUnheard: a scheduler that has died does not end the work, but is told of.
func TestAgentUnheard(t *testing.T) {
	worked := false
	a := fossology.NewAgent(fossology.AgentOptions{Version: "1", In: strings.NewReader("17\n"), Out: deaf{}})
	err := a.Serve(t.Context(), func(context.Context, string) error { worked = true; return nil })
	if !worked || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("worked: %v; error %v", worked, err)
	}
}

type deaf struct{}

func (deaf) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
