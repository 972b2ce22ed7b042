package fossology

import (
	"slices"
	"testing"
)

func TestInOrder(t *testing.T) {
	got := inOrder([]dirent{{"b", 8}, {"a", 4}, {"b", 4}, {"a.b", 8}, {"a", 4}})
	names := []string{}
	for _, n := range got {
		names = append(names, n.name)
	}
	if want := []string{"a", "a.b", "b"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}
