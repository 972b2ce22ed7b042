package unpack_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"repotool/repotest"
	"repotool/unpack"
)

// deflate64 is a zip by 7z of one file, by method 9.
func deflate64(t testing.TB, content []byte, level string) []byte {
	t.Helper()
	dir := t.TempDir()
	file, zip := filepath.Join(dir, "f"), filepath.Join(dir, "z.zip")
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(repotest.Tool(t, "7z"), "a", "-tzip", "-mm=Deflate64", "-mx="+level, zip, file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(zip)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestDeflate64 decodes what 7z makes: codes of a block's own and fixed ones, stored
// blocks, matches that are farther and longer than deflate has.
func TestDeflate64(t *testing.T) {
	noise := make([]byte, 200_000)
	rand.NewChaCha8([32]byte{9}).Read(noise)
	for name, content := range map[string][]byte{
		"text": text(1_500_000), "short": []byte("abc"), "zeros": make([]byte, 700_001), "noise": noise,
		"far": bytes.Repeat(noise[:60_000], 5), "mixed": append(bytes.Repeat(noise[:50_000], 3), text(100_000)...),
	} {
		for _, level := range []string{"1", "9"} {
			r := unpackBytes(t, "z.zip", deflate64(t, content, level), unpack.Options{})
			if got := leaves(r)["f"]; got != sum(content) {
				t.Errorf("%s, level %s: %s, %v", name, level, got, r.Skipped)
			}
		}
	}
}

// TestDeflate64Cut: what was decoded before the damage comes out, as unzip keeps it.
func TestDeflate64Cut(t *testing.T) {
	content := text(400_000)
	z := deflate64(t, content, "5")
	body := bytes.Index(z, []byte("f")) + 1
	for at := body; at < len(z)-100; at += len(z) / 40 {
		damaged := bytes.Clone(z)
		copy(damaged[at:], "\xff\xff\xff\xff\xff\xff")
		r := unpackBytes(t, "z.zip", damaged, unpack.Options{})
		for _, n := range everyRow(t, r) {
			if n.Name == "f" && n.Digests.Size > int64(len(content))+100_000 {
				t.Errorf("damaged at %d: %d bytes", at, n.Digests.Size)
			}
		}
	}
}
