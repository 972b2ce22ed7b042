package snapshot

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A PostgresVersion is a version of PostgreSQL as its server_version_num: 150018 is 15.18, 90624 is 9.6.24. Zero is
// one that is not known.
type PostgresVersion int

var versionNumber = regexp.MustCompile(`\d+(\.\d+)*`)

// ParsePostgresVersion reads what a program of PostgreSQL's says of itself: "pg_dump (PostgreSQL) 15.18 (Debian ...)".
// Development versions ("19devel") count as .0.
func ParsePostgresVersion(s string) (PostgresVersion, bool) {
	var n []int
	for f := range strings.SplitSeq(versionNumber.FindString(s), ".") {
		v, err := strconv.Atoi(f)
		if err != nil {
			return 0, false
		}
		n = append(n, v)
	}
	n = append(n, 0, 0)
	if n[0] >= 10 {
		return PostgresVersion(n[0]*10000 + n[1]), true
	}
	return PostgresVersion(n[0]*10000 + n[1]*100 + n[2]), true
}

// major splits off the last number, which does not count when a tool meets a server.
func (v PostgresVersion) major() (major, minor int) {
	if v >= 100000 {
		return int(v) / 10000, int(v) % 10000
	}
	return int(v) / 100, int(v) % 100
}

// Major is what decides whether a tool knows a server: 15, or 9.6.
func (v PostgresVersion) Major() string {
	major, _ := v.major()
	if v >= 100000 {
		return strconv.Itoa(major)
	}
	return fmt.Sprintf("%d.%d", major/100, major%100)
}

func (v PostgresVersion) String() string {
	if v == 0 {
		return "unknown"
	}
	_, minor := v.major()
	return fmt.Sprintf("%s.%d", v.Major(), minor)
}

// OlderThan says whether the major version is lower. A known version is compared with an unknown one as if that
// were the oldest.
func (v PostgresVersion) OlderThan(w PostgresVersion) bool { return v < w && v.Major() != w.Major() }
