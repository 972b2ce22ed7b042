package snapshot

import (
	"fmt"
	"maps"
	"os/user"
	"slices"
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

// ownersHere are the numbers that owners have on this host, where they are others.
type ownersHere struct{ users, groups map[uint32]uint32 }

// here looks the names up. Those that nobody has here keep their number, and are findings.
func (o Owners) here(findings *Findings) (h ownersHere) {
	h.users = o.numbers(o.Users, "user", findings, func(name string) (string, error) {
		u, err := user.Lookup(name)
		if err != nil {
			return "", err
		}
		return u.Uid, nil
	})
	h.groups = o.numbers(o.Groups, "group", findings, func(name string) (string, error) {
		g, err := user.LookupGroup(name)
		if err != nil {
			return "", err
		}
		return g.Gid, nil
	})
	return h
}

func (o Owners) numbers(names map[uint32]string, what string, findings *Findings, lookup func(name string) (string, error)) map[uint32]uint32 {
	numbers := map[uint32]uint32{}
	for _, there := range slices.Sorted(maps.Keys(names)) {
		name := names[there]
		number, err := lookup(name)
		here, parseErr := strconv.ParseUint(number, 10, 32)
		switch {
		case err != nil || parseErr != nil:
			findings.Add(OwnerUnknown, what+" "+name, fmt.Sprintf("is not known on this host; what belongs to it gets its number, %d", there))
		case uint32(here) != there:
			numbers[there] = uint32(here)
		}
	}
	return numbers
}

// of changes an owner into the one of this host.
func (h ownersHere) of(uid, gid *uint32) {
	if here, ok := h.users[*uid]; ok {
		*uid = here
	}
	if here, ok := h.groups[*gid]; ok {
		*gid = here
	}
}

// atHome is the snapshot as it is to be on this host: with the owners that have its names.
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
