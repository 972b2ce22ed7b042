package unpack

import (
	"context"
	"io"
)

// meter lets bytes through: each is hashed, kept, counted against the limits.
type meter struct {
	u     *run
	ctx   context.Context
	r     io.Reader
	top   bool
	known bool // its size is in run.in already, if it is the top
	d     *digester
	sink  Content
	bad   bool // the sink did not take all of it
	err   error
}

func (m *meter) Read(b []byte) (int, error) {
	if m.err != nil {
		return 0, m.err
	}
	if m.ctx.Err() != nil {
		m.err = context.Cause(m.ctx)
		return 0, m.err
	}
	n, err := m.r.Read(b)
	if n > 0 {
		m.err = m.took(b[:n])
	}
	if m.err == nil {
		m.err = err
	}
	return n, m.err
}

// took deals with bytes that were read.
func (m *meter) took(b []byte) error {
	m.d.Write(b)
	if m.sink != nil {
		if _, err := m.sink.Write(b); err != nil {
			m.bad = true
			m.u.fail(err)
			return errStop
		}
	}
	if !m.top {
		return m.u.spend(m.d.size, int64(len(b)))
	}
	if !m.known {
		m.u.in.Add(int64(len(b)))
	}
	return nil
}

// spend counts bytes that came out.
func (u *run) spend(member, n int64) error {
	out := u.out.Add(n)
	switch {
	case member > u.limits.Member:
		return errMember
	case out > u.limits.Bytes:
		return errBytes
	case out > u.limits.Free && out/u.limits.Ratio > u.in.Load():
		return errRatio
	}
	return nil
}

// quiet ends where its reader fails or panics. FOSSology's tools write a content
// to a file, as far as they get, and what opens the file knows nothing of the
// error: a tar that came out of a damaged gzip is judged by itself.
type quiet struct {
	u   *run
	r   io.Reader
	err error // that was kept quiet
}

func (q *quiet) Read(b []byte) (int, error) {
	if q.err != nil {
		return 0, io.EOF
	}
	n, err := q.u.guardedRead(q.r, b)
	if err != nil && err != io.EOF {
		q.err, err = err, io.EOF
	}
	return n, err
}
