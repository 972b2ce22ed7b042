package snapshot

import (
	"fmt"
	"maps"
	"os/user"
	"strconv"
)

// Owners are the names of the users and groups whose numbers the entries of a snapshot have.
// Another host may have given the numbers to others, and a FOSSology that is not the owner of
// its repository cannot read it: so a restore goes by the names.
type Owners struct {
	Users  map[uint32]string `json:"users,omitempty"`
	Groups map[uint32]string `json:"groups,omitempty"`
}

// clone is a copy that can be changed.
func (o Owners) clone() Owners { return Owners{maps.Clone(o.Users), maps.Clone(o.Groups)} }

// IsZero is for JSON.
func (o Owners) IsZero() bool { return len(o.Users) == 0 && len(o.Groups) == 0 }

// An ownerNamer looks names up, each once.
type ownerNamer struct {
	names    *Owners
	uid, gid uint32 // the last that were seen
	users    map[uint32]bool
	groups   map[uint32]bool
}

func newOwnerNamer(names *Owners) *ownerNamer {
	return &ownerNamer{names: names, users: map[uint32]bool{}, groups: map[uint32]bool{}}
}

// sees adds the names of an owner. One that has none here may have had one before.
func (n *ownerNamer) sees(uid, gid uint32) {
	if uid == n.uid && gid == n.gid && len(n.users) > 0 {
		return
	}
	n.uid, n.gid = uid, gid
	if !n.users[uid] {
		n.users[uid] = true
		if u, err := user.LookupId(strconv.Itoa(int(uid))); err == nil {
			n.names.Users = with(n.names.Users, uid, u.Username)
		}
	}
	if !n.groups[gid] {
		n.groups[gid] = true
		if g, err := user.LookupGroupId(strconv.Itoa(int(gid))); err == nil {
			n.names.Groups = with(n.names.Groups, gid, g.Name)
		}
	}
}

func with(m map[uint32]string, id uint32, name string) map[uint32]string {
	if m == nil {
		m = map[uint32]string{}
	}
	m[id] = name
	return m
}

// ownersHere are the numbers that the owners of a snapshot have on this host.
type ownersHere struct{ users, groups numbersHere }

// numbersHere are those of users or of groups. Each name is looked up when the first thing
// that belongs to it comes by: a snapshot may know owners of which it has nothing any more.
type numbersHere struct {
	what     string
	names    map[uint32]string
	lookup   func(name string) (number string, err error)
	known    map[uint32]uint32
	findings *Findings // takes the names that nobody has here
}

// here is what looks the names up.
func (o Owners) here(findings *Findings) *ownersHere {
	userNumber := func(name string) (string, error) {
		u, err := user.Lookup(name)
		if err != nil {
			return "", err
		}
		return u.Uid, nil
	}
	groupNumber := func(name string) (string, error) {
		g, err := user.LookupGroup(name)
		if err != nil {
			return "", err
		}
		return g.Gid, nil
	}
	return &ownersHere{numbersHere{"user", o.Users, userNumber, map[uint32]uint32{}, findings},
		numbersHere{"group", o.Groups, groupNumber, map[uint32]uint32{}, findings}}
}

// of changes an owner into the one of this host. Without a snapshot's owners it stays.
func (h *ownersHere) of(uid, gid *uint32) {
	if h == nil {
		return
	}
	*uid, *gid = h.users.of(*uid), h.groups.of(*gid)
}

// of is the number that the owner of a number has here.
func (n *numbersHere) of(there uint32) uint32 {
	here, ok := n.known[there]
	if !ok {
		here = n.find(there)
		n.known[there] = here
	}
	return here
}

// find looks for the owner of a number. One that nobody is here keeps it.
func (n *numbersHere) find(there uint32) uint32 {
	name, named := n.names[there]
	if !named {
		return there
	}
	number, err := n.lookup(name)
	here, parseErr := strconv.ParseUint(number, 10, 32)
	if err != nil || parseErr != nil {
		n.findings.Add(OwnerUnknown, n.what+" "+name, fmt.Sprintf("is not known on this host; what belongs to it gets its number, %d", there))
		return there
	}
	return uint32(here)
}

// atHome is the snapshot as it is to be on this host: with the owners that have its names.
// What it yields has those of the manifest still; whoever restores that asks owners.
func (s *Snapshot) atHome(noOwner bool, findings *Findings) *Snapshot {
	if noOwner || s.Manifest.Owners.IsZero() {
		return s
	}
	if findings == nil {
		findings = new(Findings)
	}
	home, m := *s, *s.Manifest
	home.owners = s.Manifest.Owners.here(findings)
	home.owners.of(&m.DirMode.UID, &m.DirMode.GID)
	home.Manifest = &m
	return &home
}
