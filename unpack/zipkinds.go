package unpack

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"strings"
)

// Many documents are zips inside, and libmagic tells some of them from zips: those
// are leaves. Its rules look at the first names, and for packages of Android at the
// end, too. Where nothing of what they look for is there, it is a zip.

// zipStarts are the beginnings of zips: usual, empty, in parts, old.
var zipStarts = []string{"PK\x03\x04", "PK\x05\x06", "PK\x07\x08PK\x03\x04", "PK00PK\x03\x04"}

const (
	zipStart = "PK\x03\x04"
	// zipHeader is the length of a member's header, which its name follows.
	zipHeader = 30
	// zipSearched is how far libmagic searches for the names of documents.
	zipSearched = 8 << 10
	// zipTail is how much of the end it looks at, and zipRecord the end's own record.
	zipTail, zipRecord = 512, 22
)

func isZip(_ string, head []byte) bool {
	for _, start := range zipStarts {
		if strings.HasPrefix(string(head[:min(len(head), len(start))]), start) {
			return start != zipStart || len(head) >= zipHeader && zipFirst(head) != nil
		}
	}
	return false
}

// zipFirst is the name of the first member; nil if libmagic, which wants two bytes
// behind it, would find none.
func zipFirst(head []byte) []byte {
	end := zipHeader + int(binary.LittleEndian.Uint16(head[26:]))
	if end+2 > len(head) && len(head) < headSize {
		return nil
	}
	return head[zipHeader:min(end, len(head))]
}

// Names of members that libmagic looks for.
var (
	// zipFirstNames are the beginnings of first names: documents of OpenOffice and
	// the like, of Microsoft, applications of iOS and Android, KML.
	zipFirstNames = []string{"mimetype", "word/", "ppt/", "xl/", "visio/", "AppManifest.xaml", "Payload/", "doc.kml",
		"AndroidManifest.xml", "classes.dex", "META-INF/com/android/"}
	// zipNames are searched for: documents of Microsoft.
	zipNames = []string{"[Content_Types].xml", "_rels/.rels", "docProps", "customXml"}
	// zipLastNames are searched for at the end: packages of Android.
	zipLastNames = []string{"resources.arsc", "classes.dex", "lib/armeabi", "res/drawable"}
)

// apkMark stands in front of the directory of a signed package of Android.
const apkMark = "APK Sig Block 42"

// openZip opens what is a zip to libmagic, too.
func openZip(ctx context.Context, a *archive, r io.ReaderAt, size int64) error {
	if zipMayBeOther(r, size) {
		return openAsked(ctx, a, r, size)
	}
	a.node.add(&Node{Name: artifactMeta, Class: Meta})
	return unzip(a, r, size)
}

// zipMayBeOther says whether something is there that one of libmagic's rules looks for.
func zipMayBeOther(r io.ReaderAt, size int64) bool {
	head := make([]byte, min(size, zipHeader+zipSearched))
	if _, err := r.ReadAt(head, 0); err != nil && err != io.EOF || !bytes.HasPrefix(head, []byte(zipStart)) || len(head) < zipHeader {
		return false
	}
	first := string(head[zipHeader:])
	for _, name := range zipFirstNames {
		if strings.HasPrefix(first, name) {
			return true
		}
	}
	for _, name := range zipNames {
		if strings.Contains(first, name) {
			return true
		}
	}
	return string(head[4:10]) == "\x00\x00\x00\x00\x00\x00" || endsLikeAPK(r, size)
}

func endsLikeAPK(r io.ReaderAt, size int64) bool {
	end := make([]byte, min(size, zipTail))
	if _, err := r.ReadAt(end, size-int64(len(end))); err != nil && err != io.EOF {
		return false
	}
	for _, name := range zipLastNames {
		if bytes.Contains(end, []byte(name)) {
			return true
		}
	}
	if len(end) < zipRecord {
		return false
	}
	mark := make([]byte, len(apkMark))
	r.ReadAt(mark, int64(binary.LittleEndian.Uint32(end[len(end)-6:]))-int64(len(mark)))
	return string(mark) == apkMark
}
