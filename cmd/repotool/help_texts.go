package main

// The parts of repotool --help that are prose.
const (
	topDescription = `
repotool keeps snapshots of a FOSSology server's repository and database in
a store, restores them in whole or in part, and proves that they are good.

A snapshot is complete: every file of the repository, the database, and
what is needed to check them. It costs only what is new, because a store
keeps each content once, under its hash, for all snapshots and for all
installations. FOSSology runs on while files are copied; its scheduler is
stopped only for the dump of the database, and is started again whatever
happens.

Each snapshot can also be seen as plain files in the store, under
days/INSTALLATION/TIME. A RESTORE.txt there says how to restore it with
nothing but standard tools.

Snapshots are named by their time (2026-11-23T020000Z), by any beginning
of it that fits only one (2026-11-23), or by their distance from the newest:
latest, latest~1, latest~2.

Flags may stand before the command, after it, or after its arguments.
"--" ends the flags.`

	topExamples = `
Check that everything a first run needs is there:

    repotool doctor --store /backup/fossology

Make a store, take a snapshot every night:

    repotool init /backup/fossology
    repotool snapshot --store /backup/fossology

After a disaster, see what a restore would do, then do it:

    repotool restore --store /backup/fossology --plan latest
    repotool restore --store /backup/fossology latest

Bring back one upload's archive into a directory:

    repotool restore --store /backup/fossology --to /tmp/out \
        --only 0e54f81b2d1bc7bd7db9e9e9a5ddab2a8d30ad29 latest

A line for cron:

    0 2 * * *  root  repotool snapshot --store /backup/fossology

A good night is one line of mail; --quiet prints findings and errors only.`

	topConfiguration = `
The configuration file is TOML. Every key is optional, unknown keys are
errors; a flag or an environment variable of the same name is stronger.

    store = "/backup/fossology"         # for all installations
    default_installation = "fossology"

    [installation.fossology]
    sysconf          = "/etc/fossology"
    store            = "/backup/fossology"
    repository       = "/srv/fossology/repository"  # default: fossology.conf
    database_dsn     = "host=db dbname=fossology"   # default: Db.conf
    scheduler        = "localhost:24693"            # default: fossology.conf
    state_dir        = "/var/lib/repotool"          # notes of stopped schedulers
    quiesce          = "stop"           # or none
    quiesce_timeout  = "10m"
    start_command    = ["systemctl", "restart", "fossology"]
    database         = "plain"          # cluster, directory, none, command
    database_command = ["my-dump", "--all"]         # for "command"
    load_command     = ["my-load"]      # reads what my-dump wrote
    pg_bin           = "/usr/lib/postgresql/15/bin"
    admin            = "user=postgres"  # makes databases, reads roles' passwords
    detect           = "walk"           # or read: hash everything again
    check            = "name"           # or full: MD5 as well
    day_layout       = "flat"           # native, none
    strategy         = "full"           # or gold: leave out what gold rebuilds
    index            = "run"            # or use: the ledger as it is
    index_budget     = "2h"
    scheme           = "linked"         # or rotating
    cycle            = "7"              # or sunday: when a new base is due

    [installation.fossology.retention]  # for forget and snapshot --forget
    keep_last        = 3                # -1: all
    keep_hourly      = 24
    keep_daily       = 7
    keep_weekly      = 4
    keep_monthly     = 12
    keep_yearly      = 5
    keep_within      = "30d"            # of the newest: 2y6m, 30d, 12h
    zone             = "Europe/Berlin"  # where days begin; default UTC
    keep_cycles      = 0                # old ones of the scheme rotating`

	topEnvironment = `
Each flag that changes a setting has a variable: REPOTOOL_ and the flag's
name in capitals, with _ for - (REPOTOOL_STORE, REPOTOOL_QUIESCE_TIMEOUT).
REPOTOOL_LOG=info or debug writes a log to standard error.`

	topJSON = `
With --json, standard output holds one JSON object; ls and diff write one
object per line. Each command's --help lists the keys of its answer, as jq
writes them; a "?" marks those that are left out where there is nothing to say,
and words in capitals stand for keys that are data. Sizes are bytes, times RFC
3339 in UTC. Keys are never renamed or removed, new ones may come. Findings are
in the answer, and make the exit code 3. An error takes the place of the answer
(where that had begun already, it is the last line):

    {"error": {"kind": "locked", "code": 4, "message": "…", "hint": "…"}}

with the exit code as code, and as kind one of failed, usage, locked,
quiesce, interrupted. hint may be missing.`
)
