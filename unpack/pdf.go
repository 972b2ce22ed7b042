package unpack

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
)

// maxPDFStart is how far in front of a PDF libmagic looks for its beginning.
const maxPDFStart = 256

func isPDF(_ string, head []byte) bool {
	return bytes.Contains(head[:min(len(head), maxPDFStart)], []byte("%PDF-"))
}

// openPDF takes the text of a PDF, one file. Its bytes depend on the version of
// pdftotext. Of what is no PDF to it nothing comes out.
func openPDF(ctx context.Context, a *archive, r io.ReaderAt, size int64) error {
	s, path, err := a.handedIn(r, size)
	if err != nil {
		return err
	}
	defer s.remove()
	const text = "text"
	err = s.run(ctx, nil, scratchOut, "pdftotext", "-htmlmeta", path, text)
	var verdict *exitError
	if err != nil && !errors.As(err, &verdict) {
		return err
	}
	f, e := os.Open(s.in(scratchOut, text))
	if os.IsNotExist(e) {
		return err
	}
	if e != nil {
		return errors.Join(e, err)
	}
	defer f.Close()
	return errors.Join(a.File(withoutEnding(a.node.Name), -1, f), err)
}
