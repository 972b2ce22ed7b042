package snapshot

import (
	"context"
	"fmt"
	"maps"
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
	names         *Owners
	uid, gid      uint32 // the last that were seen
	uids, gids    map[uint32]bool
	users, groups *accounts
}

func newOwnerNamer(names *Owners) *ownerNamer {
	return &ownerNamer{names: names, uids: map[uint32]bool{}, gids: map[uint32]bool{}, users: newUsers(), groups: newGroups()}
}

// sees adds the names of an owner. One that has none here may have had one before.
func (n *ownerNamer) sees(ctx context.Context, uid, gid uint32) {
	if uid == n.uid && gid == n.gid && len(n.uids) > 0 {
		return
	}
	n.uid, n.gid = uid, gid
	if !n.uids[uid] {
		n.uids[uid] = true
		if name, ok := n.users.name(ctx, uid); ok {
			n.names.Users = with(n.names.Users, uid, name)
		}
	}
	if !n.gids[gid] {
		n.gids[gid] = true
		if name, ok := n.groups.name(ctx, gid); ok {
			n.names.Groups = with(n.names.Groups, gid, name)
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
	number   func(name string) (uint32, bool)
	known    map[uint32]uint32
	findings *Findings // takes the names that nobody has here
}

// here is what looks the names up.
func (o Owners) here(ctx context.Context, findings *Findings) *ownersHere {
	numbers := func(what string, names map[uint32]string, all *accounts) numbersHere {
		number := func(name string) (uint32, bool) { return all.number(ctx, name) }
		return numbersHere{what, names, number, map[uint32]uint32{}, findings}
	}
	return &ownersHere{numbers("user", o.Users, newUsers()), numbers("group", o.Groups, newGroups())}
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
	here, ok := n.number(name)
	if !ok {
		n.findings.Add(OwnerUnknown, n.what+" "+name, fmt.Sprintf("is not known on this host; what belongs to it gets its number, %d", there))
		return there
	}
	return here
}

// atHome is the snapshot as it is to be on this host: with the owners that have its names.
// What it yields has those of the manifest still; whoever restores that asks owners.
func (s *Snapshot) atHome(ctx context.Context, noOwner bool, findings *Findings) *Snapshot {
	if noOwner || s.Manifest.Owners.IsZero() {
		return s
	}
	if findings == nil {
		findings = new(Findings)
	}
	home, m := *s, *s.Manifest
	home.owners = s.Manifest.Owners.here(ctx, findings)
	home.owners.of(&m.DirMode.UID, &m.DirMode.GID)
	home.Manifest = &m
	return &home
}
