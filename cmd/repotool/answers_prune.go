package main

// pruneAnswers are those of the commands that make the repository smaller.
var pruneAnswers = map[string]string{
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
}
