package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"repotool/fossology"
)

// configuration reads FOSSology's own.
func (x *examination) configuration(context.Context) {
	in, err := loadInstallation(x.s, x.s.database != "none")
	if err != nil {
		x.broken("configuration", err, "name the directory of fossology.conf with --sysconf")
		return
	}
	x.in = in
	from := "no fossology.conf, but what flags say"
	if in.Sysconf != "" {
		from = in.Sysconf
	}
	hosts := in.Repository.Hosts()
	x.ok("configuration", "%s: FOSSology %s, depth %d, hosts %s", from, cmp.Or(in.Version, "of unknown version"),
		in.Repository.Depth, cmp.Or(strings.Join(hosts, " "), "none"))
}

// database connects, counts, and compares the versions of server and programs.
func (x *examination) database(ctx context.Context) {
	if x.in == nil {
		return
	}
	if x.s.database == "none" {
		x.warn("database", "leave --database none out to have it dumped", "is left out")
		return
	}
	if x.in.Database == "" {
		x.bad("database", "name it with --database-dsn, or name the directory of Db.conf with --sysconf", "no address of the database is known")
		return
	}
	err := connected(ctx, x.in.Database, func(db *fossology.Database) error {
		view, err := databaseView(db)(ctx)
		if err != nil {
			return err
		}
		view.Close()
		x.ok("database", "%s on PostgreSQL %s, %s: %s, %s, %s of trees, %s", db.Name(), pgVersion(db.ServerVersion()), db.Encoding(),
			plural(view.Rows["upload"], "upload", "uploads"), plural(view.Rows["pfile"], "pfile", "pfiles"),
			plural(view.Rows["uploadtree"], "row", "rows"), plural(view.Rows["jobqueue"], "job", "jobs"))
		x.role(ctx, db)
		x.leftovers(ctx, db)
		if x.s.database != "command" {
			x.programs(ctx, db.ServerVersion())
		}
		return nil
	})
	if err != nil {
		x.broken("database", err, "is PostgreSQL running, and does psql connect with the words of Db.conf?")
	}
}

// role looks at what FOSSology's role may do: the restore needs more than the
// snapshot.
func (x *examination) role(ctx context.Context, db *fossology.Database) {
	role, err := db.Role(ctx)
	if err != nil {
		x.broken("database", err, "")
		return
	}
	if x.s.admin == "" && !role.Superuser && !role.CreateDatabase {
		x.warn("restore", `set admin = "host=… user=postgres …" in the configuration, or give --admin when you restore`,
			"role %s may not create databases", role.Name)
		return
	}
	if x.s.admin == "" {
		x.ok("restore", "role %s may create databases", role.Name)
		return
	}
	err = connected(ctx, fossology.DSN(x.s.admin), func(db *fossology.Database) error {
		role, err := db.Role(ctx)
		if err == nil {
			x.ok("restore", "role %s may create databases", role.Name)
		}
		return err
	})
	switch {
	case err == nil:
	case x.s.database == "command": // the only dump that does not need it
		x.warn("restore", "see admin in the configuration", "the administrator's connection: %v", err)
	default:
		x.bad("restore", "see admin in the configuration: a snapshot reads roles and passwords by it", "the administrator's connection: %v", err)
	}
}

// agentNames lists programs at work.
func agentNames(found []fossology.AgentProcess) string {
	var names []string
	for _, p := range found {
		names = append(names, p.String())
	}
	return strings.Join(names, ", ")
}

// scheduler asks whether it is alive, and how it would be started.
func (x *examination) scheduler(ctx context.Context) {
	if x.in == nil {
		return
	}
	if x.s.quiesce == "none" {
		x.ok("scheduler", "is not stopped for snapshots (quiesce none)")
		return
	}
	sched := fossology.Scheduler{Address: x.in.SchedulerAddress()}
	alive, err := sched.Alive(ctx)
	switch {
	case err != nil:
		x.broken("scheduler", err, "see address and port in fossology.conf")
	case !alive:
		x.warn("scheduler", "start FOSSology's scheduler if it should run; a snapshot leaves it as it is", "nobody listens at %s", sched.Address)
	default:
		x.ok("scheduler", "answers at %s", sched.Address)
	}
	x.starting(ctx)
	x.ownAgent()
	dir := x.in.AgentsDir()
	found, err := fossology.AgentProcesses(dir)
	switch {
	case dir == "":
		x.bad("agents", "name the directory of fossology.conf with --sysconf, or do without a standstill: --quiesce none", "their directory is not known: no run stops the scheduler")
	case err != nil:
		x.bad("agents", "is "+dir+" the directory with FOSSology's agents?", "%v", err)
	case len(found) > 0 && !alive && err == nil:
		x.warn("agents", "wait until they end", "run without a scheduler: %s", agentNames(found))
	case len(found) > 0:
		x.ok("agents", "at work: %s", agentNames(found))
	default:
		x.ok("agents", "none at work, in %s", dir)
	}
	if far := x.in.UnseenHosts(ctx); len(far) > 0 {
		x.ok("agents", "on %s cannot be seen from here: a snapshot asks scheduler and database for them", strings.Join(hostNames(far), ", "))
	}
}

