// The program demo tells a story with a real FOSSology: its repository and
// database are backed up, changed, backed up again, destroyed and restored. It
// ends with counts that it took itself, without repotool, before and after.
//
//	go run ./scripts/demo -repotool ./repotool
//
// Everything happens in a temporary directory, with a PostgreSQL cluster of its
// own that is gone afterwards. It takes less than two minutes.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"repotool/repotest"
)

func main() {
	program := flag.String("repotool", "./repotool", "the program to show")
	flag.Parse()
	start := time.Now()
	if err := demonstrate(*program); err != nil {
		fmt.Fprintln(os.Stderr, "\ndemo:", err)
		os.Exit(1)
	}
	fmt.Printf("\nThe whole story took %.0f seconds.\n", time.Since(start).Seconds())
}

// demo is what the acts share.
type demo struct {
	program    string
	dir        string // everything happens below
	repository string
	db         string // name of FOSSology's database
	cluster    *repotest.Cluster
	scheduler  *repotest.Scheduler
}

// demonstrate sets the stage, plays the acts and clears up.
func demonstrate(program string) (err error) {
	d := &demo{db: "fossology"}
	if d.program, err = filepath.Abs(program); err != nil {
		return err
	}
	if d.dir, err = os.MkdirTemp("", "repotool-demo-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(d.dir)) }()
	d.repository = filepath.Join(d.dir, "repository")

	say("A FOSSology 4.7 with 94 uploads: repository, database and scheduler.")
	if d.cluster, err = repotest.Start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.cluster.Stop()) }()
	sysconf := filepath.Join(d.dir, "etc")
	if err := errors.Join(
		d.cluster.Load(d.db),
		repotest.Unpack(d.dir),
		os.Mkdir(sysconf, 0o750),
		repotest.WriteSysconf(sysconf, d.repository, d.cluster.DSN(d.db)),
	); err != nil {
		return err
	}
	if d.scheduler, err = repotest.StartScheduler(repotest.SchedulerOptions{Sysconf: sysconf, StartDelay: 300 * time.Millisecond}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.scheduler.Close()) }()
	start := d.scheduler.StartCommand()
	for name, value := range map[string]string{
		"SYSCONF": sysconf, "STORE": filepath.Join(d.dir, "store"), "STATE_DIR": filepath.Join(d.dir, "state"),
		"SCHEDULER": d.scheduler.Address(), "START_COMMAND": start[len(start)-1], "ADMIN": d.cluster.AdminDSN("postgres"),
	} {
		os.Setenv("REPOTOOL_"+name, value)
	}
	fmt.Printf("  They are real ones, as a server left them that lost an agent at its work. All is below\n  %s,\n", d.dir)
	fmt.Println("  with a PostgreSQL of its own, and gone afterwards. Only the scheduler is a double: it speaks the")
	fmt.Println("  recorded protocol on a port, and its agents are real processes that do no work.")
	fmt.Println("  repotool finds all that by its environment: REPOTOOL_SYSCONF=etc REPOTOOL_STORE=store …")

	for _, act := range []func() error{d.firstNight, d.secondNight, d.history, d.disaster} {
		if err := act(); err != nil {
			return err
		}
	}
	return nil
}

// say begins a part of the story.
func say(format string, args ...any) {
	bold, plain := "", ""
	if st, err := os.Stdout.Stat(); err == nil && st.Mode()&os.ModeCharDevice != 0 {
		bold, plain = "\033[1m", "\033[0m"
	}
	fmt.Printf("\n%s%s%s\n", bold, fmt.Sprintf(format, args...), plain)
}

// repotool runs the program and shows the command and its answer. Exit code 3,
// done with findings, is no failure: the real FOSSology has some.
func (d *demo) repotool(args ...string) error {
	fmt.Printf("$ repotool %s\n", strings.Join(args, " "))
	out, err := exec.Command(d.program, args...).CombinedOutput()
	const most = 24
	lines := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
	for i, line := range lines {
		if i == most && len(lines) > most+2 {
			fmt.Printf("  … %d more lines\n", len(lines)-most)
			break
		}
		fmt.Printf("  %s\n", strings.ReplaceAll(line, d.dir+"/", ""))
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 3 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("repotool %s: %w", args[0], err)
	}
	return nil
}

// firstNight makes the store and takes a snapshot.
func (d *demo) firstNight() error {
	say("The first night: make a store, take a snapshot.")
	return errors.Join(d.repotool("init"), d.repotool("snapshot"))
}

// secondNight changes something and takes another snapshot.
func (d *demo) secondNight() error {
	say("A day of work: FOSSology rewrites files it already had; one new upload, one deleted.")
	for _, change := range []func() (string, error){d.rewrite, d.upload, d.deleteUpload} {
		what, err := change()
		if err != nil {
			return err
		}
		fmt.Println("  " + what)
	}
	say("The second night, while the agent of job 195 is at work for two seconds more.")
	if _, err := d.scheduler.LaunchAgent(195, "nomos", 2*time.Second); err != nil {
		return err
	}
	return errors.Join(d.repotool("snapshot"), d.standstill())
}

// history looks at what there is.
func (d *demo) history() error {
	say("What do we have, and what did the day change?")
	return errors.Join(d.repotool("snapshots"), d.repotool("diff", "latest~1", "latest"))
}

// disaster destroys repository and database, restores both and compares.
func (d *demo) disaster() error {
	before, err := d.inspect()
	if err != nil {
		return err
	}
	say("The disaster: repository deleted, database dropped.")
	if err := os.RemoveAll(d.repository); err != nil {
		return err
	}
	if _, err := d.cluster.Query("postgres", "DROP DATABASE "+d.db+" WITH (FORCE)"); err != nil {
		return err
	}
	fmt.Println("  Neither is left. The store is all we have.")

	say("The recovery: what would a restore do? Do it.")
	if err := errors.Join(d.repotool("restore", "--plan", "latest"), d.repotool("restore", "latest")); err != nil {
		return err
	}
	say("Is everything there? repotool reads every object, every file and every row.")
	if err := errors.Join(d.repotool("verify"), d.repotool("verify", "--source")); err != nil {
		return err
	}
	say("And counted without repotool, before the disaster and after the recovery:")
	after, err := d.inspect()
	if err != nil {
		return err
	}
	return before.compare(after)
}
