package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/urfave/cli/v2"

	"repotool/bench"
)

// benchUnpackOneCommand unpacks one file, to nowhere or below a directory, in a process of
// its own: see unpackApart. The words after it are no flags, whatever a file is called.
func (t *tool) benchUnpackOneCommand() *cli.Command {
	return &cli.Command{
		Name:            "unpack-one",
		Hidden:          true,
		SkipFlagParsing: true,
		Action: func(c *cli.Context) error {
			file, place := c.Args().Get(0), c.Args().Get(1)
			u, err := t.unpackOne(c.Context, file, place)
			if err != nil {
				return noRoomTo(err, unpackAgain(place), place, os.TempDir())
			}
			return t.answer(u)
		},
	}
}

func (t *tool) unpackOne(ctx context.Context, file, place string) (*bench.Unpacking, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("bench unpack: %w", err)
	}
	defer f.Close()
	return bench.Unpack(ctx, filepath.Base(file), f, bench.UnpackOptions{Repository: place, Now: t.now})
}

// unpackApart has a process of its own measure how a file is unpacked. The largest resident
// set is one of the whole life of a process and its children: here it would be that of
// whatever was unpacked before, of FOSSology's unpacker, or of what made an ISO.
func (t *tool) unpackApart(ctx context.Context, file, place string) (*bench.Unpacking, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own program: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, "bench", "unpack-one", file, place)
	cmd.Env = append(os.Environ(), "REPOTOOL_JSON=true") // of its errors, too
	// A second interrupt would end it before it has removed its temporary files: one at the
	// terminal is to reach only us.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, errorOf(out, fmt.Errorf("unpack %s: %w", file, err))
	}
	u := &bench.Unpacking{}
	if err := json.Unmarshal(out, u); err != nil {
		return nil, fmt.Errorf("unpack %s: read what was measured: %w", file, err)
	}
	return u, nil
}

// errorOf is the error that a process like this one has printed; else the given one.
func errorOf(out []byte, other error) error {
	var told struct {
		Error jsonError `json:"error"`
	}
	if json.Unmarshal(out, &told) != nil || told.Error.Message == "" {
		return other
	}
	return &hinted{errors.New(told.Error.Message), told.Error.Hint}
}
