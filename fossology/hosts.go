package fossology

import (
	"context"
	"net"
	"os"
	"slices"
	"strings"
	"time"
)

// String names the host and its address.
func (h Host) String() string {
	if h.Address == "" || h.Address == h.Name {
		return h.Name
	}
	return h.Name + " (" + h.Address + ")"
}

// UnseenHosts returns the hosts where agents may run whose processes cannot be
// seen from here: those whose address is not this host's. If the scheduler runs
// elsewhere that is every one of them, because what they call localhost is its
// host. An address that cannot be resolved is not this host's.
func (i *Installation) UnseenHosts(ctx context.Context) []Host {
	if !isLocal(ctx, i.Address) {
		return append([]Host{{Name: "the scheduler's host", Address: i.Address}}, i.Hosts...)
	}
	var unseen []Host
	for _, h := range i.Hosts {
		if !isLocal(ctx, h.Address) {
			unseen = append(unseen, h)
		}
	}
	return unseen
}

// resolveTimeout is how long a name server may take.
const resolveTimeout = 5 * time.Second

// isLocal reports whether an address, or a name, is one of this host's.
func isLocal(ctx context.Context, address string) bool {
	if strings.EqualFold(address, "localhost") || strings.EqualFold(address, hostname()) {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	ips, err := net.DefaultResolver.LookupIP(ctx, "ip", address)
	if err != nil {
		return false
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, ip := range ips {
		if ip.IsLoopback() || ip.IsUnspecified() {
			return true
		}
		for _, a := range own {
			if n, ok := a.(*net.IPNet); ok && n.IP.Equal(ip) {
				return true
			}
		}
	}
	return false
}

// OwnHosts returns the hosts of the repository whose files are written on this machine.
// Where there is but one, that is it, wherever its disks are. Of several, a host is this
// machine if the address that [HOSTS] has for its name is one of ours; without a line
// there, if its name is.
func (i *Installation) OwnHosts(ctx context.Context) []string {
	hosts := i.Repository.HostsOf("files")
	if len(hosts) <= 1 {
		return hosts
	}
	schedulerHere := isLocal(ctx, i.Address)
	var own []string
	for _, name := range hosts {
		address := name
		for _, h := range i.Hosts {
			if h.Name == name {
				address = h.Address
			}
		}
		// What the configuration calls localhost is the scheduler's host.
		if strings.EqualFold(address, "localhost") && !schedulerHere {
			continue
		}
		if isLocal(ctx, address) {
			own = append(own, name)
		}
	}
	return own
}

// AgentHosts says on which hosts an agent must run that writes files of the repository:
// nil if any of them will do, because the repository has but one host.
func (i *Installation) AgentHosts() ([]string, error) {
	hosts := i.Repository.HostsOf("files")
	if len(hosts) <= 1 {
		return nil, nil
	}
	for _, name := range hosts {
		if !slices.ContainsFunc(i.Hosts, func(h Host) bool { return h.Name == name }) {
			return nil, &hintError{
				text: "host " + name + " of the repository is not in [HOSTS] of fossology.conf: the scheduler starts no agent there",
				hint: "add it there, or bring the files back without the scheduler: repotool reunpack --jobs on that host",
			}
		}
	}
	return hosts, nil
}

// hostname is the name of this host.
func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}

// hostNames lists hosts for people.
func hostNames(hosts []Host) string {
	var names []string
	for _, h := range hosts {
		names = append(names, h.String())
	}
	return strings.Join(names, ", ")
}
