package main

// answers says what each command answers with --json: a key a line, as jq writes
// it, with what it holds. Words in capitals stand for keys that are data. A "?"
// marks a key that is left out where there is nothing to say. It is the JSON
// section of the help pages; tests compare it with the types that are encoded,
// with testdata/json, and with the answers of real runs. What is "as repotool X
// prints it" has the keys of X below it.
var answers = map[string]string{
	"init": `
store                 the directory of the store
id                    its identity, the same for ever
freeBytes             free room
freeInodes            free inodes; -1: as many files as fit`,

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

	"reunpack": `
missing.files         files that were missing of what was asked for
missing.bytes         their bytes
written.files         of those, brought back
written.bytes         their bytes
there.files           of those, brought by somebody else meanwhile
there.bytes           their bytes
golds                 golds that were opened
lost.reasons.REASON.files
                      files that were not brought back, because of it
lost.reasons.REASON.bytes
                      their bytes
lost.list[].name?     each of them, the first 10,000
lost.list[].reason?   why it is not brought back
lost.list[].detail?   more about it
foreign               new files and directories whose owner could not be set
seconds               how long it took`,

	"reunpack --jobs": `
plan                  true: nothing was done, this is what would be
uploads[].upload      uploads with jobs that had not ended
uploads[].running[]?  their jobs that the database believes to run
uploads[].waiting[]?  their jobs that wait
uploads[].cutShort?   its first unpack did not end: its tree stays cut
uploads[].missing     files of its that are missing, tools' reports not counted
uploads[].left?       why its jobs stay as they are
missing.files         files of these uploads that are missing
missing.bytes         their bytes
files?                as repotool reunpack prints it
jobs.reset[]?         jobs that wait again
jobs.queued[]?        jobs inserted that unpack an upload
jobs.waits?           dependencies inserted`,

	"agent install": `
directory             of the agent, among FOSSology's
done                  false: nothing was written, this is what would be
replaced?             version of the agent that was there before
files.NAME?           content of each file in it
program?              the program that is copied`,

	"agent remove": `
directory             of the agent, among FOSSology's
done                  false: nothing was removed
replaced?             version of the agent that was there`,

	"reunpack --dry-run": `
missing.files         files that are missing of what was asked for
missing.bytes         their bytes
rebuilt.files         of those, what gold brings back
rebuilt.bytes         their bytes
golds[].name          golds that would be opened, the dearest first
golds[].upload        what it was uploaded as
golds[].files         files that are wanted from it
golds[].bytes         their bytes
golds[].cost.seconds  to unpack all of it, when that was last done
golds[].cost.bytes    that come out of it
golds[].cost.rows     rows of its tree
golds[].cost.files    of those, with a content
seconds               sum of the golds' seconds: it takes no longer
unpacked              sum of the bytes that come out of them
cannot.reasons.REASON.files
                      files that no gold brings back, because of it
cannot.reasons.REASON.bytes
                      their bytes
cannot.list[].name?   each of them, the first 10,000
cannot.list[].reason? why it is not brought back
cannot.list[].detail? more about it
troubles[]?           what could not be read while looking`,

	"prune": `
format                version of the plan
id                    its name
installation          what it is for
repository            its path
made                  when
level                 artifacts, containers or derived
filters.uploads[]?    the filters, as they were given
filters.before?
filters.minSize?
filters.readBefore?
filters.copies?
filters.free?
filters.unbacked?
filters.cutShort?
position.upload       how far the database had come: a plan is for that
position.pfile
position.uploadtree
position.jobqueue
position.deleted
position.unfinished
ledger                stamp of the ledger that it goes by
files                 files that were judged
victims.files         of those, the ones that go
victims.bytes         their bytes
freed                 bytes on the disk; a file with other links frees none
classes.CLASS.files   the same by class: intermediate, archive, uploaded, leaf
classes.CLASS.bytes
kept.REASON.files     files that stay, by the first reason
kept.REASON.bytes     their bytes
seconds               to bring all of it back; it takes no longer
golds[].name          golds that make it, the quickest for its bytes first
golds[].upload        what it was uploaded as
golds[].seconds       to unpack all of it, when that was last done
golds[].victims.files files that it brings back
golds[].victims.bytes their bytes
golds[].freed         what that frees
troubles[]?           what could not be read while looking`,

	"prune --execute": `
plan                  name of the plan
journal               file in which the run was written down
removed.files         files that went
removed.bytes         their bytes
freed                 bytes on the disk
directories           empty directories that went
kept.REASON.files     files of the plan that stayed after all
kept.REASON.bytes     their bytes
seconds               how long it took`,

	"dedup": `
format                version of the plan
kind                  dedup
id                    its name
installation          what it is for
repository            its path
made                  when
deep                  all files were compared, whatever they are called
how                   link or reflink
exact?                only files with the same owner, mode and time
minSize?              only files of at least so many bytes
files                 files that were looked at
groups                of files that are to share their bytes
same.files            files that are to get the bytes of another one
same.bytes            their bytes
freed                 bytes on the disk; an inode with other names frees none
kept.REASON.files     files with a double that stay as they are
kept.REASON.bytes     their bytes
troubles[]?           what could not be read while looking`,

	"dedup --execute": `
plan                  name of the plan
journal               file in which the run was written down
same.files            files that share the bytes of another one now
same.bytes            their bytes
freed                 bytes on the disk
kept.REASON.files     files of the plan that stay as they were
kept.REASON.bytes     their bytes
seconds               how long it took
differ[]?             files whose bytes are not those of their double of the same
                      Name, the first 1,000`,

	"dedup --undo": `
plan                  name of the plan
journal               file in which the run was written down
back.files            files that have bytes of their own again
back.bytes            their bytes
apart.files           had them already
apart.bytes           their bytes
left.REASON.files     could not be given them, by the reason
left.REASON.bytes     their bytes
seconds               how long it took`,

	"dedup --list": `
runs[].journal        file in which the run was written down
runs[].plan           name of its plan
runs[].start          when it began
runs[].ended          it came to its end
runs[].undone?        what it did was taken back
runs[].report.plan    what it did, with the keys of dedup --execute
runs[].report.journal
runs[].report.same.files
runs[].report.same.bytes
runs[].report.freed
runs[].report.kept.REASON.files
runs[].report.kept.REASON.bytes
runs[].report.seconds
runs[].report.differ[]?`,

	"prune --undo": `
plan                  name of the plan
journal               file in which the run was written down
removed.files         files that the run had removed
removed.bytes         their bytes
back.files            of those, brought back now
back.bytes            their bytes
there.files           there already
there.bytes           their bytes
lost.reasons.REASON.files
                      not brought back, because of it
lost.reasons.REASON.bytes
                      their bytes
lost.list[].name?     each of them, the first 10,000
lost.list[].reason?   why
lost.list[].detail?   more about it
golds                 golds that were opened
seconds               how long it took`,

	"prune --list": `
runs[].journal        file in which the run was written down
runs[].plan           name of its plan
runs[].start          when it began
runs[].ended          it came to its end
runs[].undone?        what it removed was brought back
runs[].report.plan    what it did, with the keys of prune --execute
runs[].report.journal
runs[].report.removed.files
runs[].report.removed.bytes
runs[].report.freed
runs[].report.directories
runs[].report.kept.REASON.files
runs[].report.kept.REASON.bytes
runs[].report.seconds`,

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

	"index": `
golds                 golds in the repository
upToDate              of them, that needed no look
new                   golds that were unpacked
unpacked.seconds      what that took, added up over all processors
unpacked.bytes        that came out of them, contents in contents each time
unpacked.rows         places in them
unpacked.files        of those, the ones with a content
damaged               golds whose bytes contradict their name
missing               golds that the repository should hold and does not
forgotten             golds that are gone, and that no upload has
left                  golds that the budget did not reach
read                  files that were read, and are confirmed
readBytes             their bytes
differ                files whose bytes are not those that gold makes
leftFiles             files that the budget did not reach
rebuilt               damaged files of the ledger that were made anew
troubles              things that could not be read
firstNotes[]?         the first of damaged, missing, differ and troubles
seconds               how long it took`,

	"gold status": `
golds.unpacked        golds in the ledger, by the present unpacker
golds.outdated        by another one: they prove nothing
golds.damaged         whose bytes contradict their name
golds.missing         that the repository does not hold
files.files           files in the repository's files
files.bytes           their bytes
classes.CLASS.files   the same for confirmed, recorded, residue
classes.CLASS.bytes
reasons.REASON.files  the same for each reason of residue
reasons.REASON.bytes
absent.files.files    files that the database refers to and the repository lacks
absent.files.bytes    their bytes
absent.classes.CLASS.files
                      the same for confirmed, recorded, residue
absent.classes.CLASS.bytes
absent.reasons.REASON.files
                      the same for each reason of residue, and for not-indexed:
                      recorded ones that no gold in the ledger makes yet
absent.reasons.REASON.bytes
absent.made.files     of the absent, those that gold brings back
absent.made.bytes
absent.lost.files     those that some upload has, and no gold brings back
absent.lost.bytes
cutShort[]?           uploads whose first unpack did not come to its end
unpacking[]?          nor of these, but their unpack job has not ended
renamed               uploads of a gold that was unpacked under another's name
unpacker.version      version of the unpacker
unpacker.tools.TOOL?  what each tool of the system says of its version
ledger.bytes          size of the ledger
ledger.records        golds that it has a record of
ledger.made           rows that say which gold makes which content
ledger.read           rows of files that were read and confirmed
ledger.segments       files that hold the rows
ledger.broken         damaged files, which the next index makes anew
troubles              things that could not be read
firstNotes[]?         the first of them`,

	"gold which": `
name                  content name of the file
golds[].gold          content name of a gold that holds it
golds[].seconds       that it took to unpack
golds[].paths[]       where it stands in there
golds[].more?         how many more places there are`,

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

	"bench repo --make": `
files                 files made in files/, copies of gold included
gold                  files made in gold/
dirs                  directories made
bytes                 content of all of them
removed               files removed`,

	"bench unpack": `
runs[].name           the archive
runs[].in             its bytes
runs[].files          files that came out, archives in archives among them
runs[].out            their bytes
runs[].distinct.files each content once: what a repository stores
runs[].distinct.bytes
runs[].seconds        how long it took
runs[].cpu            seconds of processor time, of repotool and its tools
runs[].memory         bytes, the largest resident set of one process until then
runs[].stored.files?  with --scratch: files that were written there
runs[].stored.bytes?
runs[].kinds.KIND.archives
                      archives of a format
runs[].kinds.KIND.in  their bytes
runs[].kinds.KIND.files
                      what came out of them directly
runs[].kinds.KIND.out its bytes
runs[].skipped        things that did not come out
fossology[].name?     with --fossology: the archive
fossology[].what?     FOSSology, or FOSSology (recorded)
fossology[].in?       bytes of the archive
fossology[].files?    files that came out
fossology[].out?      their bytes
fossology[].distinct? each content once
fossology[].seconds?  how long it took
fossology[].cpu?      seconds of processor time`,

	"bench iso": `
iso                   the ISO that was made
runs[].name           the archive
runs[].in             its bytes
runs[].files          files that came out, archives in archives among them
runs[].out            their bytes
runs[].distinct.files each content once: what a repository stores
runs[].distinct.bytes
runs[].seconds        how long it took
runs[].cpu            seconds of processor time, of repotool and its tools
runs[].memory         bytes, the largest resident set of one process until then
runs[].stored.files?  with --scratch: files that were written there
runs[].stored.bytes?
runs[].kinds.KIND.archives
                      archives of a format
runs[].kinds.KIND.in  their bytes
runs[].kinds.KIND.files
                      what came out of them directly
runs[].kinds.KIND.out its bytes
runs[].skipped        things that did not come out
table[].what          a line of the table
table[].in            bytes of the ISO
table[].out           bytes of what a repository stores of it
table[].ratio         how many times as much that is
table[].seconds       how long it took
table[].scaled        it was not measured, but scaled by size`,

	"bench report": `
survey.repository     its path
survey.time           when it was looked at
survey.uploads        uploads that have content
survey.gold.files     gold: files, bytes, and bytes of their blocks
survey.gold.bytes
survey.gold.disk
survey.files.files    the same of files
survey.files.bytes
survey.files.disk
survey.other.files    whatever else stands in the repository
survey.other.bytes
survey.other.disk
survey.goldToo.files  of files: gold has them, too
survey.goldToo.bytes
survey.goldToo.disk
survey.unproven.files of files: a backup by gold keeps them
survey.unproven.bytes
survey.unproven.disk
survey.proven.files   of files: gold brings them back
survey.proven.bytes
survey.proven.disk
survey.leftOut.files  of them: a backup by gold does not hold them
survey.leftOut.bytes
survey.leftOut.disk
survey.unknown.files  of files: no row refers to them
survey.unknown.bytes
survey.unknown.disk
survey.classes.*.files
                      of files, by class: intermediate, archive, uploaded, leaf
survey.classes.*.bytes
survey.classes.*.disk
survey.prunable.*.files
                      what a prune could take at most, by level
survey.prunable.*.bytes
survey.prunable.*.disk
survey.directories    directories
survey.rebuild.golds  golds that the ledger knows
survey.rebuild.missing
                      golds that it does not know yet
survey.rebuild.seconds
                      to unpack them, one after another
survey.rebuild.bytes  bytes that come out
survey.rebuild.needed golds that make all that a backup by gold leaves out
survey.rebuild.least  seconds to unpack those, one after another
survey.rebuild.longest
                      of one of those
survey.months[].month a month
survey.months[].uploads
                      uploads of it
survey.months[].gold  their bytes
survey.months[].out   bytes that came of them
survey.largest[].upload
                      number of one of the ten largest uploads
survey.largest[].name its name
survey.largest[].gold bytes of its gold
survey.largest[].out  bytes that came of it
survey.largest[].files
                      files that came of it
survey.largest[].seconds
                      to unpack it
survey.byHand[].name? the figures that were given in place of an installation
survey.byHand[].says? what they are
survey.byHand[].value?
survey.byHand[].bytes?
survey.byHand[].from? where they come from
survey.byHand[].least?
survey.opened         large files were looked into for runs of zeros
survey.troubles[]?    what could not be read
` + assumptionKeys() + `assumptions.from.*    where a value comes from
assumptions.retention.last?
                      what is kept: the rules of retention
assumptions.retention.within?
assumptions.retention.hourly?
assumptions.retention.daily?
assumptions.retention.weekly?
assumptions.retention.monthly?
assumptions.retention.yearly?
choices[].strategy    a choice: full or gold
choices[].scheme      linked or rotating
choices[].days        flat, native or none
choices[].bytes.*     bytes on the disk after 1, 7, 30, 365 nights
choices[].snapshots.* snapshots that are kept then
choices[].standstill  seconds that FOSSology stands still in a night
choices[].service     seconds of a restore until FOSSology can start
choices[].last        seconds until the last file is back
choices[].bases.*     how often everything lies there then, at most
choices[].parts.base  what the bytes are made of, for whoever makes them again:
choices[].parts.snapshot
choices[].parts.around
choices[].parts.copies
choices[].parts.filesShare
                      around + bases x (base + dump + growth x (nights - 1)) +
                      (snapshot + dumpNight) x snapshots; growth is
                      growthGold and the share of growthFiles
choices[].parts.disk  what base and snapshot are made of: bytes, names of the
choices[].parts.names manifest and of a day, and lines of what is left out
choices[].parts.dayGold
choices[].parts.dayOthers
choices[].parts.leftOut
choices[].parts.leftOutBytes
choices[].parts.files files and bytes of a restore until service
choices[].parts.bytes
choices[].parts.rebuild
                      seconds to unpack what is left out, and of the longest
choices[].parts.longest
present?              the choice by which the last snapshot was taken
advice[]              what that comes to, in words
history[].name?       a snapshot: its name, and its strategy
history[].strategy?
history[].seconds?    that it took
history[].standstill? seconds that FOSSology stood still
history[].added?      bytes that it was the first to need, of the database too
history[].findings?   findings
checked[].what?       with --check: what was forecast
checked[].bytes?      it is bytes, else seconds
checked[].forecast?   what was forecast
checked[].was?        what then was`,

	"bench repo": `
time                  when it began
kernel                release of the kernel
processors            their number
processor             what they are
memory                bytes, of the machine
fileSystem            of the directory
files                 size of the repository
bytes?                that each step reads, where that is known
seed                  of the repository
contestants[]         who was measured, in the order of the tables
steps[]               in which steps, in theirs
versions.NAME         version of each program
commands.NAME.STEP[].args[]
                      what was run for a step
commands.NAME.STEP[].dir?
                      where
commands.NAME.STEP[].env[]?
                      with what in the environment
samples.NAME.STEP[].wall
                      seconds, one sample for each run
samples.NAME.STEP[].cpu
                      seconds of all processors, user and system
samples.NAME.STEP[].rss
                      bytes of memory, the largest process
samples.NAME.STEP[].parts[].wall?
                      the same of each command, if there are several
samples.NAME.STEP[].parts[].cpu?
samples.NAME.STEP[].parts[].rss?
samples.NAME.STEP[].settle
                      seconds that a syncfs takes afterwards
samples.NAME.STEP[].added.bytes
                      that the file system has less, after the step
samples.NAME.STEP[].added.inodes
samples.NAME.STEP[].walked.bytes
                      that du counts more, after the step
samples.NAME.STEP[].walked.inodes
samples.NAME.STEP[].failure?
                      why there are no figures
restored.NAME[].files files compared after a restore
restored.NAME[].missing
                      files and directories that the restored tree lacks
restored.NAME[].extra that only the restored tree has
restored.NAME[].content
                      files with other bytes
restored.NAME[].mode  files and directories with another mode
restored.NAME[].time  files with another time
restored.NAME[].dirTime
                      directories with another time, which is no fault
restored.NAME[].first?
                      a path that differs`,

	"bench scale": `
points[].contestant   who was measured
points[].step         in which step
points[].files        with how many files
points[].wall         seconds, the median
points[].cpu          seconds of all processors
points[].rss          bytes of memory, the largest process
points[].added.bytes  that the file system has less, after the step
points[].added.inodes
growth[].contestant   who was measured
growth[].step         in which step
growth[].wall         the fitted exponent: 1 is linear, 0 does not grow
growth[].cpu
growth[].memory
growth[].bytes        of what it added`,

	"version": `
version               of repotool
commit?               it was built from
modified?             true: from files that differ from the commit
storeFormat           the newest that it writes and reads
go                    release that compiled it
platform              system and processor`,
}
