package snapshot

import (
	"context"
	"errors"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"time"
)

// accounts looks the users or the groups of this host up: in /etc/passwd or /etc/group, which
// is all that package os/user reads in a program without libc, and then by getent(1), which
// asks whoever else nsswitch.conf(5) names, such as LDAP. It remembers nothing of what it was
// asked.
type accounts struct {
	table    string // as getent calls it
	byName   func(name string) (account, bool)
	byNumber func(number string) (account, bool)
	patience time.Duration // with getent
	silent   bool          // getent is not there, or did not answer in time: it is not asked again
}

// An account is a user or a group.
type account struct{ name, number string }

// getentPatience is how long a directory service may take to answer.
const getentPatience = 10 * time.Second

func newUsers() *accounts {
	of := func(u *user.User, err error) (account, bool) {
		if err != nil {
			return account{}, false
		}
		return account{u.Username, u.Uid}, true
	}
	return &accounts{table: "passwd", patience: getentPatience,
		byName:   func(name string) (account, bool) { return of(user.Lookup(name)) },
		byNumber: func(number string) (account, bool) { return of(user.LookupId(number)) }}
}

func newGroups() *accounts {
	of := func(g *user.Group, err error) (account, bool) {
		if err != nil {
			return account{}, false
		}
		return account{g.Name, g.Gid}, true
	}
	return &accounts{table: "group", patience: getentPatience,
		byName:   func(name string) (account, bool) { return of(user.LookupGroup(name)) },
		byNumber: func(number string) (account, bool) { return of(user.LookupGroupId(number)) }}
}

// name is what an account of that number is called.
func (a *accounts) name(ctx context.Context, number uint32) (string, bool) {
	key := strconv.FormatUint(uint64(number), 10)
	found, ok := a.byNumber(key)
	if !ok {
		found, ok = a.getent(ctx, key)
	}
	return found.name, ok && found.number == key
}

// number is that of the account of a name.
func (a *accounts) number(ctx context.Context, name string) (uint32, bool) {
	found, ok := a.byName(name)
	if !ok && isAccountName(name) {
		found, ok = a.getent(ctx, name)
	}
	number, err := strconv.ParseUint(found.number, 10, 32)
	return uint32(number), ok && err == nil
}

// isAccountName says whether getent takes a word for a name, not for a number or an option.
func isAccountName(word string) bool {
	_, err := strconv.ParseUint(word, 10, 64)
	return err != nil && word != "" && word[0] != '-'
}

// getent asks for an account by its name or number.
func (a *accounts) getent(ctx context.Context, key string) (found account, ok bool) {
	if a.silent {
		return found, false
	}
	ctx, cancel := context.WithTimeout(ctx, a.patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "getent", a.table, key)
	cmd.WaitDelay = time.Second // what it has started may hold its output open
	out, err := cmd.Output()
	a.silent = ctx.Err() != nil || errors.Is(err, exec.ErrNotFound)
	fields := strings.Split(string(out), ":") // name, password, number and more
	if err != nil || len(fields) < 3 {        // status 2: nobody knows it
		return found, false
	}
	return account{fields[0], strings.TrimSpace(fields[2])}, true
}
