package fossology

import (
	"crypto/tls"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Keywords of libpq's that pgx does not know it would send to the server, which refuses them:
// they are for the client (PostgreSQL, 32.1.2 Parameter Key Words).

// clientOnly may be passed over: without them a connection is as safe.
var clientOnly = []string{"hostaddr", "fallback_application_name", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count",
	"tcp_user_timeout", "gssencmode", "gssdelegation", "gsslib", "requirepeer", "sslcompression", "sslcrl", "sslcrldir",
	"ssl_min_protocol_version", "ssl_max_protocol_version", "load_balance_hosts"}

// clientSide reads a DSN, and does for pgx what libpq does by itself.
func clientSide(dsn DSN) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(string(dsn))
	if err != nil {
		return nil, err
	}
	if address := config.RuntimeParams["hostaddr"]; address != "" && filepath.IsAbs(config.Host) {
		// No host is named, or a socket's directory, for which pgx leaves TLS out. The
		// connection is to the address, and what sslmode demands is demanded of that.
		if dsn, err = dsn.withHost(address); err != nil {
			return nil, err
		}
		if config, err = pgx.ParseConfig(string(dsn)); err != nil {
			return nil, err
		}
	} else if address != "" {
		config.Host = address
		for _, f := range config.Fallbacks {
			f.Host = address
		}
	}
	if err := unkept(config.RuntimeParams); err != nil {
		return nil, err
	}
	if strings.EqualFold(config.RuntimeParams["ssl_min_protocol_version"], "TLSv1.3") { // less than TLS 1.2 is never spoken
		noOlder(config, tls.VersionTLS13)
	}
	for _, word := range clientOnly {
		delete(config.RuntimeParams, word)
	}
	return config, nil
}

// unkept is an error if a demand is made of the connection that would not be kept.
func unkept(params map[string]string) error {
	for _, word := range []string{"gssencmode", "requirepeer", "sslcrl", "sslcrldir"} {
		if value := params[word]; value != "" && (word != "gssencmode" || value == "require") {
			return &hintError{text: fmt.Sprintf("%s=%s is demanded, which is not done here", word, value),
				hint: "if the connection is safe enough without it, give the address without it, for repotool alone: --database-dsn, or database_dsn in the configuration"}
		}
	}
	return nil
}

// noOlder has a version of TLS be the oldest that is spoken.
func noOlder(config *pgx.ConnConfig, version uint16) {
	all := []*tls.Config{config.TLSConfig}
	for _, f := range config.Fallbacks {
		all = append(all, f.TLSConfig)
	}
	for _, c := range all {
		if c != nil {
			c.MinVersion = version
		}
	}
}
