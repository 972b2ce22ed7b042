// Package bench measures what backups cost, repotool's beside those of the programs that
// people use for the same work today, and reports what an installation's own would.
//
// # What is measured on
//
// [Generate] writes DIR/localhost/{files,gold}/aa/bb/cc/sha1.md5.size. Every
// name is true: it is made of the checksums and the size of the content. Sizes
// are lognormal (median 3 KB, sigma 1.6: mean 11 KB), as measured on real
// repositories; 85 % of the files are words and 15 % noise; every 20,000th file
// has 1 to 31 MB. Gold is noise, 1 to 5 MB for every 2000 files, with a copy in files; or,
// in a [Site], a zip that really makes the files of its upload, and a PostgreSQL of its own
// has the rows that say so. Directories have mode 2770 and files 2660, times lie in the
// past. A seed and a number of a file determine its content, so any part can be made again
// without the rest: [Night] adds 1 % and removes 0.2 % as a day of FOSSology would, and
// [UndoNight] takes that back. Memory does not depend on the number of files.
//
// # The harness
//
// A [Suite] is a list of steps and of contestants who do them; [RunLife] runs the life of a
// backup, scripts/benchunpack one of archives. Each step runs as child processes, and what
// is reported is what the system says of them: wall time, processor time (user and
// system), the largest resident set. Bytes and inodes added are counted twice, as the
// target's file system says (statfs, after a sync) and by walking the target as du does,
// links counted once. Contestants take turns, in an order that rotates from run to run, and
// each begins with the same source. Files that were restored are compared with the source:
// every byte, mode and time; a database is only loaded. A prune that was undone is compared
// by the hash of every file. The result is a [Report]: medians, ratios, the machine, the
// commands. [Scale] fits a power of the number of files to several of them. For numbers for
// which there is no disk, [RunManifests] makes manifests of files that there are not, and
// measures what repotool does with those alone: all that is left when a night has changed
// nothing, and what decides whether memory is bounded.
//
// [Unpack] measures what comes of one archive and how fast, [Agent] what FOSSology's own
// unpacker takes for it, and [ISO] makes the archive that the measurement of 2009 is repeated
// with.
//
// # What it forecasts
//
// [MakeSurvey] reads an installation, its ledger and its snapshots; from the figures
// [Forecast] says what each choice costs, and [Prunings] what each level of prune leaves of
// the repository; [Check] compares what was forecast with what then happened. [Page] shows
// that with pictures, in one file of HTML.
//
// # What it does not show
//
// Unless told otherwise caches are warm, and the disk is often memory: these are costs of
// processor and system calls. restic and borg compress, encrypt or chunk, which repotool
// does not do to files; rsync does not sync, repotool does. Compare what is comparable.
//
// It never writes to an installation or to a store but those it has made.
package bench
