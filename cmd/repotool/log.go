package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// lineHandler writes what is logged as lines for people: "warning: text: key
// value, key value".
type lineHandler struct {
	level slog.Level
	with  string // attributes of the logger itself
	mu    *sync.Mutex
	w     io.Writer
}

// newLogger writes warnings, and more if the environment asks for it.
func newLogger(w io.Writer, level string) *slog.Logger {
	l := slog.LevelWarn
	if level != "" {
		_ = l.UnmarshalText([]byte(level)) // an unknown level is warn
	}
	return slog.New(lineHandler{level: l, mu: new(sync.Mutex), w: w})
}

// Enabled implements slog.Handler.
func (h lineHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

// Handle implements slog.Handler.
func (h lineHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	switch {
	case r.Level >= slog.LevelError:
		b.WriteString("error: ")
	case r.Level >= slog.LevelWarn:
		b.WriteString("warning: ")
	default:
		b.WriteString(strings.ToLower(r.Level.String()) + ": ")
	}
	b.WriteString(r.Message)
	more := h.with
	r.Attrs(func(a slog.Attr) bool {
		more += attribute(a)
		return true
	})
	if more = strings.TrimPrefix(more, ", "); more != "" {
		b.WriteString(": " + more)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := fmt.Fprintln(h.w, b.String())
	return err
}

// attribute is a key and its value; an error needs no key.
func attribute(a slog.Attr) string {
	text := printable(a.Value.Resolve().String())
	if a.Key == "err" || a.Key == "error" {
		return ", " + text
	}
	return ", " + a.Key + " " + text
}

// WithAttrs implements slog.Handler.
func (h lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, a := range attrs {
		h.with += attribute(a)
	}
	return h
}

// WithGroup implements slog.Handler. Nothing here is grouped.
func (h lineHandler) WithGroup(string) slog.Handler { return h }
