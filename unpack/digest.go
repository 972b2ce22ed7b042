package unpack

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"hash"
	"sync"

	"github.com/zeebo/blake3"
)

// Digests are what one pass over a content tells of it.
type Digests struct {
	SHA1   [20]byte
	MD5    [16]byte
	SHA256 [32]byte
	BLAKE3 [32]byte
	Size   int64
}

// A digester is an io.Writer that computes Digests.
type digester struct {
	hashes [4]hash.Hash
	size   int64
}

var digesters = sync.Pool{New: func() any {
	return &digester{hashes: [4]hash.Hash{sha1.New(), md5.New(), sha256.New(), blake3.New()}}
}}

func newDigester() *digester {
	d := digesters.Get().(*digester)
	for _, h := range d.hashes {
		h.Reset()
	}
	d.size = 0
	return d
}

func (d *digester) Write(b []byte) (int, error) {
	for _, h := range d.hashes {
		h.Write(b)
	}
	d.size += int64(len(b))
	return len(b), nil
}

// sum ends the digester's work.
func (d *digester) sum() *Digests {
	r := &Digests{Size: d.size}
	d.hashes[0].Sum(r.SHA1[:0])
	d.hashes[1].Sum(r.MD5[:0])
	d.hashes[2].Sum(r.SHA256[:0])
	d.hashes[3].Sum(r.BLAKE3[:0])
	digesters.Put(d)
	return r
}
