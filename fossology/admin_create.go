package fossology

import "context"

// CreateOptions say how a database is to be made; what is empty is the server's
// choice.
type CreateOptions struct {
	Owner      string
	Encoding   string
	Collate    string // of the C library, as Ctype is
	Ctype      string
	Provider   string // of the locale, as pg_database has it: c, i (ICU) or b (builtin)
	Locale     string // of ICU or builtin
	Rules      string // of ICU, added to those of the locale
	Tablespace string
}

// The versions of PostgreSQL that brought another provider of locales than the
// C library, and the rules of ICU.
const (
	versionICU     = 150000
	versionRules   = 160000
	versionBuiltin = 170000
)

// KnowsProvider says whether databases of a server of that version can have
// their locale of a provider.
func KnowsProvider(provider string, version int) bool {
	switch provider {
	case "i":
		return version >= versionICU
	case "b":
		return version >= versionBuiltin
	}
	return true
}

// CreateDatabaseSQL is the statement that makes an empty database on a server
// of that version. A provider of locales that the server does not know is left
// out: the locale is then that of the C library.
func CreateDatabaseSQL(name string, o CreateOptions, version int) string {
	sql := "CREATE DATABASE " + quoteIdentifier(name) + " TEMPLATE template0"
	identifier := func(word, value string) {
		if value != "" {
			sql += " " + word + " " + quoteIdentifier(value)
		}
	}
	literal := func(word, value string) {
		if value != "" {
			sql += " " + word + " " + quoteLiteral(value)
		}
	}
	identifier("OWNER", o.Owner)
	literal("ENCODING", o.Encoding)
	switch {
	case o.Provider == "i" && KnowsProvider(o.Provider, version):
		sql += " LOCALE_PROVIDER icu"
		literal("ICU_LOCALE", o.Locale)
		if version >= versionRules {
			literal("ICU_RULES", o.Rules)
		}
	case o.Provider == "b" && KnowsProvider(o.Provider, version):
		sql += " LOCALE_PROVIDER builtin"
		literal("BUILTIN_LOCALE", o.Locale)
	case o.Provider != "" && version >= versionICU:
		sql += " LOCALE_PROVIDER libc" // template0 may have another
	}
	literal("LC_COLLATE", o.Collate)
	literal("LC_CTYPE", o.Ctype)
	identifier("TABLESPACE", o.Tablespace)
	return sql
}

// CreateDatabase makes an empty database.
func (d *Database) CreateDatabase(ctx context.Context, name string, o CreateOptions) error {
	return d.admin(ctx, "create database "+name, CreateDatabaseSQL(name, o, d.version))
}
