package main

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	// niceness is that of work that can wait: below everything that FOSSology does.
	niceness = 10
	// ioprio is the lowest level of the class "best effort", as ioprio_set takes it:
	// idle might never come to an end beside a busy FOSSology.
	ioprio = 2<<13 | 7
	// ioprioProcess makes ioprio_set speak of one thread.
	ioprioProcess = 1
	// nicedRounds bounds how often the threads are listed again.
	nicedRounds = 10
)

// stepBack gives this process, and the programs that it starts, less of the
// processors and disks. On Linux that belongs to each thread; a new one has it from
// the one that made it, so the list is read until there is nothing new.
func stepBack() error {
	done := map[string]bool{}
	for range nicedRounds {
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("lower priority: %w", err)
		}
		fresh := false
		for _, task := range tasks {
			tid, err := strconv.Atoi(task.Name())
			if err != nil || done[task.Name()] {
				continue
			}
			done[task.Name()], fresh = true, true
			if err := stepBackThread(tid); err != nil && err != unix.ESRCH { // it has ended
				return fmt.Errorf("lower priority: %w", err)
			}
		}
		if !fresh {
			break
		}
	}
	return nil
}

func stepBackThread(tid int) error {
	now, err := unix.Getpriority(unix.PRIO_PROCESS, tid)
	if err != nil {
		return err
	}
	if 20-now < niceness { // the system call counts the other way round
		if err := unix.Setpriority(unix.PRIO_PROCESS, tid, niceness); err != nil {
			return err
		}
	}
	if _, _, errno := unix.Syscall(unix.SYS_IOPRIO_SET, ioprioProcess, uintptr(tid), ioprio); errno != 0 {
		return errno
	}
	return nil
}
