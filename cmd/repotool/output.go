package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/urfave/cli/v2"
)

// output is standard output. It remembers that something did not arrive, so that
// no command has to ask after each line: an answer that nobody got is no success.
type output struct {
	w   io.Writer
	err error
}

func (o *output) Write(b []byte) (int, error) {
	n, err := o.w.Write(b)
	if err != nil && o.err == nil {
		o.err = err
	}
	return n, err
}

// orElse is the command's own error, or that of its output.
func (o *output) orElse(err error) error {
	var found findingsError
	if errors.Is(o.err, syscall.EPIPE) {
		return err // whoever listened has heard enough
	}
	if o.err != nil && (err == nil || errors.As(err, &found)) {
		return fmt.Errorf("write answer: %w", o.err)
	}
	return err
}

// answer prints the object that --json asks for.
func (t *tool) answer(v any) error { return encode(t.stdout, v) }

func encode(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// say prints a line for people, unless they want quiet.
func (t *tool) say(s settings, format string, args ...any) {
	if !s.quiet && !s.json {
		fmt.Fprintf(t.stdout, format, args...)
	}
}

// newTable is a plain table; right names the columns (from 1) that hold numbers.
func newTable(w io.Writer, header []string, right ...int) table.Writer {
	tw := table.NewWriter()
	tw.SetOutputMirror(w)
	style := table.StyleDefault
	style.Name = "plain"
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	style.Format.Header = text.FormatDefault
	tw.SetStyle(style)
	row := make(table.Row, len(header))
	for i, h := range header {
		row[i] = h
	}
	tw.AppendHeader(row)
	var configs []table.ColumnConfig
	for _, n := range right {
		configs = append(configs, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	tw.SetColumnConfigs(configs)
	tw.SuppressTrailingSpaces()
	return tw
}

func size(n int64) string {
	if n < 0 {
		return "-" + humanize.IBytes(uint64(-n))
	}
	return humanize.IBytes(uint64(n))
}

func count(n int64) string { return humanize.Comma(n) }

// plural is "1 file", "2 files".
func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}

// seconds is a duration as people say it: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min.
func seconds(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	default:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	}
}

// printable shows a path with strange bytes without upsetting a terminal.
func printable(s string) string {
	clean := func(r rune) bool { return r < 0x20 || r == 0x7f || r == '\uFFFD' || r >= 0x80 && r < 0xa0 }
	if strings.ContainsFunc(s, clean) {
		return fmt.Sprintf("%q", s)
	}
	return s
}

// tooMany is the error of a command with more arguments than it knows.
func tooMany(c *cli.Context, max int) error {
	name := fullName(c.Command)
	e := usagef("%s: argument %q is one too many", name, c.Args().Get(max))
	e.hint = "see repotool " + name + " --help"
	return e
}

// fullName is the name of a command behind repotool, such as bench repo.
func fullName(c *cli.Command) string {
	return strings.TrimPrefix(cmp.Or(c.HelpName, c.Name), "repotool ")
}
