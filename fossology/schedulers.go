package fossology

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// schedulerProgram is what FOSSology's "fo_scheduler --kill", which its init script calls to
// stop the service, looks for in the names of processes; it ends all that it finds.
const schedulerProgram = "fo_scheduler"

// otherSchedulers are the processes of this host that it would find, but for one and its
// children, which are agents about to begin.
func otherSchedulers(pid int) (others []int) {
	processes, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range processes {
		line, err := os.ReadFile(name)
		program, _, _ := bytes.Cut(line, []byte{0})
		if err != nil || !strings.Contains(string(program), schedulerProgram) {
			continue // it may have ended
		}
		dir := filepath.Dir(name)
		n, err := strconv.Atoi(filepath.Base(dir))
		if err == nil && n != pid && parentOf(dir) != pid {
			others = append(others, n)
		}
	}
	return others
}

// parentOf is the process that started the one whose directory in /proc it is; 0 if it has
// ended.
func parentOf(proc string) int {
	b, err := os.ReadFile(filepath.Join(proc, "stat"))
	if err != nil {
		return 0
	}
	// pid (name) state parent ...: the name may hold blanks and brackets.
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(f) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(f[1])
	return n
}
