package main

// snapshotAnswers are those of the commands that take snapshots, look at them, and let them go.
var snapshotAnswers = map[string]string{
	"snapshot": `
version               format of the summary
installation          name of the installation
name                  name of the snapshot
time                  when it was taken
repotool              version that took it
strategy              full or gold
detection             how change was noticed: walk or read
fullScan              every directory was read
dayLayout             flat, native or none
files                 files in the snapshot
bytes                 their bytes
types.TYPE.files      the same for gold, files, logs, …
types.TYPE.bytes
leftOut.files?        of them, those not stored: gold of the snapshot makes them
leftOut.bytes?        their bytes
unpacker?             who proved that
read.files            files read from the repository
read.bytes            their bytes
added.files           objects that were new to the store
added.bytes           their bytes
removed               files that were in the snapshot before, and are gone
pruned.files?         files that the repository has not got, that the database
                      refers to, and that gold makes
pruned.bytes?         their bytes
workFiles             files and directories of agents at work, left out
directories           directories of the repository
directoriesRead       of those, the ones that had to be read
standstillSeconds     how long FOSSology stood still
seconds               how long it took
database.rawBytes?    size of the dump as SQL
database.newRaw?      of that, what was new to the store
database.newBytes?    bytes that this took in the store, compressed
database.pieces?      pieces that the dump was cut into
database.newPieces?   of those, the new ones
rows.TABLE?           rows of upload, pfile, uploadtree, jobqueue
findings.KIND         how many there are
firstFindings[].kind  the first few of each kind
firstFindings[].path? what it is about
firstFindings[].detail?
                      what was found
record?               BLAKE3 of the record of all findings
scheme?               rotating
cycle?                the base of the cycle that it belongs to
rotation.newBase?     why a new cycle was begun
rotation.removed[]?   old cycles that went, by their bases
rotation.kept[].base? old cycles that were to go
rotation.kept[].why?  why they stay
staleJobs[]?          jobs that only the database says are running
unseenHosts[]?        hosts whose agents could not be looked for
standstillBroken?     somebody started the scheduler meanwhile`,

	"snapshot --dry-run": `
installation          name of the installation
repository            its path
parent?               the snapshot that it would build on
total.files           files that the snapshot would hold
total.bytes           their bytes
new.files             of those, the ones that the parent has not got
new.bytes             their bytes
leftOut.files?        of all, those that gold makes, by the ledger as it is today
leftOut.bytes?        their bytes
removed               files that only the parent has
workFiles             files and directories of agents at work, left out
unreadable            files and directories that cannot be read
database              how it would be dumped, as --database says
rows.TABLE?           rows of upload, pfile, uploadtree, jobqueue
quiesce               stop or none
freeBytes             free room in the store
freeInodes            free inodes there; -1: as many files as fit
scheme                linked or rotating
newBase?              why it would begin with a new base
problems[]?           what will not fit`,

	"snapshot --forget": `
snapshot              as repotool snapshot prints it
forget                as repotool forget prints it`,

	"forget": `
installation          name of the installation
dryRun                true: nothing was done, this is what would be
policy.last?          what is kept, see --keep-last …
policy.hourly?
policy.daily?
policy.weekly?
policy.monthly?
policy.yearly?
policy.within?
decisions[].snapshot  every snapshot, the newest first
decisions[].keep      whether it is to stay
decisions[].reasons[] why
decisions[].damage?   kinds of findings that say that it lacks something
forgotten[]           snapshots that are gone
inUse[].snapshot?     snapshots that were to go, and stay for now
inUse[].by?           who reads them
garbage?              as repotool gc prints it`,

	"recover": `
store                 the store's directory
dryRun                true: nothing was done, this is what would be
header?               what was wrong with store.json or README.txt
adopted               store.json was lost
objects               the folder objects/ was gone
broken[].installation? what was found
broken[].snapshot?
broken[].why?
broken[].day?         its day directory is there
broken[].layout?      of the day that is missing
recovered[].installation?
                      manifests that were made anew
recovered[].snapshot?
recovered[].like?     the snapshot that told what a day does not show
recovered[].files.files?
                      of the manifest
recovered[].files.bytes?
recovered[].plain?    files whose mode, owner and time are not known
recovered[].leftOut?  files that gold brings back
recovered[].unknown?  the same, of which nobody knows enough: not in it
recovered[].databases?
recovered[].damaged?  files of the day that are damaged: not in it
recovered[].aside?    where what stood there is, in the store
recovered[].findings.KIND?
recovered[].firstFindings[].kind?
recovered[].firstFindings[].path?
recovered[].firstFindings[].detail?
days[]?               that were made again
cannot[].installation? what could not be recovered, and why
cannot[].snapshot?
cannot[].why?
cannot[].day?
cannot[].layout?
cycles[].dir?         cycles of which these were broken:
cycles[].header?      store.json or README.txt, and what was wrong
cycles[].adopted?     store.json was lost
cycles[].objects?     the folder objects/ was gone`,

	"pin": `
snapshot              its name
pinned                true
wasPinned             it was before`,

	"unpin": `
snapshot              its name
pinned                false
wasPinned             it was before`,

	"gc": `
generation            number of this run's quarantine
snapshots             snapshots whose manifests were read
objects               objects that are needed
quarantined.objects   objects that are not, put into quarantine
quarantined.bytes     their bytes
returned.objects      objects that were brought back from there
returned.bytes        their bytes
deleted.objects       objects of an earlier quarantine, deleted
deleted.bytes         their bytes
freed.objects         of them, those that no day directory shows
freed.bytes           their bytes: so much room is free
waiting.objects       objects of an earlier quarantine that cannot go yet
waiting.bytes         their bytes
heldBy[]?             because of these runs
forgotten             forgotten snapshots that were removed from the trash
troubles[].kind?      what could not be looked at
troubles[].path?
troubles[].detail?
seconds               how long it took`,

	"snapshots": `
snapshots[]           each as repotool snapshot prints it`,

	"snapshots SNAPSHOT": `
summary               as repotool snapshot prints it
findingList[].kind    what sort of finding
findingList[].path?   what it is about
findingList[].detail? what was found`,

	"ls": `
path                  relative to the repository, or below database/
raw?                  the path in base64, if it is not UTF-8
kind                  file, directory, symlink, database or sum
size                  bytes; of a database: as SQL
mode?                 octal, as chmod takes it
uid?                  owner
gid?                  group
mtime?                time of change
object?               BLAKE3-256 of the content
target?               of a symbolic link
links?                files with the same number are links to each other
files?                how many files are below, of a sum
gold?                 of a file that is not stored: the gold that makes it`,

	"diff": `
path?                 what differs, relative to the repository
change?               added, removed, content or metadata
old?                  the file in A, as repotool ls prints it
new?                  the file in B, as repotool ls prints it
summary.from?         name of snapshot A
summary.to?           name of snapshot B
summary.added?        files in B only
summary.addedBytes?   their bytes
summary.removed?      files in A only
summary.removedBytes? their bytes
summary.content?      files with other bytes
summary.metadata?     files with another mode, owner, time or kind only
summary.directories?  directories that came, went, or have another mode or owner
summary.rows.TABLE[]? where the database has other counts: rows in A, rows in B`,
}
