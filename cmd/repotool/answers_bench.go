package main

// benchAnswers are those of measurements.
var benchAnswers = map[string]string{
	"bench report": `
survey.repository     its path
survey.time           when it was looked at
survey.uploads        uploads that have content
survey.first          when the first of them came
survey.gold.files     gold: files, bytes, bytes of their blocks, and what a
survey.gold.bytes     store takes for them: less where there are zeros
survey.gold.disk
survey.gold.stored
survey.files.files    the same of files
survey.files.bytes
survey.files.disk
survey.files.stored
survey.other.files    whatever else stands in the repository
survey.other.bytes
survey.other.disk
survey.other.stored
survey.work.files     work of agents (ununpack, wget, *.I): no snapshot takes it
survey.work.bytes
survey.work.disk
survey.work.stored
survey.goldToo.files  of files: gold has them, too
survey.goldToo.bytes
survey.goldToo.disk
survey.goldToo.stored
survey.unproven.files of files: a backup by gold keeps them
survey.unproven.bytes
survey.unproven.disk
survey.unproven.stored
survey.proven.files   of files: gold brings them back
survey.proven.bytes
survey.proven.disk
survey.proven.stored
survey.leftOut.files  of them: a backup by gold does not hold them
survey.leftOut.bytes
survey.leftOut.disk
survey.leftOut.stored
survey.unknown.files  of files: no row refers to them
survey.unknown.bytes
survey.unknown.disk
survey.unknown.stored
survey.classes.*.files
                      of files, by class: intermediate, archive, uploaded, leaf
survey.classes.*.bytes
survey.classes.*.disk
survey.classes.*.stored
survey.prunable.*.files
                      what a prune could take at most, by level
survey.prunable.*.bytes
survey.prunable.*.disk
survey.prunable.*.stored
survey.directories    directories
survey.directoriesDisk
                      bytes on the disk that they take
survey.database       bytes of the database, as PostgreSQL says
survey.ledger         bytes on the disk of the ledger, which lies in the store
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
survey.undo.*.needed  golds that make what a level of prune takes
survey.undo.*.least   seconds to unpack them, one after another
survey.undo.*.longest of one of them
survey.months[].month each month since the first upload
survey.months[].uploads
                      uploads of it
survey.months[].known of them, first uploads of gold that the ledger knows
survey.months[].gold  bytes of what had not been uploaded before
survey.months[].out   bytes that came of them
survey.largest[].upload
                      number of one of the ten largest uploads
survey.largest[].name its name
survey.largest[].gold bytes of its gold
survey.largest[].known
                      the ledger knows what came of it; else the rest is 0
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
assumptions.keptAt.*  where the snapshots lie that it keeps, on average, after so
                      many nights: 0 is the first, 1 the last
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
                      around + bases x (base + dump) + snapshots x snapshot +
                      (snapshots - bases) x dumpNight; now, and with the
                      following parts as they have grown, of linked snapshots
                      by the share keptAt
choices[].parts.disk  what these are made of: bytes, names of the manifest and
choices[].parts.names of a day, lines of what is left out, and by gold bytes of
choices[].parts.dayGold
                      the ledger
choices[].parts.dayOthers
choices[].parts.leftOut
choices[].parts.leftOutBytes
choices[].parts.ledger
choices[].parts.goldDisk
                      what a byte of gold that comes adds to them: bytes, names
choices[].parts.goldNames
choices[].parts.filesDisk
                      and what one of files does, of which growthRatio come with
choices[].parts.filesNames
                      one of gold: bytes, names of the manifest and of a day,
choices[].parts.filesDay
                      what is left out, the ledger
choices[].parts.filesLeftOut
choices[].parts.filesLedger
choices[].parts.files files and bytes of a restore until service
choices[].parts.bytes
choices[].parts.rebuild
                      seconds to unpack what is left out, and of the longest
choices[].parts.longest
prunings[].level      a level of prune, or none
prunings[].bytes.*    bytes of the repository after 1, 7, 30, 365 nights that end
                      with a prune of it
prunings[].back       seconds until gold has brought back all that it takes
prunings[].parts.disk what that is made of: bytes of all but directories after a
                      prune now
prunings[].parts.folder
                      bytes of a directory, of which FOSSology has three levels
prunings[].parts.golds
                      for gold, and for the files that stay
prunings[].parts.stay
prunings[].parts.goldDisk
                      what a byte of gold that comes adds: bytes, names
prunings[].parts.goldNames
prunings[].parts.filesDisk
                      and what of a byte of files stays
prunings[].parts.filesNames
prunings[].parts.files
                      files that a prune takes at most, and their bytes
prunings[].parts.bytes
prunings[].parts.unpack
                      seconds to unpack the gold that makes them, one after
prunings[].parts.longest
                      another, and of the longest
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
samples.NAME.STEP[].floor
                      if rss is the same, it is a limit and no figure: it cannot
                      be below this program's own
samples.NAME.STEP[].parts[].wall?
                      the same of each command, if there are several
samples.NAME.STEP[].parts[].cpu?
samples.NAME.STEP[].parts[].rss?
samples.NAME.STEP[].parts[].floor?
samples.NAME.STEP[].settle
                      seconds that a syncfs takes afterwards
samples.NAME.STEP[].added.bytes
                      that the file system has less, after the step; what others
                      do there is in it
samples.NAME.STEP[].added.inodes
samples.NAME.STEP[].walked.bytes
                      that du counts more in DIR, as the tables say
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

	"bench repo --make": `
files                 files made in files/, copies of gold included
gold                  files made in gold/
dirs                  directories made
bytes                 content of all of them
removed               files removed`,

	"bench scale": `
reports[]             of each number of files, as repotool bench repo prints it
points[].contestant   who was measured
points[].step         in which step
points[].files        with how many files
points[].wall         seconds, the median
points[].cpu          seconds of all processors
points[].rss          bytes of memory, the largest process
points[].added.bytes  that du counts more in DIR, after the step
points[].added.inodes
growth[].contestant   who was measured
growth[].step         in which step
growth[].wall         the fitted exponent: 1 is linear, 0 does not grow
growth[].cpu
growth[].memory       of the largest process; 0, too, if one was a limit
growth[].bytes        of what it added`,

	"bench unpack": `
` + unpackingKeys + `fossology[].name?     with --fossology: the archive
fossology[].what?     FOSSology, or FOSSology (recorded)
fossology[].in?       bytes of the archive
fossology[].files?    files that came out; 0: they were not counted
fossology[].out?      their bytes
fossology[].distinct? bytes of each content once: what a repository stores
fossology[].distinctFiles?
                      how many that are
fossology[].seconds?  how long it took
fossology[].cpu?      seconds of processor time`,

	"bench iso": `
iso                   the ISO that was made
` + unpackingKeys + `table[].what          a line of the table
table[].in            bytes of the ISO
table[].out           bytes of what a repository stores of it
table[].ratio         how many times as much that is
table[].seconds       how long it took
table[].scaled        it was not measured, but scaled by size`,
}

// unpackingKeys are those of a bench.Unpacking, one of several.
const unpackingKeys = `runs[].name           the archive
runs[].in             its bytes
runs[].files          files that came out, archives in archives among them
runs[].out            their bytes
runs[].distinct.files each content once: what a repository stores
runs[].distinct.bytes
runs[].seconds        how long it took
runs[].cpu            seconds of processor time, of repotool and its tools
runs[].memory         bytes, the largest resident set of repotool, or of a tool
runs[].stored.files?  with --scratch: files that were written there
runs[].stored.bytes?
runs[].kinds.KIND.archives
                      archives of a format
runs[].kinds.KIND.in  their bytes
runs[].kinds.KIND.files
                      what came out of them directly
runs[].kinds.KIND.out its bytes
runs[].skipped        things that did not come out
runs[].skippedFirst?  the first of them, and why
`
