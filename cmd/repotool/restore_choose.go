package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"repotool/fossology"
	"repotool/snapshot"
	"repotool/store"
)

// choose works out what is to be restored and where to.
func (r *restoration) choose(only []string, to string) error {
	r.inPlace = to == ""
	r.files = len(only) == 0
	wantDatabase := len(only) == 0 && (r.inPlace || r.databaseName != "")
	dump := r.snap.Manifest.Database
	for _, o := range only {
		name, isPart := strings.CutPrefix(o, "database/")
		switch {
		case o == "database":
			wantDatabase = true
		case isPart:
			r.databases = append(r.databases, name)
		default:
			r.files, r.only = true, append(r.only, cleanPath(o))
		}
	}
	named := wantDatabase && len(only) > 0 || len(r.databases) > 0
	switch {
	case r.databaseName != "" && !wantDatabase && len(r.databases) == 0:
		return &usageError{err: errors.New("restore: --database-name is given, but --only leaves the database out"),
			hint: "add --only database, or leave --database-name out"}
	case dump == nil && (named || r.databaseName != ""):
		return &hinted{fmt.Errorf("snapshot %s holds no database", r.snap.Name()), "see DATABASE in repotool snapshots"}
	case named && !r.inPlace && r.databaseName == "":
		return &usageError{err: errors.New("restore: --to keeps the installation as it is, and the database belongs to it"),
			hint: "add --database-name NAME to load a copy, or use repotool cat SNAPSHOT database/NAME"}
	}
	if wantDatabase && dump != nil {
		r.databases = append(r.databases, dump.Main)
	}
	slices.Sort(r.databases) // one can be named twice, and is loaded once
	r.databases = slices.Compact(r.databases)
	if r.queued() && !r.inPlace {
		return &usageError{err: errors.New("restore: --rebuild queue is about FOSSology's own repository, and --to leaves that alone"),
			hint: "write --rebuild now, which needs no FOSSology"}
	}
	if len(r.databases) > 1 && r.databaseName != "" {
		return usagef("restore: --database-name fits one database, not %s", strings.Join(r.databases, " and "))
	}
	return r.locate(to)
}

// sameDatabase refuses to restore, in place, a database that is not the installation's: on a
// server of several it may be that of another one, which is at work.
func (r *restoration) sameDatabase() error {
	dump := r.snap.Manifest.Database
	if !r.inPlace || r.in == nil || r.databaseName != "" || dump == nil || !slices.Contains(r.databases, dump.Main) {
		return nil
	}
	name, err := r.ownDatabase()
	if err != nil || name == "" || name == dump.Main || dump.Mode == snapshot.DumpCommand {
		return err
	}
	return &usageError{err: fmt.Errorf("restore: the snapshot is of the database %s, and this installation uses %s", dump.Main, name),
		hint: fmt.Sprintf("restore it as this installation's with --database-name %s, or as another with --database-name %s", name, dump.Main)}
}

// ownDatabase is the name of the installation's database; "" if nothing says it any more.
func (r *restoration) ownDatabase() (string, error) {
	dsn := r.in.Database
	if dsn == "" { // with --admin nobody has asked for it yet
		in, err := loadInstallation(r.s, true)
		if errors.Is(err, fs.ErrNotExist) { // after a disaster there may be no Db.conf
			return "", nil
		}
		if err != nil {
			return "", withHint(err, "mend Db.conf, or say which database is to be replaced: --database-name NAME")
		}
		dsn = in.Database
	}
	if dsn == "" {
		return "", nil
	}
	return dsn.DatabaseName()
}

// locate finds the installation and the directory of the files. After a
// disaster there may be no configuration: the snapshot knows the path.
func (r *restoration) locate(to string) error {
	needDatabase := len(r.databases) > 0 && r.s.admin == "" || r.queued()
	in, err := loadInstallation(r.s, needDatabase)
	switch {
	case err == nil:
		r.in = in
	case !needDatabase && (!r.inPlace || errors.Is(err, fossology.ErrNoInstallation)):
	default:
		return err
	}
	switch {
	case !r.inPlace:
		abs, err := filepath.Abs(to)
		if err != nil {
			return fmt.Errorf("find %s: %w", to, err)
		}
		r.result.To = abs
	case r.in != nil:
		r.result.To = r.in.Repository.Path
	default:
		r.result.To = r.snap.Manifest.Repository
	}
	if err := r.meetsLive(); err != nil {
		return err
	}
	if r.queued() {
		if err := r.queueHere(); err != nil {
			return err
		}
		if err := r.in.NeedAgent(fossology.ReunpackAgent); err != nil {
			return err
		}
		if _, err := r.in.AgentHosts(); err != nil { // before anything is written
			return err
		}
	}
	if err := r.sameDatabase(); err != nil {
		return err
	}
	if r.inPlace && r.in != nil && r.files {
		// An empty place, or none, is what a restore is for; a host of the repository is not,
		// nor is one with links, behind which nothing is written.
		var wrong *fossology.NotRepositoryError
		var linked *fossology.LinkedTopError
		if _, err := r.in.Repository.Tops(); errors.As(err, &wrong) && len(wrong.Hosts) > 0 || errors.As(err, &linked) {
			return err
		}
	}
	if r.live && r.in != nil && r.files && r.in.Repository.Depth != r.snap.Manifest.Depth {
		return &hinted{fmt.Errorf("the snapshot has depth %d, the installation %d", r.snap.Manifest.Depth, r.in.Repository.Depth),
			"set depth in fossology.conf to that of the snapshot, or restore elsewhere with --to"}
	}
	return nil
}

// meetsLive sees whether the restore works on the live installation. With --to it
// does if the directory is, or lies in, the repository, by whatever name.
func (r *restoration) meetsLive() (err error) {
	if r.live = r.inPlace; r.live || r.in == nil || !r.files {
		return nil
	}
	root := r.in.Repository.Path
	if r.live, err = store.Inside(r.result.To, root); err != nil {
		return fmt.Errorf("compare %s with the repository: %w", r.result.To, err)
	}
	if r.live {
		r.say(r.s, "%s is FOSSology's repository, %s, or in it: this is a restore in place\n", r.result.To, root)
	}
	return nil
}
