package unpack_test

import "testing"

// A difference is a row that is on one side only.
type difference struct {
	row
	missing bool // FOSSology has it
}

// An exception is a kind of difference that is accepted, with a reason. The number
// of times it occurs is exact, so the list can only shrink.
type exception struct {
	upload string // "": all together
	is     func(difference) bool
	count  int
	why    string
}

var exceptions = []exception{
	{"", func(d difference) bool { return d.class == "meta" && d.missing && d.name != "meta" }, 39,
		"artifact.meta is a tool's report on an archive, with the path where that lay at the moment"},
	{"", func(d difference) bool { return d.class == "meta" && !d.missing }, 39,
		"the same rows, whose content is never made"},
	{"88", func(d difference) bool { return !d.missing }, 194,
		"FOSSology's unpacker was killed: what it did not come to is here"},
}

// excuses counts what exceptions excused.
type excuses map[int]int

// excuse says whether a difference is accepted.
func (x excuses) excuse(d difference) bool {
	for i, e := range exceptions {
		if (e.upload == "" || e.upload == d.upload) && e.is(d) {
			x[i]++
			return true
		}
	}
	return false
}

// check compares the counts with the list; only is the upload that was looked at,
// "" for all.
func (x excuses) check(t *testing.T, only string) {
	for i, e := range exceptions {
		if (only == "" || only == e.upload) && x[i] != e.count {
			t.Errorf("%d differences are excused, but the list says %d: %s", x[i], e.count, e.why)
		}
	}
}
