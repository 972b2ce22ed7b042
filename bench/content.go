package bench

import (
	"math"
	"math/rand/v2"
	"strconv"
)

const (
	medianSize = 3 << 10    // bytes, of the lognormal distribution, unless Options say another
	sigma      = 1.6        // its width
	smallest   = 24         // bytes; room for the number that makes a content unique
	noisy      = 0.15       // share of files that no compressor can shrink
	largeEvery = 20_000     // one file of this many has largeMin to largeMax bytes
	largeMin   = 350        // times the median
	largeMax   = 10_000     // times the median; so much memory has each worker
	goldEvery  = 2000       // one gold archive for this many files
	goldMin    = 1 << 20    //
	goldMax    = 5 << 20    //
	goldStream = 0x676f6c64 // separates the noise of gold from that of files
)

// words are what text is made of: 4096 of them, those of small number often.
var words = dictionary()

// dictionary invents words of one to four syllables, always the same.
func dictionary() [][]byte {
	syllables := []string{"in", "re", "de", "con", "ver", "ta", "ble", "ment", "er", "ing", "lo", "ca", "po", "si", "ti",
		"ex", "str", "int", "char", "ret", "urn", "if", "for", "su", "pre", "fi", "le", "na", "me", "da", "to", "ly"}
	rng := rand.New(rand.NewPCG(1, 2))
	list := make([][]byte, 4096)
	for i := range list {
		var w []byte
		for range 1 + rng.IntN(4) {
			w = append(w, syllables[rng.IntN(len(syllables))]...)
		}
		ends := "      ,.;\n("
		list[i] = append(w, ends[rng.IntN(len(ends))])
	}
	return list
}

// fileContent makes the content of a file in buf and returns it, grown when needed.
func (o *Options) fileContent(buf []byte, number uint64) []byte {
	rng := rand.New(rand.NewPCG(o.Seed, number))
	size := int(math.Exp(rng.NormFloat64()*sigma) * float64(o.Median))
	if number%largeEvery == largeEvery/2 {
		size = o.Median * (largeMin + rng.IntN(largeMax-largeMin))
	}
	size = min(max(size, smallest), o.Median*largeMax)
	if rng.Float64() < noisy {
		return noise(buf, o.Seed, number, size)
	}
	buf = grow(buf, size)
	text := append(buf[:0], "/* "...)
	text = strconv.AppendUint(text, number, 16)
	text = append(text, " */\n"...)
	for len(text) < size {
		r := rng.Uint64()
		for range 4 { // four words of one number, the first ones of the list more often
			i := (r & 0xfff) * (r >> 12 & 0xf) / 15
			text = append(text, words[i]...)
			r >>= 16
		}
	}
	return text[:size]
}

// goldContent makes the content of a gold archive.
func goldContent(buf []byte, seed, number uint64) []byte {
	rng := rand.New(rand.NewPCG(seed^goldStream, number))
	return noise(buf, seed^goldStream, number, goldMin+rng.IntN(goldMax-goldMin))
}

// noise fills size bytes with what nobody can compress.
func noise(buf []byte, seed, number uint64, size int) []byte {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
		key[8+i] = byte(number >> (8 * i))
	}
	buf = grow(buf, size)
	rand.NewChaCha8(key).Read(buf)
	return buf
}

// grow returns size bytes, those of buf if it has them, and room for a word more.
func grow(buf []byte, size int) []byte {
	if cap(buf) < size+64 {
		buf = make([]byte, size, size+64)
	}
	return buf[:size]
}
