// Package goldindex keeps the ledger: what each gold unpacks to, and which derived
// files are thereby proven. It answers which gold rebuilds a file and by which path,
// what gold does not bring back and why, and takes single files out of gold.
//
// # Words
//
// A gold is an archive as it was uploaded; what FOSSology unpacked from it is derived.
// The record of a gold is the tree that it unpacks to, with the unpacker that found
// it: the version of package unpack, and those of the tools of the system that this
// gold needed. Only records of the present [Unpacker] prove anything.
//
// A derived file is [Confirmed] if such a record holds its Name and the bytes in
// files, read once, have the same BLAKE3. It is [Recorded] if the database, or a
// record, gives hope that it will be. Everything else is [Residue], with a [Reason].
//
// A reading is the BLAKE3 of what stood in files under a Name. It is never repeated:
// the same Name is the same bytes, and to find rotten ones is the work of verify. A
// reading alone proves nothing. So a confirmation lapses by itself with the record
// that it needs: when the unpacker changes, when the gold is found damaged or
// missing; and it comes back, unread, when the gold has been unpacked again and makes
// the same bytes.
//
// # The ledger
//
// A ledger is a directory:
//
//	golds/ab/<Name>.<kind>.<unpacker>.<checksum>   a record for each gold
//	segments/made-<n>                              which gold makes which content
//	segments/read-<n>                              the readings
//	tmp/                                           what is being written
//
// The record's kind is u for unpacked, d for a gold whose bytes contradict its name, m
// for one that is missing. Its unpacker is a hash of the versions, its checksum the
// first 8 bytes of the file's BLAKE3: whoever lists the directory knows what is out of
// date without opening anything. The format of the content stands in
// record_format.go.
//
// Segments are sorted rows of one width in pages with checksums (segment.go), each
// written once. Small ones are merged into larger ones, so that there are
// few. What a family of segments says is what all of them say together: there is no
// list of them that could contradict the directory. A made row counts only as long as
// the record that it was taken from is the present one of its gold.
//
// # What can be rebuilt from what
//
// The made segments from the records, by the next [Ledger.Update], which does it when
// it finds one damaged or gone. The records from gold. The readings from files. So
// the whole ledger may be deleted; it costs the time to make it again.
//
// # After a crash
//
// Every file is written in tmp, synced, and renamed; the directory is synced. A run
// that is killed loses the golds it was at, and the last readings (at most 262,144).
// Nothing half-written is ever seen: files in tmp are removed by the next update, of
// two records of one gold one is believed, a segment that was merged and not removed
// says nothing new. A record or segment that is damaged is found by its
// checksum, when it is used and by every update, which reads the whole ledger once.
//
// # What it costs
//
// Measured by BenchmarkLookup with 10 million derived files in 1,000 golds: a file
// costs 82 bytes in the records and 142 in the segments (65 and 77 of them are rows of
// made and read, nearly all of them hashes, which cannot be compressed); three segments
// are left after merging. One lookup, of both families, took 11 microseconds (8.5 of
// a processor) with the segments in the kernel's cache, on a virtual machine with two
// processors that had other work, too; 9 MB of memory were in use. To write and sort
// all that took 52 seconds.
// [Ledger.Proofs], asked in the order of the Names, reads each page once: some 0.7
// microseconds a file.
//
// In memory are the golds (some 200 bytes each), the uploads, and 8 bytes for 64 rows;
// an update also holds the trees of the golds it unpacks, and up to a million rows
// that it sorts. It does not grow with the number of derived files, but with those of
// the largest gold.
//
// # What it never does
//
// It never writes outside the ledger (and the temporary directory), and never changes
// or deletes a file of the repository or a row of the database. It takes no lock: its
// caller sees to it that one update runs at a time. Readers may come and go meanwhile.
package goldindex
