package snapshot

import (
	"cmp"
	"iter"
)

// A pair is what two sorted streams have at one place; the side that has
// nothing there is nil.
type pair[T any] struct{ a, b *T }

// pairs walks through two sorted streams together. An error of either is
// yielded with an empty pair, and ends it.
func pairs[T any](a, b iter.Seq2[T, error], compare func(a, b T) int) iter.Seq2[pair[T], error] {
	return func(yield func(pair[T], error) bool) {
		nextA, stopA := iter.Pull2(a)
		defer stopA()
		nextB, stopB := iter.Pull2(b)
		defer stopB()
		headA, errA, okA := nextA()
		headB, errB, okB := nextB()
		for okA || okB {
			if errA != nil || errB != nil {
				yield(pair[T]{}, cmp.Or(errA, errB))
				return
			}
			c := 0
			switch {
			case !okB:
				c = -1
			case !okA:
				c = 1
			default:
				c = compare(headA, headB)
			}
			var p pair[T]
			if c <= 0 {
				head := headA
				p.a = &head
				headA, errA, okA = nextA()
			}
			if c >= 0 {
				head := headB
				p.b = &head
				headB, errB, okB = nextB()
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}
