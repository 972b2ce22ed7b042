// Package prune makes a repository smaller: it removes files of which it is proven, at
// the moment of removal, that gold brings them back byte for byte.
//
// # Words
//
// A [Plan] is a value: the victims, which gold rebuilds each, what that frees and what it
// costs to bring it back; and how many files are kept for which [Reason]. Making one
// changes nothing. [Plan.Write] and [ReadPlan] carry it to another day, [Plan.Check] says
// whether the world has moved since.
//
// A victim is a file of files that the ledger of package goldindex calls confirmed, that
// is of the plan's [Level], and that no reason keeps. A content is judged by all rows that
// refer to it, in all uploads: what is an archive here and a plain file there is a plain file.
// And each of these uploads has a gold of its own that makes it: FOSSology deletes a gold with
// its last upload, and leaves the files of the others.
//
// The deed is [Plan.Execute]. It goes through the victims gold by gold, in batches; small golds
// share one.
//
// # What is proven, and when
//
// For each batch, just before it goes: its golds are there, and hashed once in this run; they
// have not been touched since (inode, size and times). The ledger still says that they make
// the content. The file is a regular one, reached through no symbolic link, has the links
// it had, and its bytes have the BLAKE3 that came out of the gold. Its rows in the
// database, which are asked last, still make it a victim; each upload that has it by now has
// a gold of its own that makes it and is there, and no job that runs or waits. Whatever of
// this does not hold any more leaves the file where it is, counted under its reason.
//
// # The journal
//
// A run writes what it is about to remove into its journal, and syncs that, before it
// removes it, and what became of it afterwards. The journal's lines are JSON, a tab, and
// the CRC-32C of the JSON in hexadecimal; the last may be torn by a crash. The plan lies
// beside it. So whoever reads the two knows after any crash what is gone and what was to
// go: [Resume] goes on, and [Removed] lists what an undo has to bring back, through package
// reunpack. A plan is carried out once: its journal has its name.
//
// # Dedup
//
// A [DedupPlan] says which files are to share their bytes with which: those of one Name, in
// gold and files of all hosts, or by their bytes. It names inodes, owners, modes and times
// as they were; the deed leaves alone what is not so any more. For each pair the two files
// are opened, and leased (fcntl(2)), so that nobody can open them for writing; compared;
// the new link is made beside the old one, the two change places in one step, and if
// neither was touched meanwhile the old one goes, else they change back. So at every
// moment, also after a crash, a path leads to one of two inodes with the same bytes. What a
// path is to rely on is synced before. The journal says how far a run was; what each file
// was like stands in the plan beside it, by which [DedupRun.Undo] makes copies again.
//
// Whose owner, mode and time a shared inode has, and when that is no loss: deduper.mayShare.
//
// # What it never does
//
// It never removes gold, nor anything outside of files, nor what has no row in the
// database, nor an artifact.meta, which no gold brings back. It follows no symbolic link.
// It writes no row of the database.
//
// # What it costs
//
// Victims are spooled in a temporary file, 120 bytes each, and sorted there by gold, by
// counting; in memory are the golds and uploads. A plan reads no file. Nor does that of a
// dedup by Names, which walks gold, and looks up what it finds in files; by bytes it lists
// and hashes in temporary files, a sixty-fourth of the hashes in memory.
package prune
