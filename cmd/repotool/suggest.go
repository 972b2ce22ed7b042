package main

import (
	"fmt"
	"strings"
)

// didYouMean is a hint: the known word nearest to the one that was written,
// with prefix before it, or otherwise if none is near.
func didYouMean(word string, known []string, prefix, otherwise string) string {
	if best := nearest(word, known); best != "" {
		return fmt.Sprintf("did you mean %s%s?", prefix, best)
	}
	return otherwise
}

// nearest returns the known word that takes the fewest typing mistakes to
// become word, or "" if even that one takes more than a third of its letters.
func nearest(word string, known []string) string {
	word = strings.ToLower(word)
	best, least := "", 1<<30
	for _, k := range known {
		d := typingDistance(word, k)
		if len(word) > 1 && (strings.HasPrefix(k, word) || strings.HasPrefix(word, k) && len(k) > 2) {
			d = min(d, 1)
		}
		if d < least && d <= max(1, (len(k)+2)/3) && d < len(k) {
			best, least = k, d
		}
	}
	return best
}

// typingDistance counts the letters to insert, delete, replace or swap with
// their neighbour that make b of a.
func typingDistance(a, b string) int {
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := above[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(row[j-1]+1, above[j]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}

// oneOf checks a setting that has a few legal values.
func oneOf(what, value string, legal ...string) error {
	for _, l := range legal {
		if value == l {
			return nil
		}
	}
	list := strings.Join(legal, ", ")
	if strings.Count(list, ",") >= len(legal) { // some have commas of their own
		list = strings.Join(legal, "; ")
	}
	return &usageError{
		err:  fmt.Errorf("%s %q: expected one of %s", what, value, list),
		hint: didYouMean(value, legal, "", ""),
	}
}
