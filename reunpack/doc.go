// Package reunpack brings files of a repository back from gold: all that are missing,
// those of one upload, or one.
//
// # Words
//
// A file is missing if the database refers to its Name and FOSSology does not find it
// in files. A [Plan] says which are missing, from which gold each is rebuilt, what that
// costs, and what no gold brings back and why. It is a value: it can be printed, and
// [Plan.Run] does what it says.
//
// [Take] does the least part of it for those who have a gold and no repository: a restore.
//
// # How
//
// The plan chooses golds so that few are opened: those that alone make a file, then for
// the rest the one that makes most. Each is opened once, however many files are wanted
// from it, and read no further than to the last of them. The content flows from package
// unpack into a file that has no name (O_TMPFILE). It gets one when its SHA-1, MD5 and
// size are those of the Name, and when it is on the disk: some hundred at a time, with
// one syncfs for all of them. Where the file system has no such files, they have names
// that FOSSology and snapshots pass over (*.I), at the top of files, until then.
//
// A gold that is missing, or does not make what the ledger says, costs only itself: what
// was wanted from it is asked of the next gold that makes it.
//
// [Upload] plans without a ledger, for one upload: it opens that upload's gold and looks
// at every content that comes out, which costs more than to know where the wanted ones
// are. So works an agent of FOSSology's scheduler, which runs as FOSSology's user and must
// not read the store. It can be told to write the files of some hosts only.
//
// Files and directories get the owner, group and mode that most of those have that are
// there; in an empty repository those of gold.
//
// # What it promises
//
// A file never stands under a Name with other bytes or less of them, whenever the
// process is killed or the machine dies. A directory that is new appears with its owner
// and mode, or not at all. What is there is never replaced: if it is other bytes, that
// is reported. What was brought back stays, however the run ends; the next run goes on
// from there.
//
// One exception: where a default list of rights (ACL) stands in the way of the mode, a
// new directory may have another one for a moment, before it goes again and is made
// aside; a machine that dies just then leaves it, empty.
//
// # What it never does
//
// It never writes a row of the database, nor anything but files and their directories.
// It never brings back what the database does not refer to.
//
// # What it costs
//
// Nearly every file has a directory of its own, which takes longer to make than the file.
// So they are made where they belong, by a thread that is their owner (maker.go).
//
// Names of missing files and of their golds go through a temporary file, some 50 bytes
// for each. In memory are the golds, and the names and paths of the files that are
// wanted from those that are open.
package reunpack
