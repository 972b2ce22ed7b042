package repotest

import (
	"testing"

	"go.uber.org/goleak"
)

// NoneLeft sees that no goroutine is left, but for what the options except. On a busy
// machine they end late: it looks for a minute.
func NoneLeft(t testing.TB, options ...goleak.Option) {
	t.Helper()
	var err error
	for range 150 { // each looks for 0.4 s
		if err = goleak.Find(options...); err == nil {
			return
		}
	}
	t.Error(err)
}
