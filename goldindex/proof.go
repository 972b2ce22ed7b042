package goldindex

import (
	"fmt"

	"repotool/fossology"
)

// Proof returns the golds of which each makes a content that is confirmed, and its
// BLAKE3. There are none if it is not confirmed.
func (l *Ledger) Proof(n fossology.Name) (sum [32]byte, golds []fossology.Name, err error) {
	sum, ok, err := l.reading(n)
	if !ok || err != nil {
		return sum, nil, err
	}
	makers, err := l.makers(n)
	for _, m := range makers {
		if m.half == [16]byte(sum[:16]) {
			golds = append(golds, m.gold)
		}
	}
	return sum, golds, err
}

// Upload is the file name with which a gold was unpacked: that of its upload.
func (l *Ledger) Upload(gold fossology.Name) (string, error) {
	h, err := l.header(gold)
	if err != nil {
		return "", fmt.Errorf("look up gold %s: %w", gold, err)
	}
	return h.Upload, nil
}
