package snapshot

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// databaseFacts are what a database says of itself.
type databaseFacts struct {
	DumpedDatabase
	Version    int            `json:"version"`
	Properties []string       `json:"properties"` // SQL statements that say :"DBNAME" for the database
	Tables     []countedTable `json:"tables"`     // whose rows the manifest counts
}

// factsSQL reads the catalogues of PostgreSQL 9.4 to 18. Columns that only some versions have are reached through
// to_json. Roles: whoever owns something or was granted something; the first superuser, who is never
// listed as owner in pg_shdepend, is found by the ownership of objects that were not there from the start.
// Properties: what pg_dump writes only with --create, which would name the database to be created.
// Tables: those that FOSSology's words for them lead to, and their heirs at every remove.
const factsSQL = `
WITH RECURSIVE d AS (SELECT oid AS id, * FROM pg_database WHERE datname = current_database()),
r AS (SELECT datdba AS role FROM d
 UNION SELECT s.refobjid FROM pg_shdepend s, d WHERE s.refclassid = 'pg_authid'::regclass
   AND (s.dbid = d.id OR s.dbid = 0 AND s.classid = 'pg_database'::regclass AND s.objid = d.id)
 UNION SELECT setrole FROM pg_db_role_setting s, d WHERE s.setdatabase = d.id AND setrole <> 0
 UNION SELECT relowner FROM pg_class WHERE oid >= 16384
 UNION SELECT proowner FROM pg_proc WHERE oid >= 16384
 UNION SELECT typowner FROM pg_type WHERE oid >= 16384
 UNION SELECT nspowner FROM pg_namespace WHERE oid >= 16384),
setting AS (SELECT setrole, split_part(c, '=', 1) AS name, substr(c, strpos(c, '=') + 1) AS value
  FROM d, pg_db_role_setting s, unnest(setconfig) c WHERE setdatabase = d.id),
acl AS (SELECT (aclexplode(datacl)).* FROM d),
p AS (
 SELECT 1 AS step, 'COMMENT ON DATABASE :"DBNAME" IS ' || quote_literal(shobj_description(id, 'pg_database')) || ';' AS sql FROM d
 UNION ALL SELECT 2, 'ALTER DATABASE :"DBNAME" CONNECTION LIMIT ' || datconnlimit || ';' FROM d WHERE datconnlimit >= 0
 UNION ALL SELECT 3, CASE WHEN setrole = 0 THEN 'ALTER DATABASE :"DBNAME"'
     ELSE format('ALTER ROLE %I IN DATABASE :"DBNAME"', pg_get_userbyid(setrole)) END || format(' SET %I TO ', name) ||
   CASE WHEN lower(name) IN ('search_path', 'temp_tablespaces', 'session_preload_libraries', 'local_preload_libraries')
     AND value <> '' THEN value ELSE quote_literal(value) END || ';' FROM setting
 UNION ALL SELECT 4, 'REVOKE ALL ON DATABASE :"DBNAME" FROM PUBLIC;' FROM d WHERE datacl IS NOT NULL
 UNION ALL SELECT 5, format('GRANT %s ON DATABASE :"DBNAME" TO %s%s;', privilege_type,
     CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
     CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) FROM acl, d WHERE grantee <> datdba),
counted(name, id) AS (VALUES ('upload', to_regclass('upload')::oid), ('pfile', to_regclass('pfile')::oid),
   ('uploadtree', to_regclass('uploadtree')::oid), ('jobqueue', to_regclass('jobqueue')::oid)
 UNION SELECT name, inhrelid FROM counted JOIN pg_inherits ON inhparent = id)
SELECT json_build_object('version', current_setting('server_version_num')::int, 'name', datname,
 'owner', pg_get_userbyid(datdba), 'encoding', pg_encoding_to_char(encoding),
 'collate', datcollate, 'ctype', datctype, 'provider', coalesce(to_json(d)->>'datlocprovider', 'c'),
 'locale', coalesce(to_json(d)->>'datlocale', to_json(d)->>'daticulocale', ''),
 'rules', coalesce(to_json(d)->>'daticurules', ''),
 'tablespace', (SELECT nullif(spcname, 'pg_default') FROM pg_tablespace WHERE oid = dattablespace),
 'tablespaces', (SELECT json_agg(json_build_object('name', spcname, 'location', pg_tablespace_location(oid)) ORDER BY spcname)
   FROM pg_tablespace WHERE spcname NOT LIKE 'pg\_%' AND oid IN (SELECT reltablespace FROM pg_class WHERE oid >= 16384)),
 'roles', (SELECT json_agg(pg_get_userbyid(role) ORDER BY pg_get_userbyid(role)) FROM r),
 'properties', coalesce((SELECT json_agg(sql ORDER BY step, sql) FROM p WHERE sql IS NOT NULL), '[]'),
 'tables', (SELECT json_agg(json_build_object('schema', nspname, 'name', relname, 'owner', pg_get_userbyid(relowner), 'of', name)
   ORDER BY name, relname) FROM counted c JOIN pg_class t ON t.oid = c.id JOIN pg_namespace n ON n.oid = relnamespace))
FROM d`

// facts asks the database that c connects to.
func (d *dumper) facts(ctx context.Context, c connection) (databaseFacts, error) {
	var f databaseFacts
	err := queryJSON(ctx, d.opt.PgBin, c, factsSQL, &f)
	return f, err
}

// cluster returns the facts of every database that can be connected to, the main one first; without what a restore
// is just loading.
func (d *dumper) cluster(ctx context.Context, main databaseFacts) ([]databaseFacts, error) {
	var names []string
	if err := queryJSON(ctx, d.opt.PgBin, d.conn, `SELECT json_agg(datname ORDER BY datname)
		FROM pg_database WHERE datallowconn AND NOT datistemplate`, &names); err != nil {
		return nil, err
	}
	all := []databaseFacts{main}
	for _, name := range names {
		if left, ok := ParseLeftover(name); name == main.Name || ok && left.Kind == Unfinished {
			continue
		}
		c, err := d.conn.database(name)
		if err != nil {
			return nil, err
		}
		f, err := d.facts(ctx, c)
		if err != nil && d.gone(ctx, name) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// gone says whether the server has no database of that name any more. Where others work, that is no reason to go
// without the rest.
func (d *dumper) gone(ctx context.Context, name string) bool {
	var names []string
	err := queryJSON(ctx, d.opt.PgBin, d.conn, `SELECT json_agg(datname) FROM pg_database`, &names)
	return err == nil && !slices.Contains(names, name)
}

// queryJSON runs one query by psql and decodes the single value that it returns.
func queryJSON(ctx context.Context, bin string, c connection, sql string, v any) error {
	t := newTool(bin, "psql", c, "", "-X", "-A", "-t", "-q", "-w", "-v", "ON_ERROR_STOP=1", c.arg(), "--file=-")
	out, err := t.output(ctx, "SET client_encoding = 'UTF8';\n"+sql+";\n")
	if err != nil {
		return err
	}
	if err := json.Unmarshal(out, v); err != nil {
		return fmt.Errorf("read answer of psql: %w", err)
	}
	return nil
}
