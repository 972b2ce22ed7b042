// Package bench makes repositories of FOSSology's shape and measures repotool
// beside the programs that people use for the same work today.
//
// # The repository
//
// [Generate] writes DIR/localhost/{files,gold}/aa/bb/cc/sha1.md5.size. Every
// name is true: it is made of the checksums and the size of the content. Sizes
// are lognormal (median 3 KB, sigma 1.6: mean 11 KB), as measured on real
// repositories; 85 % of the files are words and 15 % noise; every 20,000th file
// has 1 to 31 MB; for every 2000 files there is a gold archive of noise, 1 to 5
// MB, of which a copy lies in files too. Directories have mode 2770 and files
// 2660, times lie in the past. A seed and a number of a file determine its
// content, so any part of a repository can be made again without the rest:
// [Night] adds 1 % and removes 0.2 % as a day of FOSSology would, and [Undo]
// takes the night back. Memory does not depend on the number of files.
//
// # The comparison
//
// [Run] takes every contestant through the same cycle: first snapshot, a
// night without change, a night with 1 %, restore of everything into an empty
// directory, verification of all data, removal of the oldest day. Each step
// runs as child processes, and what is reported is what the system says of
// them: wall time, processor time (user and system), the largest resident set.
// Bytes and inodes added are counted twice, as the target's file system says
// (statfs, after a sync) and by walking the target as du does, links counted
// once. Contestants alternate, in an order that rotates from run to run, and
// each begins with the same source. What was restored is compared with the
// source: every byte, mode and time.
//
// The result is a [Report]: medians, ratios to repotool, the commands. Nothing
// here prints or decides; scripts/bench does.
//
// [Scale] does so at several numbers of files, and fits an exponent. For numbers for which
// there is no disk, [ScaleManifests] makes manifests of files that there are not, and
// measures what repotool does with those alone: all that is left when a night has changed
// nothing, and what decides whether memory is bounded.
//
// # What it does not show
//
// Caches are warm and the disk is often memory: these are costs of processor
// and system calls. restic and borg compress, encrypt or chunk, which repotool
// does not do to files; rsync does not sync, repotool does. Compare what is
// comparable.
package bench
