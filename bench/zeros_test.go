package bench_test

import (
	"os"
	"path/filepath"
	"testing"

	"repotool/bench"
)

// TestZeros: runs of zeros are found where a store makes holes, and nowhere else.
func TestZeros(t *testing.T) {
	const run = 1 << 20
	some := func(at ...int) []byte {
		b := make([]byte, 3*run+5)
		for _, i := range at {
			b[i] = 1
		}
		return b
	}
	for _, test := range []struct {
		content []byte
		want    int64
	}{
		{some(), 3 * run}, {some(0), 2 * run}, {some(run - 1), 2 * run}, {some(0, run+4096, 3*run-1), 0}, {some(3 * run), 3 * run}, {some()[:run-1], 0}, {nil, 0},
	} {
		name := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(name, test.content, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := bench.ZerosOf(name, int64(len(test.content))); got != test.want || err != nil {
			t.Errorf("%d bytes of zeros, %v; want %d", got, err, test.want)
		}
	}
}
