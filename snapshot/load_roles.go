package snapshot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// roles creates the roles that the dump needs and the server has not. Others of the old cluster are not created: who
// was taken off a server must not come back with a restore.
func (l *loader) roles(ctx context.Context) error {
	var have []string
	if err := queryJSON(ctx, l.PgBin, l.conn, "SELECT json_agg(rolname) FROM pg_roles", &have); err != nil {
		return &LoadError{Database: l.Target, Step: "list roles", Err: err}
	}
	missing := slices.DeleteFunc(slices.Clone(l.from.Roles), func(r string) bool { return slices.Contains(have, r) })
	if len(missing) == 0 {
		return nil
	}
	i := slices.IndexFunc(l.Dump.Parts, func(p DumpPart) bool { return p.Format == FormatGlobals })
	if i < 0 {
		return &LoadError{Database: l.Target, Step: "create roles", Err: fmt.Errorf(
			"the server has no %s, and the dump does not say what they were", strings.Join(missing, ", ")),
			Advice: "create them: CREATE ROLE name LOGIN PASSWORD '...'"}
	}
	globals, err := l.readPart(ctx, l.Dump.Parts[i])
	if err != nil {
		return &LoadError{Database: l.Target, Step: "read globals", Err: err}
	}
	plan := planRoles(globals, missing, have)
	for _, role := range missing {
		if !slices.Contains(plan.create, role) {
			return &LoadError{Database: l.Target, Step: "create roles", Err: fmt.Errorf("the globals do not say what role %s was", role),
				Advice: "create it: CREATE ROLE " + quoteName(role)}
		}
	}
	if err := l.createRoles(ctx, plan); err != nil {
		return err
	}
	l.loaded.Roles = plan.create
	for _, role := range plan.silent {
		l.warn(fmt.Sprintf("role %s was created without a password: the dump has none", role),
			fmt.Sprintf("ALTER ROLE %s PASSWORD '...', the one of Db.conf", quoteName(role)))
	}
	return nil
}

// createRoles runs the statements in the database that the DSN names. Somebody else may have created a role meanwhile:
// that error alone, which has a code of its own in every language, is no error.
func (l *loader) createRoles(ctx context.Context, plan rolePlan) error {
	t := newTool(l.PgBin, "psql", l.conn, l.Target, "-X", "-q", "-w", "-v", "ON_ERROR_STOP=1", l.conn.arg(), "--file=-")
	var sql strings.Builder
	sql.WriteString("SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\nSET client_min_messages = error;\n")
	for _, s := range plan.statements {
		if strings.HasPrefix(s, "CREATE ROLE ") {
			// \if lets psql go on after this one error and stop at any other.
			fmt.Fprintf(&sql, "\\set ON_ERROR_STOP 0\n%s\n\\set ON_ERROR_STOP 1\n", s)
			sql.WriteString("SELECT :'SQLSTATE' NOT IN ('00000', '42710') AS bad \\gset\n" +
				"\\if :bad\n\\warn ERROR: :LAST_ERROR_MESSAGE\nDO $$ BEGIN RAISE 'role not created'; END $$;\n\\endif\n")
			continue
		}
		sql.WriteString(s + "\n")
	}
	if _, err := t.output(ctx, sql.String()); err != nil {
		e := &LoadError{Database: l.Target, Step: "create roles " + strings.Join(plan.create, ", "), Err: err}
		var d *DumpError
		if errors.As(err, &d) {
			e.Advice = "restore as a superuser, or create them first: CREATE ROLE name LOGIN PASSWORD '...'"
		}
		return e
	}
	return nil
}

// rolePlan is what is to be done for the roles that are missing.
type rolePlan struct {
	create     []string // roles
	silent     []string // of these, the ones that log in but have no password in the dump
	statements []string
}

// planRoles picks, out of the globals, the statements that make the missing roles: creation, attributes, settings,
// and memberships in roles that exist or are made as well.
func planRoles(globals string, missing, have []string) rolePlan {
	var p rolePlan
	known := append(slices.Clone(missing), have...)
	for s := range statements(globals) {
		w := sqlWords(s)
		at := func(i int, word string) bool { return i < len(w) && w[i] == word }
		switch {
		case at(0, "CREATE") && at(1, "ROLE") && len(w) >= 3 && slices.Contains(missing, w[2]):
			p.create = append(p.create, w[2])
		case at(0, "ALTER") && at(1, "ROLE") && len(w) >= 4 && slices.Contains(missing, w[2]):
			if at(3, "WITH") && slices.Contains(w, "LOGIN") && !slices.Contains(w, "PASSWORD") {
				p.silent = append(p.silent, w[2])
			}
		case at(0, "COMMENT") && at(2, "ROLE") && len(w) >= 4 && slices.Contains(missing, w[3]):
		case at(0, "GRANT") && at(2, "TO") && len(w) >= 4 && slices.Contains(missing, w[3]) && slices.Contains(known, w[1]):
			// The one who granted it may be unknown here.
			s, _, _ = strings.Cut(strings.TrimSuffix(s, ";"), " GRANTED BY ")
			s += ";"
		default:
			continue
		}
		p.statements = append(p.statements, s)
	}
	return p
}

// statements yields the statements of a script of pg_dumpall, each with its semicolon, without comments and psql's
// own commands.
func statements(script string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for script = skipSpace(script); script != ""; script = skipSpace(script) {
			n := statementEnd(script)
			if !yield(script[:n]) {
				return
			}
			script = script[n:]
		}
	}
}

// skipSpace skips blanks, comments and lines with a backslash command, which stand between statements.
func skipSpace(s string) string {
	for {
		s = strings.TrimLeft(s, " \t\r\n")
		if !strings.HasPrefix(s, "--") && !strings.HasPrefix(s, "\\") {
			return s
		}
		_, s, _ = strings.Cut(s, "\n")
	}
}

// statementEnd is the length of the statement that s begins with: up to a semicolon outside of quotes.
func statementEnd(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ';':
			return i + 1
		case '\'', '"':
			i = quoteEnd(s, i)
		}
	}
	return len(s)
}

// quoteEnd is the place of the quote that closes the one at i. Doubled quotes close and open again, which comes to
// the same; backslashes count only in E'...', which pg_dumpall writes for strings that have one.
func quoteEnd(s string, i int) int {
	escapes := s[i] == '\'' && i > 0 && (s[i-1] == 'E' || s[i-1] == 'e') && (i == 1 || !isWord(s[i-2]))
	for j := i + 1; j < len(s); j++ {
		switch {
		case escapes && s[j] == '\\':
			j++
		case s[j] == s[i]:
			return j
		}
	}
	return len(s)
}

// sqlWords splits a statement into its words; quoted names are unquoted, strings are left out.
func sqlWords(s string) []string {
	var words []string
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\'':
			i = quoteEnd(s, i)
		case s[i] == '"':
			var name strings.Builder
			for {
				end := quoteEnd(s, i)
				name.WriteString(s[min(i+1, end):end])
				if i = end; i+1 >= len(s) || s[i+1] != '"' {
					break
				}
				name.WriteByte('"')
				i++
			}
			words = append(words, name.String())
		case isWord(s[i]):
			j := i
			for j < len(s) && isWord(s[j]) {
				j++
			}
			words = append(words, s[i:j])
			i = j - 1
		}
	}
	return words
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// quoteName makes an SQL identifier of a name.
func quoteName(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
