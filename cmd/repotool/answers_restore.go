package main

// restoreAnswers are those of the commands that bring a snapshot back, or prove that it can be.
var restoreAnswers = map[string]string{
	"restore": `
snapshot              its name
installation          name of the installation
to                    the directory of the files
plan                  true: nothing was done, this is what would be
files.files?          files that were asked for
files.bytes?          their bytes
files.written?        files that were not there
files.replaced?       files that were there with other bytes
files.kept?           files that were right already
files.linked?         of those written, links to each other
files.damaged?        files that are damaged in the store, not restored
files.foreign?        files whose owner, mode or time could not be set
files.newBytes?       bytes written
files.symlinks?       symbolic links among files.files
files.leftOut?        files that are not stored, since gold makes them
files.leftOutBytes?   their bytes
rebuild.wanted.files? of them, those that were not there
rebuild.wanted.bytes? their bytes
rebuild.golds?        golds that make them
rebuild.rebuilt.files?
                      files that came back from gold
rebuild.rebuilt.bytes?
                      their bytes
rebuild.lost?         files that did not
rebuild.foreign?      files whose owner, mode or time could not be set
rebuild.linked?       files that came back as links to others of them
queue.queued[]?       --rebuild queue: jobs inserted, one for each upload
queue.reset[]?        jobs that wait again instead of running
queue.waits?          how many dependencies on the new jobs were inserted
unheld?               --rebuild queue: files left out that no upload holds
laterCommand?         --rebuild later: the command that brings the files back
standstillSeconds?    how long FOSSology stood still, in place
storedSeconds?        how long it took until all that was stored was back
seconds?              how long all of it took
room.dir?             plan: the nearest directory that exists
room.freeBytes?       plan: free room there
room.freeInodes?      plan: free inodes there; -1: as many files as fit
databases[].name?     name under which it was restored
databases[].before?   name that the one before it has now
databases[].bytes?    size of the dump as SQL
databases[].rows.TABLE?
                      rows of upload, pfile, uploadtree, jobqueue
databases[].removed[]?
                      databases that killed restores had left
databases[].rolesCreated[]?
                      roles that were made, because the dump needs them
databases[].warnings[].kind?
                      of what sort
databases[].warnings[].text?
                      what somebody should know
databases[].warnings[].hint?
                      and what to do about it
databases[].exists?   plan: a database of that name is there
databases[].existsBytes?
                      plan: its size
databases[].encoding? plan: of the dump
databases[].serverVersion?
                      plan: of the server, as 150020 for 15.20
databases[].dumpVersion?
                      plan: of the server that was dumped
problems[]?           plan: why it would fail
findings.KIND         how many there are
firstFindings[].kind  the first few of each kind
firstFindings[].path? what it is about
firstFindings[].detail?
                      what was found`,

	"verify": `
scope                 store, snapshot or source
snapshot?             with SNAPSHOT: its name
objects               objects read; with SNAPSHOT, one that serves several
                      files counts for each
skipped               objects not read, because of --sample or --budget
bytes                 bytes read
snapshots             snapshots checked for completeness
snapshotsSkipped      snapshots not checked, because of --budget
files                 files of snapshots that were looked for; with --source:
                      files of the repository
leftOut               with SNAPSHOT: of those, the ones that gold brings back
rebuild.wanted.files? with --rebuild: those, whose gold was unpacked
rebuild.wanted.bytes? their bytes
rebuild.golds?        golds that were unpacked
rebuild.rebuilt.files?
                      files that came out, byte for byte
rebuild.rebuilt.bytes?
                      their bytes
rebuild.lost?         files that did not
rebuild.foreign?      always 0
rebuild.linked?       always 0
unnamed               of the files, the ones without a checksum for a name, which
                      are not checked
pruned                with --source: files that are not there, but that gold
                      makes
compared              with --source: rows and files were compared
repaired              objects and files of days put right
quarantine?           directory of the store with what they replaced
findings.KIND         how many there are
findingList[].kind    each of them, the first 10,000
findingList[].what    object, path or snapshot
findingList[].detail? what was found
findingList[].for?    what the object is needed for
findingList[].installation?
                      whose snapshot suffers from it
findingList[].snapshot?
                      the first snapshot that suffers from it
findingList[].snapshots?
                      how many suffer from it
findingList[].cycle?  in which cycle the object or path is, by its base
findingList[].repaired?
                      true if it was put right
notListed             how many more there are than findingList has`,
}
