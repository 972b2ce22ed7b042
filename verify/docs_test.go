package verify_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"repotool/repotest"
)

// TestPageOfTheStore: the page that says what can break knows every kind of finding.
func TestPageOfTheStore(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(repotest.Root(t), "docs", "store.md"))
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("finding.go")
	if err != nil {
		t.Fatal(err)
	}
	kinds := regexp.MustCompile(`Kind += "([a-z-]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(kinds) < 15 {
		t.Fatalf("%d kinds", len(kinds))
	}
	for _, k := range kinds {
		if !strings.Contains(string(page), "`"+k[1]+"`") {
			t.Errorf("%s is not in docs/store.md", k[1])
		}
	}
}
