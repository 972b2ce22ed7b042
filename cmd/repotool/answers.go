package main

import "maps"

// answers says what each command answers with --json: a key a line, as jq writes
// it, with what it holds. Words in capitals stand for keys that are data. A "?"
// marks a key that is left out where there is nothing to say. It is the JSON
// section of the help pages; tests compare it with the types that are encoded,
// with testdata/json, and with the answers of real runs. What is "as repotool X
// prints it" has the keys of X below it. The families of commands are in files of their
// own.
var answers = func() map[string]string {
	all := map[string]string{}
	for _, family := range []map[string]string{generalAnswers, snapshotAnswers, restoreAnswers, goldAnswers, pruneAnswers, benchAnswers} {
		maps.Copy(all, family)
	}
	return all
}()

// generalAnswers are those of the commands that are of no family.
var generalAnswers = map[string]string{
	"init": `
store                 the directory of the store
id                    its identity, the same for ever
freeBytes             free room
freeInodes            free inodes; -1: as many files as fit`,

	"doctor": `
installation          name of the installation
checks[].what         what was looked at
checks[].status       ok, note, warn or bad
checks[].text         what was seen
checks[].mend?        what to do
ok                    how many checks were good
note                  how many could be better, though nothing is wrong
warn                  how many are doubtful
bad                   how many would make a run fail`,

	"version": `
version               of repotool
commit?               it was built from
modified?             true: from files that differ from the commit
storeFormat           the newest that it writes and reads
go                    release that compiled it
platform              system and processor`,
}
