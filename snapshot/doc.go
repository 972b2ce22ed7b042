// Package snapshot takes snapshots of a FOSSology installation into a store,
// and brings them back.
//
// # Words
//
// A manifest is the complete, sorted list of what a repository held, with the
// dump of its database. The manifest is the snapshot; everything else is a
// view of it. A segment is an object of the store with a run of manifest
// entries. A day directory shows a snapshot as plain files, hard links to
// objects. A file that gold makes may be left out (strategy gold): the manifest lists
// it, with its hash and the gold, and the store need not have its bytes. A finding is
// something wrong that did not stop the run. The closure
// check compares what the database refers to with what the manifest holds.
//
// # Formats, version 3
//
//	snapshots/<installation>/<time>/manifest       two lines: JSON (Manifest), and the BLAKE3-256 of the first
//	snapshots/<installation>/<time>/summary.json   how it was made (Summary)
//	snapshots/<installation>/<time>/findings.jsonl all that was wrong, one Finding a line; missing if nothing was
//	days/<installation>/<time>/<host>/<type>/aa/<name>   flat layout: the files that stand where FOSSology puts them
//	days/<installation>/<time>/other/<path>              all other files, by their path in the repository
//	days/<installation>/<time>/database/…                pieces of the dump, each a zstd frame
//	days/<installation>/<time>/RESTORE.txt               commands that bring it back
//	days/<installation>/<time>/REBUILD.txt.zst           the files that are left out; missing if none is
//	days/<installation>/current                          symbolic link to the newest of them
//	cache/<installation>.scan                            directories of the last walk (scancache.go)
//	snapshots/<installation>/<time>/pinned.json          a Pin; missing if there is none
//	trash/forgotten.<time>.<installation>/               a snapshot that was forgotten, and below day/ its day
//	cycles/<installation>/<base>/                        a cycle of the scheme rotating: a store of its own, with all of the above
//	days/…/REMOVED.zst                                   of a cycle's later days: paths that are gone (changes.go)
//	trash/cycle.<base>.<installation>/                   a cycle that was to go
//
// What nothing else has a checksum of is sealed: summary.json, pinned.json (package store),
// and the record of findings, whose BLAKE3 stands in summary.json.
//
// In version 1 no file was left out, and in version 2 none was gone (gone.go); everything
// else was the same, and is read.
//
// The layout of a segment is described in segment.go, that of a dump in
// dump.go. A manifest names its segments, oldest first; a later one overrules.
// So a night costs one small segment, or none, and a snapshot depends on no
// other snapshot: segments are objects like any other. They are merged as in a
// log-structured tree, so that there are never more than a logarithm of them.
//
// A directory is in the manifest only if it is empty or its mode or owner are
// not the usual ones (Manifest.DirMode): at FOSSology's depth of three there
// are as many directories as files, and they say nothing. Times of
// directories are not kept.
//
// Day directories can be made again from manifests and objects; the cache from
// nothing. Memory holds the index and one block of each segment, the batches under
// way, the paths of files that were wrong the last time (up to maxSuspects; of findings
// only numbers and examples), those of files whose objects are lost, and, while
// restoring, the paths of files that had several names.
//
// # Change
//
// Names are checksums here: same Name and size means same bytes, so a changed
// mtime or inode costs a manifest entry and nothing else. A directory whose
// times and inode are those of the last walk is not read; what was made so
// shortly before a walk that the file system's clock may not have ticked since
// is not trusted, nor are network file systems; once a week everything is
// read. Damage in place is not seen by this: package verify reads all bytes.
//
// An object that the store has lost is met when a day links to it, or, without
// days, by a full scan, and stored again. If the repository has not got its bytes
// any more, the manifest keeps the entry, the day leaves the file out, and this
// snapshot and every later one have a finding that says so.
//
// # What is left out
//
// A Prover says which derived files gold makes: by the unpacker of today, from a gold
// that was unpacked, with the bytes that the file had. Those are left out, unread,
// if their gold is in the same snapshot; which is looked at again when all golds have
// been read. Whether the proof of a known file still holds is asked in every first
// pass, of all files, also where no directory is read: a file without a proof is
// stored. A file that is gold itself shares its object, and is never left out; nor is
// an empty one. If an earlier snapshot stored a file that is left out now, its object
// is used as long as it is there, and the manifest does not need it.
//
// A manifest alone is enough to rebuild: it says from which gold, under which
// file name. Rebuild needs the gold, restored or in the store, and an unpacker, no
// ledger and no database. A file comes back with the owner, mode, time and links that it
// had.
//
// # Letting go
//
// Retain decides which snapshots may go; it is pure. Forget takes them out of the list, by
// one rename each, and their days behind them; EmptyTrash removes what was renamed, also
// what an earlier run left. Collect finds the objects that no manifest needs (mark.go), and
// deletes them in two steps (collect.go). A snapshot that is read is not forgotten (Hold),
// and what a running Take relies on is not deleted, which no clock decides.
//
// # Rotating
//
// By the scheme linked all snapshots share the objects of one store. By the scheme
// rotating (Rotate) there are cycles, each a store of its own inside of it, in which the
// first snapshot, the base, is copied and hashed anew: nothing of one cycle is needed by
// another, down to the blocks of the disk. We have made them stores so that everything
// else (verify, collect, recover, restore) works in them as it stands, and no rule has to
// say which cycle an object belongs to. Manifests are complete here, too; days hold what
// changed, and say on which they build. List and Find know the snapshots of both.
//
// # After a crash
//
// A snapshot is prepared under a name that begins with a dot, made durable
// with one syncfs, and renamed. A crash before the rename leaves nothing
// visible; the next run clears up, in tmp/ too, and finds the objects that
// were stored. A crash between the rename of the snapshot and that of its day
// leaves a snapshot without a day; the next run gives the day its name. A base that is
// being made lies in cycles/<installation>/.building-base until it was checked.
//
// # Never
//
// Taking a snapshot never writes into the repository. Bytes that do not match
// a Name are never stored under it, and the good copy of an earlier snapshot
// stays. A restore never overwrites a file before the new one is complete and
// its hash is right, never links into the store, and follows no link below its
// target. The store and what is saved or restored never lie in each other.
package snapshot
