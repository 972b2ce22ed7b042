package unpack

import "time"

// Limits bound what one upload may cost. A zero field is the default below.
type Limits struct {
	Depth       int           // containers in containers
	Entries     int64         // rows of one upload
	Bytes       int64         // all that comes out of one upload, nested archives counted each time
	Member      int64         // bytes of one member
	Ratio       int64         // bytes that come out for each byte of the upload, once Free have
	Free        int64         // bytes that may come out whatever the ratio
	NameLength  int           // bytes of a member's path
	Time        time.Duration // for one upload
	Tool        time.Duration // for one run of a tool of the system; processor time of all processors, too
	SpoolMemory int64         // bytes of one content that are kept in memory before a file is used

	RowsInMemory int64 // rows of archives that are being read; more of them go to a file
}

// The defaults.
const (
	// DefaultDepth is more than any real upload has; a quine has no bottom.
	DefaultDepth = 64
	// DefaultEntries is a hundred times a Linux distribution's source DVD.
	DefaultEntries = 20_000_000
	// DefaultBytes is twenty times the largest upload that was measured (54 GB).
	DefaultBytes = 1 << 40
	// DefaultMember is larger than the image of any medium that is uploaded.
	DefaultMember = 256 << 30
	// DefaultRatio is that of FOSSology's bomb guard; 14 is usual for source rpms.
	DefaultRatio = 1000
	// DefaultFree: small archives of zeros are harmless, and FOSSology opens them
	// (12 MB from 50 bytes, upload #69).
	DefaultFree = 1 << 30
	// DefaultNameLength is the longest path a Linux kernel takes.
	DefaultNameLength = 4096
	// DefaultTime is ten times what FOSSology took for a DVD.
	DefaultTime = 48 * time.Hour
	// DefaultTool is four times what 7z takes for the largest upload that was
	// measured, from a disk that reads 30 MB a second.
	DefaultTool = 2 * time.Hour
	// DefaultSpoolMemory keeps nearly all zips and packages off the disk.
	DefaultSpoolMemory = 8 << 20
	// DefaultRowsInMemory is more than nearly all archives have; a row takes 500 bytes.
	DefaultRowsInMemory = 32 << 10
)

func (l Limits) orDefault() Limits {
	set(&l.Depth, DefaultDepth)
	set(&l.Entries, DefaultEntries)
	set(&l.Bytes, DefaultBytes)
	set(&l.Member, DefaultMember)
	set(&l.Ratio, DefaultRatio)
	set(&l.Free, DefaultFree)
	set(&l.NameLength, DefaultNameLength)
	set(&l.Time, DefaultTime)
	set(&l.Tool, DefaultTool)
	set(&l.SpoolMemory, DefaultSpoolMemory)
	set(&l.RowsInMemory, DefaultRowsInMemory)
	return l
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
