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
// A file is absent if the database refers to its Name and files does not hold it: pruned,
// left out, or lost. It has a class all the same, and [Ledger.Status] counts it apart.
//
// A gold that was uploaded several times is unpacked once, under the name of the first
// upload. Contents do not depend on that name, so what is proven is so for all uploads.
// Only what comes out of a gold that is one compressed file is called after it (x.gz
// holds x), and paths begin with it: those of [Ledger.Which] may be spelled in another way
// than FOSSology spells them for another upload, and Status counts these uploads.
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
// that is killed loses the golds it was at, and the last readings (at most 65,536).
// Nothing half-written is ever seen: files in tmp are removed by the next update, of
// two records of one gold one is believed, a segment that was merged and not removed
// says nothing new. A record or segment that is damaged is found by its
// checksum, when it is used and by every update, which reads the whole ledger once.
//
// # What it costs
//
// Measured by BenchmarkLedger, golds of 1,000 derived files each, on a virtual machine
// with two processors that was busy with other work:
//
//	                               1,000 golds, a million files   10,000 golds, ten million
//	on the disk, for each file     83 bytes in the records, 142 in the segments (both)
//	to write and sort all of it    14 s                           2 to 3 min
//	open it                        0.01 s, 14 MB                  0.3 s, 51 MB
//	look a content up              5 µs of a processor            11 µs (34 of the clock)
//	the same in the order of names some 0.7 µs, see [Ledger.Proofs]
//	status, all of it absent       2.2 s, 29 MB                   28 s, 52 MB
//	update that finds a new gold   0.4 s, 38 MB                   3.7 s, 64 MB
//
// 65 and 77 bytes of each file are rows of made and read, nearly all of them hashes, which
// cannot be compressed. The megabytes are the most of the heap that was in use, garbage
// too. An update reads all of the ledger once, to find what is damaged: that is the 0.4
// seconds for each million. It also walks the repository, which is not part of the
// figures, as the database's sorting of its tree for status is not.
//
// In memory are the golds (some 200 bytes each), the uploads, and 8 bytes for 64 rows;
// an update also holds the trees of the golds it unpacks, and up to a million rows
// that it sorts. It does not grow with the number of derived files, but for these 8
// bytes, and with those of the largest gold.
//
// # What it never does
//
// It never writes outside the ledger (and the temporary directory), and never changes
// or deletes a file of the repository or a row of the database. It takes no lock: its
// caller sees to it that one update runs at a time. Readers may come and go meanwhile.
package goldindex
