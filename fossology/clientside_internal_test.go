package fossology

import (
	"crypto/tls"
	"strings"
	"testing"
)

// TestAddressWithoutHost: a connection to an address is made with TLS as sslmode says, whether a
// host, or the directory of a socket, is named or not.
func TestAddressWithoutHost(t *testing.T) {
	for _, c := range []struct {
		dsn, host string
		tls       []bool // of what is tried one after the other
	}{
		{"hostaddr=192.0.2.7 sslmode=require", "192.0.2.7", []bool{true}},
		{"hostaddr=192.0.2.7 sslmode=verify-full dbname='a b'", "192.0.2.7", []bool{true}},
		{"hostaddr=192.0.2.7", "192.0.2.7", []bool{true, false}},
		{"hostaddr=192.0.2.7 sslmode=disable", "192.0.2.7", []bool{false}},
		{"host=/run/postgresql hostaddr=192.0.2.7 sslmode=require", "192.0.2.7", []bool{true}},
		{"host=db.example hostaddr=192.0.2.7 sslmode=verify-full", "192.0.2.7", []bool{true}},
		{"hostaddr=192.0.2.7,192.0.2.8 sslmode=require", "192.0.2.7", []bool{true, true}},
		{"postgres://u:pw@/d?hostaddr=192.0.2.7&sslmode=require", "192.0.2.7", []bool{true}},
		{"postgres://u:pw@:5433/d?sslmode=require&hostaddr=2001:db8::7", "2001:db8::7", []bool{true}},
		{"host=/run/postgresql sslmode=require", "/run/postgresql", []bool{false}}, // as libpq
	} {
		config, err := clientSide(DSN(c.dsn))
		if err != nil {
			t.Errorf("%s: %v", c.dsn, err)
			continue
		}
		got := []bool{config.TLSConfig != nil}
		for _, f := range config.Fallbacks {
			got = append(got, f.TLSConfig != nil)
		}
		if config.Host != c.host || len(got) != len(c.tls) {
			t.Errorf("%s: host %s, TLS %v", c.dsn, config.Host, got)
			continue
		}
		for i := range got {
			if got[i] != c.tls[i] {
				t.Errorf("%s: TLS %v", c.dsn, got)
			}
		}
		if strings.Contains(c.dsn, "db.example") && config.TLSConfig.ServerName != "db.example" {
			t.Errorf("%s: the certificate is to be that of %s", c.dsn, config.TLSConfig.ServerName)
		}
	}
}

// TestDemands: a demand is kept, or there is no connection.
func TestDemands(t *testing.T) {
	for words, kept := range map[string]bool{
		"gssencmode=require": false, "gssencmode=prefer": true, "requirepeer=postgres": false, "sslcrl=/etc/crl.pem": false, "sslcrldir=/etc/crl": false,
		"requirepeer='' sslcrl=''": true, "ssl_min_protocol_version=TLSv1.2": true,
	} {
		_, err := clientSide(DSN("host=192.0.2.7 " + words))
		if (err == nil) != kept {
			t.Errorf("%s: %v", words, err)
		}
		if e := (&ConnectError{Err: err}); err != nil && !strings.Contains(e.Hint(), "--database-dsn") {
			t.Errorf("%s: hint %q", words, e.Hint())
		}
	}
	config, err := clientSide("host=192.0.2.7,192.0.2.8 ssl_min_protocol_version=tlsv1.3")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range config.Fallbacks {
		if f.TLSConfig != nil && f.TLSConfig.MinVersion != tls.VersionTLS13 {
			t.Errorf("%s is spoken to in TLS %x", f.Host, f.TLSConfig.MinVersion)
		}
	}
	if config.TLSConfig.MinVersion != tls.VersionTLS13 {
		t.Errorf("TLS %x is spoken", config.TLSConfig.MinVersion)
	}
}
