package fossology

import (
	"context"
	"net"
	"os"
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
