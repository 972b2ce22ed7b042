package snapshot

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
)

// A countedTable is a table whose rows count for one of the tables that the manifest counts: itself, or one that
// inherits from it, as uploadtree_a and uploadtree_<n> do from uploadtree.
type countedTable struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`
	Owner  string `json:"owner"`
	Of     string `json:"of"` // upload, pfile, uploadtree or jobqueue
}

// rowCounter counts rows in plain SQL of pg_dump while the stream goes by. It keeps the beginning of one line, however
// long lines are, and one number for each table. A COPY counts only behind the comment that pg_dump writes above a
// table's data, so the same words in the text of a function are none.
type rowCounter struct {
	rows   map[tableName]int64 // of every table whose data came by
	line   []byte              // beginning of the unfinished line
	data   bool                // the comment above data has been seen
	copies bool                // inside a block of COPY
	table  tableName           // of that block
	n      int64               // its rows so far
}

// tableName is a table as COPY names it; old versions of pg_dump name no schema.
type tableName struct{ schema, name string }

// How much of a line is kept: a name has at most 63 bytes, each doubled if it is a quote.
const (
	lineHead = 300
	copyHead = "COPY "
	dataHead = "-- Data for Name: "
	nextHead = "-- Name: "
	blockEnd = "\\.\n"
)

// countRows lets a rowCounter see what is read.
type countRows struct {
	pipe
	counter *rowCounter
}

func (r countRows) Read(b []byte) (int, error) {
	n, err := r.pipe.Read(b)
	r.counter.next(b[:n])
	return n, err
}

func newRowCounter() *rowCounter { return &rowCounter{rows: map[tableName]int64{}} }

// begin says that what comes is the data of a table, as in a file of the directory format.
func (c *rowCounter) begin(t tableName) { c.copies, c.table, c.n, c.line = true, t, 0, c.line[:0] }

// next takes the next bytes of the stream.
func (c *rowCounter) next(b []byte) {
	for len(b) > 0 {
		if c.copies {
			b = c.block(b)
		} else {
			b = c.outside(b)
		}
	}
}

// outside reads to the end of a line that is no data.
func (c *rowCounter) outside(b []byte) []byte {
	i := bytes.IndexByte(b, '\n')
	end := i
	if i < 0 {
		end = len(b)
	}
	c.line = append(c.line, b[:min(end, lineHead-len(c.line))]...)
	if i < 0 {
		return nil
	}
	line := string(c.line)
	c.line = c.line[:0]
	switch {
	case strings.HasPrefix(line, dataHead):
		c.data = true
	case strings.HasPrefix(line, nextHead):
		c.data = false
	case c.data && strings.HasPrefix(line, copyHead):
		c.data = false
		c.begin(copyName(line[len(copyHead):]))
	}
	return b[i+1:]
}

// block counts rows up to the end of the table's data. Within it every row is a line: line breaks of a text are
// written as \n.
func (c *rowCounter) block(b []byte) []byte {
	if len(c.line) > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			c.line = append(c.line, b[:min(len(b), len(blockEnd)-len(c.line))]...)
			return nil
		}
		c.line = append(c.line, b[:min(i+1, len(blockEnd)-len(c.line))]...)
		ended := string(c.line) == blockEnd
		c.line = c.line[:0]
		if ended {
			c.end()
		} else {
			c.n++
		}
		return b[i+1:]
	}
	if i := endOfBlock(b); i >= 0 {
		c.n += int64(bytes.Count(b[:i], []byte("\n")))
		c.end()
		return b[i+len(blockEnd):]
	}
	whole := bytes.LastIndexByte(b, '\n') + 1
	c.n += int64(bytes.Count(b[:whole], []byte("\n")))
	c.line = append(c.line, b[whole:][:min(len(b)-whole, len(blockEnd))]...)
	return nil
}

// endOfBlock finds the line that ends a block, in b, which begins with a line. Looking for single backslashes is
// several times faster than bytes.Index, to which every line would look promising.
func endOfBlock(b []byte) int {
	for i := 0; ; i++ {
		next := bytes.IndexByte(b[i:], '\\')
		if next < 0 {
			return -1
		}
		i += next
		if (i == 0 || b[i-1] == '\n') && bytes.HasPrefix(b[i:], []byte(blockEnd)) {
			return i
		}
	}
}

func (c *rowCounter) end() {
	c.rows[c.table] += c.n
	c.copies = false
}

// copyName reads the name that a COPY begins with: name, "name", schema.name ...
func copyName(s string) tableName {
	first, rest := sqlName(s)
	if second, ok := strings.CutPrefix(rest, "."); ok {
		name, _ := sqlName(second)
		return tableName{first, name}
	}
	return tableName{"", first}
}

// sqlName splits s behind the identifier that it begins with.
func sqlName(s string) (name, rest string) {
	if !strings.HasPrefix(s, `"`) {
		i := strings.IndexFunc(s, func(r rune) bool { return r < 0x80 && !isWord(byte(r)) })
		if i < 0 {
			i = len(s)
		}
		return s[:i], s[i:]
	}
	for i := 0; ; i++ {
		i = quoteEnd(s, i)
		if i+1 >= len(s) || s[i+1] != '"' {
			end := min(i, len(s))
			return strings.ReplaceAll(s[1:max(1, end)], `""`, `"`), s[min(i+1, len(s)):]
		}
	}
}

// of adds up the rows that came by for each of the tables that the manifest counts.
func (c *rowCounter) of(tables []countedTable) map[string]int64 {
	sum := map[string]int64{}
	for _, t := range tables {
		sum[t.Of] += c.rows[tableName{t.Schema, t.Name}] + c.rows[tableName{"", t.Name}]
	}
	return sum
}

// rowsOf are the rows in a dump of those tables that are counted in the view of the database, too.
func (d *dumper) rowsOf(f databaseFacts, c *rowCounter) map[string]int64 {
	got := c.of(f.Tables)
	maps.DeleteFunc(got, func(table string, _ int64) bool { _, ok := d.opt.Rows[table]; return !ok })
	return got
}

// rowsDiffer compares the rows in a dump with those in the view of the database that it was made in, and says where
// they differ; "" if they do not.
func (d *dumper) rowsDiffer(got map[string]int64) string {
	var diff []string
	for _, table := range sortedKeys(d.opt.Rows) {
		if want := d.opt.Rows[table]; got[table] != want {
			diff = append(diff, fmt.Sprintf("the dump has %d rows of %s, the database %d", got[table], table, want))
		}
	}
	return strings.Join(diff, "; ")
}

// checkRows refuses a dump that ended well and holds other rows than the database. It is for the database that
// the view is of.
func (d *dumper) checkRows(f databaseFacts, c *rowCounter, t *pgTool) error {
	if f.Name != d.dump.Main {
		return nil
	}
	diff := d.rowsDiffer(d.rowsOf(f, c))
	if diff == "" {
		return nil
	}
	return &DumpError{Tool: t.name, Database: f.Name, Reason: diff, Stderr: t.stderr.String(), Err: ErrRows,
		Advice: "nothing of it was kept; is " + t.name + " the real one, or a program around it that leaves something out?"}
}
