// Package verify compares what is there with what should be there, and
// changes nothing; only Repair, asked for by name, puts good bytes in the
// place of bad ones.
//
// # Words
//
// A scrub reads every object of a store again and compares its bytes with its
// name. Completeness asks of each snapshot whether all objects that its
// manifest names are there with the right size, and whether its day directory
// shows them. A source check reads every file of a repository and compares it
// with its FOSSology name, and with what the database refers to.
//
// # What it promises
//
// Every problem is a Finding with a kind, what it is about, and what to do; no
// problem ends the run. A scrub can be limited to a share of the objects
// (Sample; another share each day, so that in time all are read) or to a time
// (Budget); the report then says how much was read, and the next scrub with a
// budget begins where this one ended.
//
// Memory: the set of objects that snapshots name is not held. Completeness
// streams each manifest and asks the file system, so that its cost is one stat
// for each file of each snapshot, less what consecutive snapshots share.
//
// # What it never does
//
// Nothing of store or repository is changed, not even an access time; a check
// with a budget alone writes where the next begins into the store's
// cache/verify.json. It never deletes an object, never writes into a repository, and never calls
// something good that it has not read.
package verify
