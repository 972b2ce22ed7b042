package main

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // zones are known on hosts that have none installed

	"github.com/urfave/cli/v2"

	"repotool/snapshot"
)

// retentionConfig is a section [installation.NAME.retention].
type retentionConfig struct {
	Last    int    `toml:"keep_last"`
	Hourly  int    `toml:"keep_hourly"`
	Daily   int    `toml:"keep_daily"`
	Weekly  int    `toml:"keep_weekly"`
	Monthly int    `toml:"keep_monthly"`
	Yearly  int    `toml:"keep_yearly"`
	Within  string `toml:"keep_within"`
	Zone    string `toml:"zone"`
	Cycles  int    `toml:"keep_cycles"`
}

// retentionFlags say what to keep, whatever the configuration says.
func retentionFlags() []cli.Flag {
	number := func(name, usage string) cli.Flag {
		return &cli.IntFlag{Name: name, Usage: usage, EnvVars: env(name)}
	}
	return []cli.Flag{
		number("keep-last", "keep the last `N` snapshots (-1: all)"),
		number("keep-hourly", "keep the newest of each of the last `N` hours that have one"),
		number("keep-daily", "the same for `N` days"),
		number("keep-weekly", "the same for `N` weeks, from Monday on"),
		number("keep-monthly", "the same for `N` months"),
		number("keep-yearly", "the same for `N` years"),
		setting("keep-within", "keep all that are at most `PERIOD` older than the newest, such as 2y6m, 30d or 12h"),
		setting("zone", "days begin at midnight in `ZONE`, such as Europe/Berlin or Local (default UTC, as in the names of snapshots)"),
	}
}

// flags lays the flags of a command over the configuration.
func (r retentionConfig) flags(c *cli.Context) retentionConfig {
	for name, to := range map[string]*int{"keep-last": &r.Last, "keep-hourly": &r.Hourly, "keep-daily": &r.Daily,
		"keep-weekly": &r.Weekly, "keep-monthly": &r.Monthly, "keep-yearly": &r.Yearly} {
		if c.IsSet(name) {
			*to = c.Int(name)
		}
	}
	for name, to := range map[string]*string{"keep-within": &r.Within, "zone": &r.Zone} {
		if c.IsSet(name) {
			*to = c.String(name)
		}
	}
	return r
}

// policy is what package snapshot goes by.
func (r retentionConfig) policy() (p snapshot.Policy, err error) {
	p = snapshot.Policy{Last: r.Last, Hourly: r.Hourly, Daily: r.Daily, Weekly: r.Weekly, Monthly: r.Monthly, Yearly: r.Yearly}
	for _, n := range []int{r.Last, r.Hourly, r.Daily, r.Weekly, r.Monthly, r.Yearly} {
		if n < snapshot.Unlimited {
			return p, fmt.Errorf("keep %d: expected a number of snapshots, or -1 for all", n)
		}
	}
	if r.Cycles < 0 {
		return p, fmt.Errorf("keep_cycles %d: expected how many cycles stay beside the newest", r.Cycles)
	}
	if r.Within != "" {
		if p.Within, err = snapshot.ParsePeriod(r.Within); err != nil {
			return p, fmt.Errorf("keep-within: %w", err)
		}
	}
	if r.Zone != "" {
		if p.Zone, err = time.LoadLocation(r.Zone); err != nil {
			return p, fmt.Errorf("zone %q: expected a name such as Europe/Berlin, UTC or Local", r.Zone)
		}
	}
	return p, nil
}

// policyLine says what a policy keeps, as its flags do.
func policyLine(p snapshot.Policy) string {
	var parts []string
	for _, x := range []struct {
		name string
		n    int
	}{{"last", p.Last}, {"hourly", p.Hourly}, {"daily", p.Daily}, {"weekly", p.Weekly}, {"monthly", p.Monthly}, {"yearly", p.Yearly}} {
		switch {
		case x.n == snapshot.Unlimited:
			parts = append(parts, "every "+x.name)
		case x.n > 0:
			parts = append(parts, fmt.Sprintf("%d %s", x.n, x.name))
		}
	}
	if (p.Within != snapshot.Period{}) {
		parts = append(parts, "within "+p.Within.String())
	}
	zone := "UTC"
	if p.Zone != nil {
		zone = p.Zone.String()
	}
	return strings.Join(parts, ", ") + "; days of " + zone
}