// ownAgent looks at the agent that FOSSology's scheduler was given, if it was.
func (x *examination) ownAgent() {
	if x.in == nil || x.in.AgentsDir() == "" {
		return
	}
	m, err := fossology.ReadAgentModule(x.in.AgentsDir(), fossology.ReunpackAgent)
	text, commit := agentVersion()
	switch {
	case errors.Is(err, fossology.ErrNoModule):
	case err != nil:
		x.warn("agent", "repotool agent install", "%v", err)
	case m.Version != text || m.Commit != commit:
		x.warn("agent", "repotool agent install, on every host; then start the scheduler again",
			"%s is version %s.%s, and this is %s.%s", m.Name, m.Version, m.Commit, text, commit)
	default:
		x.ok("agent", "%s is installed, version %s.%s", m.Name, m.Version, m.Commit)
	}
}

// starting looks whether a stopped scheduler could be noted and started again.
func (x *examination) starting(ctx context.Context) {
	command := startCommand(ctx, x.s, x.in)
	if len(command) == 0 {
		x.broken("scheduler", fossology.NoStartCommand(), "")
		return
	}
	program := command[0]
	if len(command) == 3 && filepath.Base(program) == "sh" && command[1] == "-c" {
		if words := strings.Fields(command[2]); len(words) > 0 && !strings.ContainsAny(words[0], "=$`'\"();&|<>{}!") {
			program = words[0] // which may be a builtin
		}
	}
	if _, err := exec.LookPath(program); err != nil && exec.Command("sh", "-c", `command -v "$0"`, program).Run() != nil {
		x.bad("scheduler", "see start_command in the configuration, or --start-command", "the command that starts it again is not there: %v", err)
	}
	dir := x.s.stateDir
	for { // it is made when it is needed
		err := unix.Access(dir, unix.W_OK|unix.X_OK)
		parent := filepath.Dir(dir)
		if errors.Is(err, fs.ErrNotExist) && parent != dir {
			dir = parent
			continue
		}
		var st unix.Stat_t
		if err == nil && unix.Stat(dir, &st) == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR {
			err = unix.ENOTDIR
		}
		if err != nil {
			x.bad("notes", "run as root, or name another directory with state_dir in the configuration",
				"%s cannot be written to, and without a note no scheduler is stopped: %v", x.s.stateDir, err)
		}
		return
	}
}

// notes looks for schedulers that a dead run left stopped, and starts ours if
// that is asked for.
func (x *examination) notes(ctx context.Context) {
	if x.mend && x.in != nil {
		r, err := x.startLeftover(ctx, x.s, x.in)
		switch {
		case err != nil:
			x.broken("notes", err, "start the scheduler by hand")
			return
		case r.Action == fossology.RecoveredStarted:
			x.ok("notes", "started the scheduler, which a run had left stopped at %s", r.Note.Time.Local().Format(time.DateTime))
			return
		}
	}
	notes, err := fossology.PendingNotes(x.s.stateDir)
	if err != nil {
		x.broken("notes", err, "run as root")
		return
	}
	for _, n := range notes {
		at := n.Time.Local().Format(time.DateTime)
		switch {
		case n.Damaged != nil:
			x.bad("notes", "see whether the scheduler runs, then remove "+n.Path, "%v", n.Damaged)
		case n.StartFailed() != "":
			x.bad("notes", "repotool doctor --mend: it tries the start command of this configuration",
				"the scheduler at %s was stopped at %s, and does not start: %s", n.Scheduler, at, n.StartFailed())
		case n.Elsewhere():
			x.bad("notes", "if that process is gone, see that the scheduler runs and remove "+n.Path,
				"the scheduler at %s was stopped at %s by process %d of host %s; until then no run stops it", n.Scheduler, at, n.Owner.PID, n.Host)
		case n.Held():
			x.ok("notes", "the scheduler at %s was stopped at %s by process %d, which will start it", n.Scheduler, at, n.Owner.PID)
		default:
			x.bad("notes", "repotool doctor --mend, or take a snapshot: both start it", "the scheduler at %s was stopped at %s by a run that died", n.Scheduler, at)
		}
	}
	if len(notes) == 0 {
		x.ok("notes", "no run has left the scheduler stopped")
	}
}
