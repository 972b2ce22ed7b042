package unpack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
)

// A format is a way to open one kind of content.
type format struct {
	name string
	meta bool // FOSSology leaves an artifact.meta beside what came out

	nested bool // only within an archive: an upload has no name in the repository

	// is says whether a content of this name begins so. The names of contents
	// count for nothing but .dsc; the order of formats does.
	is func(name string, head []byte) bool

	// One of both. stream reads the content once, from its beginning; it need not
	// read to its end. whole may read anywhere.
	stream func(ctx context.Context, a *archive, r io.Reader) error
	whole  func(ctx context.Context, a *archive, r io.ReaderAt, size int64) error
}

// formats in the order in which they are asked.
var formats []*format

func init() { // not in the declaration, which would refer to itself
	formats = append([]*format{
		{name: "rpm", meta: true, is: begins("\xed\xab\xee\xdb"), stream: openRPM},
		{name: "deb", meta: true, is: isDeb, stream: openAr},
		{name: "ar", is: begins(arMagic), stream: openAr},
		{name: "zip", is: isZip, whole: openZip},
		{name: "zip", meta: true, is: isStub, whole: openStub},
		{name: "7z", is: begins("7z\xbc\xaf\x27\x1c"), whole: open7zAnyway},
		{name: "rar", is: isRAR, stream: openRAR},
		{name: "cpio", is: isCpio, stream: openCpio},
		{name: "tar", is: isTar, stream: openTar},
		{name: "iso", meta: true, is: isISO, whole: openISO},
	}, compressorFormats()...)
	formats = append(formats,
		&format{name: "pdf", is: isPDF, whole: openPDF},
		&format{name: dscFormat, nested: true, is: isDsc, stream: openDsc},
		&format{name: "microsoft", is: isMicrosoft, whole: open7zAnyway},
		&format{name: "ole", is: isOLE, whole: openAsked},
		&format{name: "dos", is: isProgram, whole: openAsked},
		&format{name: "image", is: isImage, whole: openImage},
		&format{name: "blob", is: isBlob, whole: openBlob}) // last: what nobody else knows
}

func (u *run) format(n *Node, head []byte) *format {
	for _, f := range formats {
		if !(f.nested && n == u.top) && f.is(n.Name, head) {
			return f
		}
	}
	return nil
}

// open opens a container and closes its node. What is wrong with it is in the
// report; what came out before that stays, as FOSSology's tools leave it. at is r
// for who may read it anywhere, nil if it can be read only once.
func (u *run) open(ctx context.Context, n *Node, depth int, f *format, r io.Reader, at *io.SectionReader) {
	a := &archive{u: u, ctx: ctx, node: n, depth: depth + 1}
	if f.meta {
		n.add(&Node{Name: artifactMeta, Class: Meta})
	}
	err := a.guarded(func() error {
		switch {
		case f.stream != nil:
			return f.stream(ctx, a, r)
		case at != nil:
			return a.openAt(ctx, f, r, at)
		}
		return a.openSpooled(ctx, f, r)
	})
	a.dir() // there even when nothing came out
	a.settle()
	a.returned()
	if errors.Is(err, errNoArchive) {
		n.Class, n.Format = Leaf, ""
		a.forget()
		return
	}
	n.dropped = errors.Is(err, errDropped) && n.parent != nil
	a.end(err)
}

// settle does what has to wait until all members are done.
func (a *archive) settle() {
	a.wait.Wait()
	a.settleLinks(false)
	a.sources()
	a.settleLinks(true)
	a.keep.close()
}

// end closes the node of a container.
func (a *archive) end(err error) {
	var missing *missingError
	switch {
	case errors.As(err, &missing):
		a.u.skip(a.node, missing.Error())
	case err != nil && !errors.Is(err, errStop):
		a.u.skip(a.node, "the rest of the "+a.node.Format+": "+err.Error())
	}
	a.pack()
}

// openAt opens a content that can be read anywhere, while it is hashed beside: r
// is read to its end.
func (a *archive) openAt(ctx context.Context, f *format, r io.Reader, at *io.SectionReader) error {
	var hashed sync.WaitGroup
	hashed.Go(func() { io.Copy(io.Discard, r) }) // the error is met again by who called
	defer hashed.Wait()
	return f.whole(ctx, a, io.NewSectionReader(at, 0, at.Size()), at.Size())
}

// openSpooled copies a content first, and drops the copy when nobody reads from it.
func (a *archive) openSpooled(ctx context.Context, f *format, r io.Reader) error {
	s, err := a.u.spooled(r)
	if s == nil {
		a.u.fail(err)
		return errStop
	}
	defer s.close()
	defer a.settle()
	return f.whole(ctx, a, s, s.size)
}

// errNoArchive is returned by a format that was mistaken.
var errNoArchive = errors.New("it is no archive after all")

// errDropped is returned for an archive of which FOSSology keeps nothing: it has
// no row, although it is a member of its archive.
var errDropped = errors.New("FOSSology keeps no such damaged archive")

// guarded turns a decoder's panic into an error: decoders meet hostile bytes.
func (a *archive) guarded(f func() error) (err error) {
	defer a.u.recovered(&err)
	return f()
}

// guardedRead reads from a decoder that may panic. Guarding it here, too, leaves
// the content that is being read with its digests.
func (u *run) guardedRead(r io.Reader, b []byte) (n int, err error) {
	defer u.recovered(&err)
	return r.Read(b)
}

// recovered is deferred.
func (u *run) recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("the decoder gave up: %v", p)
		if u.o.panicked != nil {
			u.o.panicked(p, debug.Stack())
		}
	}
}
