// Package repotool is the tour of the code; the program is cmd/repotool.
//
// repotool backs up, restores and verifies FOSSology servers. A FOSSology
// keeps a repository, the tree
//
//	<path>/<host>/<type>/aa/bb/cc/<name>
//
// whose types are gold (archives as they were uploaded), files (everything
// unpacked from them) and a few more, and whose names are the checksums of the
// content (sha1.md5.size); and a PostgreSQL database that says what the files
// are. The two belong together: a backup that holds a row without its file, or
// a file without its row, is a backup of something else.
//
// # Words
//
// An installation is one FOSSology: configuration, repository, database,
// scheduler. A store is the place where its backups live. It holds objects:
// immutable bytes named by their BLAKE3-256. A snapshot is a manifest, the
// sorted list of everything the installation held at one moment, with the dump
// of its database. A day directory is a snapshot made visible as plain files,
// a tree of hard links to objects. A finding is something that is not as it
// should be: a file whose bytes contradict its name, a row without its file.
//
// # From the bottom up
//
// unpack takes archives apart as FOSSology's unpacker does, in one process, and says
// what came out, what did not, and why. It knows nothing of FOSSology's repository
// or database, and has limits against hostile input.
//
// fossology is all that is known of FOSSology: its configuration files, where
// it puts a file, its content names (a value type, parsed without garbage), its
// database as streams of rows, and its scheduler: how to make it stand still
// and how to be sure that it runs again, whatever happens to repotool; and how to be
// one of its agents.
// Start reading there, with Name.
//
// goldindex keeps the ledger of what gold, the uploaded archives, unpacks to. It
// unpacks each once, compares what comes out with the files of the repository, and
// so knows of each whether gold can bring it back: that is proven, never assumed.
//
// reunpack brings files that are missing back from gold: it asks the ledger which gold
// makes what, opens each once, and writes into the live repository, where nothing ever
// stands under a Name but its own bytes, and nothing is replaced.
//
// store keeps objects. Bytes come in as unnamed temporary files and are linked
// into place when they are complete; one sync makes a whole night durable. The
// probe that refuses a file system which could not hold a store is here, and so
// are the locks.
//
// snapshot is the heart. It walks a repository and compares it with the last
// manifest, both sorted and streamed, so that memory does not grow with the
// number of files; puts what is new into the store; dumps the database in
// pieces cut by content, so that a day costs what the day changed; checks that
// rows and files agree; and publishes manifest and day directory, or nothing.
// Restore, the list of snapshots and the day directories are files of it; so is the scheme
// rotating, whose cycles are stores in the store (rotate.go); and so is letting go: which snapshots are kept (retention), forgetting the others, collecting garbage; and making
// a manifest anew from its day, when it is lost. By the strategy
// gold it leaves out what it is told that gold makes; it asks by two small interfaces,
// Prover and Rebuilder, behind which cmd/repotool puts goldindex and unpack.
//
// prune makes the live repository smaller: a plan is a value, and each file is looked at
// again before it goes. It alone deletes there; what it has removed it asks of nobody, for
// its journal says so, and reunpack brings it back. A snapshot knows pruned files as those
// that the database refers to and gold makes (snapshot/gone.go). The same package has equal
// files share their bytes (dedup.go): it alone relinks what stands in a repository.
//
// verify reads and compares, and changes nothing unless told to repair: objects against
// their hashes, snapshots against their objects, the source against its names.
//
// bench generates installations of FOSSology's shape, of any size, always the same for the
// same seed, and runs repotool beside the programs that people use today, each as a process
// of its own. It surveys a real installation, too, and forecasts what each way to back it
// up would cost.
//
// repotest lends to tests: a private PostgreSQL, the database and repository of
// a real FOSSology, a scheduler that speaks the recorded protocol, and faults at every
// system call by which the real program changes a file.
//
// cmd/repotool is the command line, a file for each command: it parses, wires
// the packages together, prints, and turns errors into advice and exit codes.
// It decides nothing else.
//
// # Who may import whom
//
// A package imports only what lies below it: unpack, fossology and store know nothing
// of each other, goldindex knows the first two, reunpack these three, prune fossology and
// goldindex, snapshot fossology and store, verify these and snapshot, bench all but
// reunpack and verify, and nothing imports cmd/repotool. Only fossology opens connections to PostgreSQL;
// snapshot runs PostgreSQL's own programs. The table is in imports_test.go, with
// the third-party modules that each package may use, and the test fails when the
// code and the table disagree.
//
// The rights follow the same lines. unpack touches only what it is handed; goldindex
// reads, and writes its ledger; store and snapshot write backups; only
// snapshot's restore and reunpack write a live repository, reunpack only what is missing;
// only prune deletes from it, or relinks;
// only fossology stops and starts services, and lets jobs of a restored queue go on;
// verify reads, and writes the store only when it is told to repair; bench writes what
// it generates.
package repotool
