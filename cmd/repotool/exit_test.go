package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"repotool/fossology"
	"repotool/store"
)

func TestExitCode(t *testing.T) {
	interrupted, cancel := context.WithCancelCause(t.Context())
	cancel(errInterrupted)
	locked := &store.LockedError{Name: "snapshot-x", Holder: store.Holder{PID: 1, Since: time.Unix(0, 0)}}
	for _, tt := range []struct {
		name string
		ctx  context.Context
		err  error
		want int
	}{
		{"nothing", t.Context(), nil, 0},
		{"done before the signal", interrupted, nil, 0},
		{"any", t.Context(), errors.New("x"), 1},
		{"usage", t.Context(), fmt.Errorf("x: %w", usagef("y")), 2},
		{"findings", t.Context(), findingsError{3}, 3},
		{"locked", t.Context(), fmt.Errorf("x: %w", locked), 4},
		{"standstill", t.Context(), errors.Join(errors.New("x"), &fossology.QuiesceError{Step: "s", Err: errors.New("e")}), 5},
		{"signal", interrupted, fmt.Errorf("x: %w", context.Canceled), 130},
		{"signal in the standstill", interrupted, &fossology.QuiesceError{Step: "s", Err: context.Canceled}, 130},
		{"ended by nobody", t.Context(), context.Canceled, 1},
	} {
		if got := exitCode(tt.ctx, tt.err); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

// hintless has a hint to give only through what it wraps.
type hintless struct{ error }

func (hintless) Hint() string    { return "" }
func (h hintless) Unwrap() error { return h.error }

func TestPrintError(t *testing.T) {
	tip := &hinted{errors.New("x"), "do y"}
	for _, tt := range []struct {
		name, stdout, stderr string
		json                 bool
		code                 int
		err                  error
	}{
		{"plain", "", "repotool: x\n", false, 1, errors.New("x")},
		{"hint", "", "repotool: a: x\n  hint: do y\n", false, 1, fmt.Errorf("a: %w", hintless{tip})},
		{"joined", "", "repotool: a\nrepotool: x\n  hint: do y\n", false, 1, errors.Join(errors.New("a"), tip)},
		{"continued", "", "repotool: dial: refused\n", false, 1, errors.New("dial:\n\trefused\n\trefused")},
		{"json", `{"error":{"kind":"failed","code":1,"message":"x","hint":"do y"}}` + "\n", "", true, 1, tip},
		{"findings", "", "", false, 3, findingsError{1}},
		{"interrupted", "", "repotool: interrupted\n", false, 130, fmt.Errorf("run psql: %w", context.Canceled)},
		{"interrupted and worse", "", "repotool: interrupted: x\n  hint: do y\n", false, 130, errors.Join(context.Canceled, tip)},
		{"nobody listens", "", "", false, 1, fmt.Errorf("write list: %w", &fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE})},
		{"a tool does not listen", "", "repotool: load: broken pipe\n", false, 1, fmt.Errorf("load: %w", syscall.EPIPE)},
	} {
		var stdout, stderr bytes.Buffer
		printError(&stdout, &stderr, tt.json, tt.code, tt.err)
		if d := cmp.Diff([]string{tt.stdout, tt.stderr}, []string{stdout.String(), stderr.String()}); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
}

func TestParseShare(t *testing.T) {
	for in, want := range map[string]float64{"": 0, "5%": 0.05, "0.05": 0.05, " 12.5 % ": 0.125, "100%": 0, "1": 0} {
		got, err := parseShare(in)
		if err != nil || got != want {
			t.Errorf("%q: %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"0", "0%", "-5%", "101%", "5", "NaN", "inf%", "x", "%"} {
		if got, err := parseShare(in); err == nil {
			t.Errorf("%q: %v, want an error", in, got)
		}
	}
}
