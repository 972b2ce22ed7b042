// Package unpack takes archives apart as FOSSology's ununpack does: the same
// contents come out, under the same classes and paths, byte for byte.
//
// # Words
//
// An upload is a file as somebody gave it to FOSSology. A container is a file
// that was opened; what came out of it hangs under an artifact, which has no
// content of its own (artifact.dir; artifact.unpacked of a source package). A leaf
// is a file that is no archive. The cpio in an rpm is a file, an artifact and a
// container at once. artifact.meta is a tool's words about an archive; they hold
// the place and the moment, so they are never made here. A [Node] is one row of
// the tree, as FOSSology enters it in its table uploadtree.
//
// # How it works
//
// One pass in one process. A content flows from its archive through a meter,
// which hashes ([Hashes] says how), counts and hands on, to the decoder that its first bytes ask for
// (libmagic's decisions; names count for nothing but .dsc), whose members are
// contents again. So a tar in a gzip in an rpm in an ISO is never written down.
// What must be read more than once and cannot be read anywhere already (a zip in
// a gzip) is kept in memory, or in a file without a name. Small members are worked
// on beside the archive that they come from.
//
// File system images, 7z, cabinets, PDF and Debian source packages are opened by the
// tools that FOSSology calls for them, as children with limits and few rights; see
// [Tools]. What
// a tool makes depends on its version.
//
// FOSSology's own rules are part of the result: what its tools leave of a damaged
// archive (the beginning of a text that was cut; nothing of a tar that cannot be
// listed; the wrong bytes of a zip), its guard against bombs, and what it leaves
// out of paths that repeat themselves. What is found beyond that is [Node.Extra].
//
// # Memory
//
// It does not grow with what comes out. Rows of complete archives go to a roll, in a
// file (roll.go), where a row says where the rows below it are; the archives that are
// being read have [Limits.RowsInMemory] members in memory, the others in sorted
// pieces on the disk (spill.go). [Result.Walk] reads them back. What there is at once:
//
//	rows               RowsInMemory of 500 bytes, 512 more for each archive that
//	                   is open; on the disk, 10 bits for each row of one that is open
//	contents           SpoolMemory for each spool, 1 MiB for each member that is
//	                   worked on beside its archive
//	decoders           16 MiB for an archive and those around it, and 128 MiB for all of
//	                   the process together (two of xz -9 take that); a stream that asks
//	                   for more waits until it has that alone, up to 512 MiB
//	the roll, a merge  1 MiB, 8 MiB
//
// # Limits
//
// [Limits] bound depth, entries, bytes, ratio, names and time. Whatever did not
// come out is in the result with the reason. Damaged and hostile input is never an
// error; an error is this machine's (a full disk). A decoder that panics has met
// such input, and its archive ends there.
//
// # What it never does
//
// It follows no link, makes no device, and writes nothing but its own temporary
// files and what [Options.Content] is given. It knows no database and no repository.
package unpack
