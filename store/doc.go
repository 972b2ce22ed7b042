// Package store keeps immutable bytes under the hash of those bytes, and gives
// everything that is built on them (manifests, days, locks) its place on disk.
//
// # Words
//
// An object is a file of bytes named by its BLAKE3-256, written once and never
// changed. A store is the directory that holds objects and what refers to
// them. Publishing means making something visible after it is durable.
//
// # Layout, version 1
//
//	store.json                   {"version":1,"id":…,"created":…,"readme":…,"check":…}: the version is
//	                             the first field, the BLAKE3 of what stands before the last (seal.go)
//	README.txt                   how to restore with coreutils, zstd and psql alone
//	objects/ab/<64 hex digits>   mode 0444; ab is the first byte of the name
//	quarantine/<n>/ab/<64 hex>   objects that nothing referred to; see quarantine.go
//	snapshots/ days/ ledger/     kept by package snapshot and others
//	trash/ tmp/ locks/ cache/    what may be deleted when nobody works here
//
// Folders may be missing: whoever writes into one makes it (folder.go). All that
// reading asks for is store.json and objects/.
//
// A reader of version N reads every earlier version and refuses a later one
// (ErrNewerFormat). store.json can be written anew if it is lost (Adopt): nothing
// else depends on the id.
//
// # Writing an object
//
// The bytes go into a file without a name (O_TMPFILE; a named one in tmp/
// where the file system has none), which is linked to its name when it is
// complete. tmp/ and not the target directory is where that file is born, so
// that neighbours in the manifest become neighbours in the inode table.
// Nothing is synced one by one: Sync does one syncfs for all, and whoever
// publishes a reference calls it first.
//
// An object that is there already is compared byte for byte with the new
// bytes before it is trusted: it may be what a power cut left of an earlier
// run (linked, but empty or torn), or have rotted. Bad bytes are replaced by
// the good ones with a rename, and the Put says so.
//
// # After a crash
//
// There may be objects that nothing refers to, and files in tmp/. Neither is
// ever taken for good by its name alone. Sweep removes what dead processes left
// in tmp/, and only that (temporary.go). Bad bytes never replace good ones.
//
// # Deleting
//
// Nothing here decides that an object is garbage; Collect of package snapshot does, and
// moves it into a generation of the quarantine, where it still is an object: reading
// finds it, putting and linking bring it back. A process that works with something has a
// lease (lease.go), a file in its room of tmp/ that lasts as long as the process. The
// list of snapshots changes, and leases are taken and asked for, in Exclusive only.
package store
