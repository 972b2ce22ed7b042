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

// Hashes is a set of hashes. To make all four takes a third of the time of an
// unpack, so who needs less of them says so.
type Hashes uint8

// The hashes.
const (
	SHA1 Hashes = 1 << iota
	MD5
	SHA256
	BLAKE3

	NameHashes = SHA1 | MD5 // that FOSSology's names are made of
	allHashes  = SHA1 | MD5 | SHA256 | BLAKE3
)

// noHashes is a set, too; the zero value of Hashes stands for all of them.
const noHashes Hashes = 1 << 7

// A digester is an io.Writer that computes Digests.
type digester struct {
	hashes [4]hash.Hash
	of     Hashes
	size   int64
}

var digesters = sync.Pool{New: func() any {
	return &digester{hashes: [4]hash.Hash{sha1.New(), md5.New(), sha256.New(), blake3.New()}}
}}

func newDigester(of Hashes) *digester {
	d := digesters.Get().(*digester)
	if of == 0 {
		of = allHashes
	}
	d.of, d.size = of, 0
	for i, h := range d.hashes {
		if d.makes(i) {
			h.Reset()
		}
	}
	return d
}

func (d *digester) makes(i int) bool { return d.of&(1<<i) != 0 }

func (d *digester) Write(b []byte) (int, error) {
	for i, h := range d.hashes {
		if d.makes(i) {
			h.Write(b)
		}
	}
	d.size += int64(len(b))
	return len(b), nil
}

// sum ends the digester's work.
func (d *digester) sum() *Digests {
	r := &Digests{Size: d.size}
	for i, to := range [4][]byte{r.SHA1[:0], r.MD5[:0], r.SHA256[:0], r.BLAKE3[:0]} {
		if d.makes(i) {
			d.hashes[i].Sum(to)
		}
	}
	digesters.Put(d)
	return r
}
