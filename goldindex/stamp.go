package goldindex

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Stamp changes when anything of the ledger changes: it stands for its unpacker, its
// records and its segments, as far as the directory shows them.
func (l *Ledger) Stamp() (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, l.unpacker.Version, l.unpacker.Tools) // maps print in the order of their keys
	for _, e := range l.entries() {
		fmt.Fprintln(h, e.file())
	}
	var lines []string
	for _, s := range slices.Concat(l.set.made, l.set.read) {
		info, err := s.f.Stat()
		if err != nil {
			return "", err
		}
		lines = append(lines, fmt.Sprintln(s.name, info.Size(), info.ModTime().UnixNano()))
	}
	for _, name := range l.set.broken {
		lines = append(lines, fmt.Sprintln(name, "broken"))
	}
	slices.Sort(lines)
	fmt.Fprint(h, strings.Join(lines, ""))
	return hex.EncodeToString(h.Sum(nil)), nil
}
