package main

import (
	"errors"
	"io"
	"testing"
)

// TestErrorOf: what a process of our own printed of its error is the error, with its hint.
func TestErrorOf(t *testing.T) {
	err := errorOf([]byte(`{"error":{"kind":"failed","code":1,"message":"unpack x: no space left on device","hint":"make room"}}`), io.EOF)
	if err.Error() != "unpack x: no space left on device" || hintOf(err) != "make room" {
		t.Errorf("%v (%s)", err, hintOf(err))
	}
	for _, out := range []string{"", "panic: x", `{"runs":[]}`} {
		if err := errorOf([]byte(out), io.EOF); !errors.Is(err, io.EOF) {
			t.Errorf("%q: %v", out, err)
		}
	}
}
