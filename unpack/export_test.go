package unpack

import "testing"

// LetToolsWrite lets the tools of a test write to a directory beside their scratch.
func LetToolsWrite(t *testing.T, dir string) {
	before := alsoWritable
	alsoWritable = append(alsoWritable[:len(alsoWritable):len(alsoWritable)], dir)
	t.Cleanup(func() { alsoWritable = before })
}
