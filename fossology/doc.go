// Package fossology holds all that is known of a FOSSology installation: its
// configuration, the paths of its repository, the names of its files, its
// database, and its scheduler, which can be made to stand still. It is the
// only package that opens connections to PostgreSQL (snapshot runs PostgreSQL's
// own programs) and the only one that stops and starts services.
//
// # Words
//
// An [Installation] is one FOSSology, read from its system configuration
// directory (sysconf): fossology.conf, Db.conf and VERSION. Its [Repository]
// is the tree
//
//	<path>/<host>/<type>/aa/bb/cc/<name>
//
// where aa/bb/cc is the fan-out (the first depth pairs of characters of the
// name), type is gold for uploads as they came and files for everything, and
// the host follows from the routes of the [REPOSITORY] section. The name is a
// [Name]: sha1.md5.size, in lower case, a checksum of the content; so the same
// name means the same bytes. Logs are the exception: they have no host
// directory and are named by number.
//
// The [Database] says what the files are. Everything that can be long is read
// as a stream, in a [View], which is one moment of the database: the same
// snapshot can be handed to pg_dump. A pfile is a row for one content, an
// upload a row for what somebody uploaded, the tree rows of an upload its
// unpacked hierarchy; a job is a row of jobqueue, an agent at work or waiting.
//
// # Standing still
//
// [Quiesce] stops the scheduler, waits until nothing writes any more, and
// gives a [Standstill] whose Release starts the scheduler again. Nothing
// writes when the port refuses connections, no process runs from
// mods-enabled/*/agent on this host, and what the database still calls running
// is therefore stale (it is reported). Where agents run on other hosts too, they
// cannot be seen: there the database is believed and its jobs are waited for. The
// web server can still receive an upload; that only adds files.
//
// A scheduler that comes up meanwhile is stopped as well. Its tests of its agents,
// in the first seconds, are agents at work. While another run stands still, or its
// watchdog starts the scheduler, the next run waits for that.
//
// Before the stop is sent, two things exist that outlive a crash: a note on
// disk, written and synced, and a watchdog process that holds the end of a
// pipe. When the stopping process dies in whatever way, the watchdog starts
// the scheduler and removes the note. When both die, the note tells the next
// run (and the doctor), which call [Recover]. A scheduler that was not running
// is left as it was found.
//
// FOSSology cannot take a stop back: a scheduler that has been told to stop
// and still waits for an agent cannot be started until that agent has ended.
// If the time limit is reached before, Quiesce gives up with a [QuiesceError]
// and the watchdog stays behind to start the scheduler as soon as the old one
// is gone.
//
// # An agent of FOSSology's scheduler
//
// An [Agent] is the agent's side of the conversation with the scheduler that has started
// it; an [AgentModule] is how it is installed. Of a repository of several hosts each agent
// has its own part: [Installation.OwnHosts] says which.
//
// # What it never does
//
// It never writes into the repository, and into the database only by the
// operations of restore ([Database.CreateDatabase] and its neighbours, and
// [Database.Resume]), which nothing else calls. Passwords are not printed: a [DSN] hides its own.
package fossology
