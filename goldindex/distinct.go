package goldindex

import "slices"

// distinct is a list in which nothing is twice. Thousands of golds may make the same
// content, such as the text of a licence, so a long one is not searched from end to end.
type distinct[T comparable] struct {
	list []T
	seen map[T]bool // of a long list
}

const longList = 32

func (d *distinct[T]) add(x T) {
	if d.has(x) {
		return
	}
	d.list = append(d.list, x)
	switch {
	case d.seen != nil:
		d.seen[x] = true
	case len(d.list) > longList:
		d.seen = make(map[T]bool, 2*longList)
		for _, x := range d.list {
			d.seen[x] = true
		}
	}
}

func (d *distinct[T]) has(x T) bool {
	if d.seen != nil {
		return d.seen[x]
	}
	return slices.Contains(d.list, x)
}
