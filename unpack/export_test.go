package unpack

import "testing"

// LetToolsWrite lets the tools of a test write to a directory beside their scratch.
func LetToolsWrite(t *testing.T, dir string) {
	before := alsoWritable
	alsoWritable = append(alsoWritable[:len(alsoWritable):len(alsoWritable)], dir)
	t.Cleanup(func() { alsoWritable = before })
}

// Fewest is how many rows leave memory together at least.
const Fewest = fewest

// MostRows is how many rows of an upload were in memory at once.
func MostRows(r *Result) int64 { return r.most }
