// Package verify compares what is there with what should be there, and
// changes nothing; only Repair, asked for by name, puts good bytes in the
// place of bad ones, and makes again what days lack.
//
// # Words
//
// A scrub reads every object of a store again and compares its bytes with its
// name. Completeness asks of a snapshot whether all objects that its manifest
// names are there with the right size, and whether its day directory shows
// them; it reads their bytes only if told to. Both look whether somebody else can
// change an object. A source check reads every file
// of a repository and compares it with its FOSSology name, and what the walk
// comes upon with what the database refers to.
//
// # What it promises
//
// Every problem is a Finding with a kind, what it is about, and what to do; no
// problem ends the run. What is wrong with an object is one finding, however
// many snapshots need it. A scrub can be limited to a share of the objects
// (Sample; another share each day, so that in time all are read) or to a time
// (Budget), and the next scrub with a budget begins where this one ended. The
// Report says what was read and what was not: nothing is called good that was
// not looked at.
//
// Memory: the set of objects that snapshots name is not held, only the bad
// ones. Completeness streams each manifest and asks the file system, so that its
// cost is one stat for each file of each snapshot. The source check merges two sorted streams.
//
// # What it never does
//
// What is in quarantine is part of the store: an object that a snapshot needs is there.
// What was forgotten and lies in the trash is no finding, nor is its day. A snapshot that
// is being checked is not forgotten (package store: leases).
//
// It never deletes an object and never writes into a repository. Not even a
// file's access time changes; a check with a budget alone writes where the next begins
// into the store's cache/verify.json, and a lease into tmp/ while it reads.
package verify
