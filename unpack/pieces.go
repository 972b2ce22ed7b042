package unpack

import "io"

// pieces lets whole pieces through, and what is left at the end only if the end is
// one that the tool takes for clean: tools write what they decoded a piece at a
// time, and some give up without the last one.
type pieces struct {
	r     io.Reader
	unit  int
	buf   []byte // of a multiple of unit
	clean func(error) bool
	held  bool // what is wrong behind a whole piece costs that piece, unless the input just ends

	out  []byte
	err  error
	next []byte // read already, if pieces are held
}

func (p *pieces) Read(b []byte) (int, error) {
	for len(p.out) == 0 {
		if p.err != nil && len(p.next) == 0 {
			return 0, p.err
		}
		p.fill()
	}
	n := copy(b, p.out)
	p.out = p.out[n:]
	return n, nil
}

func (p *pieces) fill() {
	n := copy(p.buf, p.next)
	for n < len(p.buf) && p.err == nil {
		n += p.read(p.buf[n:])
	}
	if p.next = nil; p.held && p.err == nil {
		var b [1]byte
		for len(p.next) == 0 && p.err == nil {
			p.next = b[:p.read(b[:])]
		}
	}
	switch {
	case p.err == nil || p.clean != nil && p.clean(p.err) || len(p.next) > 0:
	case p.held && p.err != io.ErrUnexpectedEOF && n > 0:
		n = (n - 1) / p.unit * p.unit
	default:
		n -= n % p.unit
	}
	p.out = p.buf[:n]
}

func (p *pieces) read(b []byte) (n int) {
	n, p.err = p.r.Read(b)
	return n
}
