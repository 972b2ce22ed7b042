// Repotool backs up, restores and checks the repository and database of a
// FOSSology server.
//
// This package is the command line and nothing more: it reads flags,
// environment and configuration, calls one package, and prints what that
// package returned. What a command does is written in fossology, store,
// goldindex, reunpack, snapshot, verify and bench.
//
// # How a command line is read
//
// arrange (arguments.go) sorts the arguments first, so that flags may stand
// before the command, after it, and after its arguments; it also finds unknown
// words and says which known one was meant. The flag parser then sees commands,
// flags, "--" and arguments, in that order.
//
// A setting has, from strongest to weakest, these sources: its flag, its
// environment variable REPOTOOL_<FLAG>, its key in the section
// [installation.<NAME>] of the configuration file, its key at the top of that
// file (store and installation only), its default (settings.go).
//
// # Streams
//
// Standard output carries the answer: a table or lines for people, with --json
// one JSON object (ls and diff: one object per line). For agent run it is the scheduler's
// end of a conversation. Standard error carries
// findings, warnings, errors and, on a terminal only, progress. Nothing waits for
// an answer from a keyboard.
//
// # Exit codes
//
//	0    good
//	1    failed; nothing that was there before is lost
//	2    wrong flags, arguments or configuration file; nothing was done
//	3    done, with findings that somebody should look at
//	4    another run holds the lock
//	5    FOSSology could not be brought to a standstill
//	130  interrupted by SIGINT or SIGTERM; what was stopped is started again
//
// exit.go derives them from typed errors, never from texts. A second signal
// ends the process at once; the watchdog of package fossology then starts the
// scheduler again.
package main
