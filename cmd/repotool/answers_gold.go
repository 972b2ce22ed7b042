package main

// goldAnswers are those of the ledger, and of the files that gold brings back.
var goldAnswers = map[string]string{
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
}
