package bench_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestISOScript: the script is one that bash reads, and says how it is used.
func TestISOScript(t *testing.T) {
	if out, err := exec.Command("bash", "-n", "source-iso.sh").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	out, err := exec.Command("bash", "source-iso.sh").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "usage: source-iso.sh DIR") {
		t.Errorf("%v: %s", err, out)
	}
	// What is there is not made again.
	dir := t.TempDir()
	sum, err := exec.Command("bash", "-c", "sha256sum source-iso.sh | cut -c1-12").Output()
	if err != nil {
		t.Fatal(err)
	}
	iso := filepath.Join(dir, "source-rpms-"+strings.TrimSpace(string(sum))+"-66.iso")
	if err := os.WriteFile(iso, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err = exec.Command("bash", "source-iso.sh", dir).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != iso {
		t.Errorf("%v: %s", err, out)
	}
}
