package unpack_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
)

// What FOSSology's unpacker does with which type, taken from its behaviour.

// The places where a command leaves what it makes.
const (
	shapeDir = iota // X.dir
	shapeRPM        // the file X.unpacked
	shapeDsc        // the directory X.unpacked
)

// A command opens a file; without run it is a leaf.
type command struct {
	shape int
	run   func(x *referee, in, out, name string)
	none  bool // it has no row
}

// line is a command line with the archive for IN and the name of the one file that comes out
// for OUT.
func line(text string, rename func(string) string) command {
	return command{run: func(x *referee, in, out, name string) {
		if rename != nil {
			name = rename(name)
		}
		x.shell(out, strings.NewReplacer("IN", quoted(in), "OUT", quoted(name)).Replace(text))
	}}
}

var sevenZip = line("7z x -y -pjunk IN >/dev/null 2>&1 </dev/null", nil)

// lastEnding is how FOSSology names what comes out of a compressor.
func lastEnding(name string) string {
	i := strings.LastIndexByte(name, '.')
	if i < 0 || i+1 < len(name) && name[i+1] >= '0' && name[i+1] <= '9' {
		return name
	}
	return name[:i]
}

// first cuts a name at the first of some endings.
func first(name string, endings ...string) (string, string) {
	for i := range name {
		for _, e := range endings {
			if len(name) >= i+len(e) && strings.EqualFold(name[i:i+len(e)], e) {
				return name[:i], e
			}
		}
	}
	return name, ""
}

var zstdCommand = command{run: func(x *referee, in, out, name string) {
	name, ending := first(name, ".zst", ".tzst", ".lzma", ".xz", ".txz", ".lz4", ".tlz4")
	format := map[string]string{".zst": "zstd", ".tzst": "zstd", ".lzma": "lzma", ".xz": "xz", ".txz": "xz", ".lz4": "lz4", ".tlz4": "lz4"}[ending]
	if format != "" {
		format = " --format=" + format
	}
	x.shell(out, "zstd --decompress --output-dir-flat "+quoted(out)+" -o "+quoted(out+"/"+name)+format+" "+quoted(in)+" >/dev/null 2>&1 </dev/null")
}}

var lzipCommand = command{run: func(x *referee, in, out, name string) {
	name, _ = first(name, ".lz", ".tlz")
	x.shell(out, "lzip --decompress --keep --force -o "+quoted(out+"/"+name)+" "+quoted(in)+" 2>/dev/null")
}}

// byType is in FOSSology's order; the first that is part of what libmagic says counts.
var byType = []struct {
	kind string
	command
}{
	{"application/gzip", line("zcat IN > OUT 2>/dev/null", lastEnding)},
	{"application/x-gzip", line("zcat IN > OUT 2>/dev/null", lastEnding)},
	{"application/x-compress", line("zcat IN > OUT 2>/dev/null", lastEnding)},
	{"application/x-bzip", line("bzcat IN > OUT 2>/dev/null", lastEnding)},
	{"application/pdf", line("pdftotext -htmlmeta IN OUT >/dev/null 2>&1", lastEnding)},
	{"application/zip", line("unzip -q -P none -o IN -x / >/dev/null 2>&1 </dev/null", nil)},
	{"application/x-tar", line("tar -xSf IN >/dev/null 2>&1", nil)},
	{"application/x-gtar", line("tar -xSf IN >/dev/null 2>&1", nil)},
	{"application/x-cpio", line("cpio --no-absolute-filenames -i -d < IN >/dev/null 2>&1", nil)},
	{"application/x-7z-compressed", sevenZip},
	{"application/x-7z-w-compressed", sevenZip},
	{"application/x-rpm", command{shape: shapeRPM, run: func(x *referee, in, out, _ string) {
		x.shell(filepath.Dir(out), "rpm2cpio "+quoted(in)+" > "+quoted(out)+" 2>/dev/null")
	}}},
	{"application/x-archive", command{run: (*referee).ar}},
	{"application/x-debian-package", command{run: (*referee).ar}},
	{"application/x-iso", command{run: (*referee).iso}},
	{"application/x-debian-source", command{shape: shapeDsc, run: func(x *referee, in, out, _ string) {
		x.shell(filepath.Dir(out), "dpkg-source -x "+quoted(in)+" "+quoted(out)+" >/dev/null 2>&1")
	}}},
	{"application/x-xz", line("tar -JxSf IN >/dev/null 2>&1", nil)},
	{"application/jar", line("unzip -q -P none -o IN -x / >/dev/null 2>&1 </dev/null", nil)},
	{"application/java-archive", line("unzip -q -P none -o IN -x / >/dev/null 2>&1 </dev/null", nil)},
	{"application/x-dosexec", sevenZip},
	{"application/vnd.debian.binary-package", command{run: (*referee).ar}},
	{"application/zstd", zstdCommand},
	{"application/x-lz4", zstdCommand},
	{"application/x-lzma", zstdCommand},
	{"application/x-lzip", lzipCommand},
	{"application/lzip", lzipCommand},
}

// command decides about a file of which libmagic says kind.
func (x *referee) command(path, kind string) command {
	switch {
	case strings.Contains(kind, "octet") && filepath.Base(path) == ".bss":
		return command{}
	case strings.Contains(kind, "octet"):
		kind = x.octet(path)
	case isDebianSource(path):
		kind = "application/x-debian-source"
	case strings.Contains(kind, "msword"), strings.Contains(kind, "vnd.ms"):
		return sevenZip
	case strings.Contains(kind, "application/x-tar"):
		if x.shell("", "tar -tf "+quoted(path)+" >/dev/null 2>&1") != 0 {
			return command{none: true}
		}
	}
	for _, b := range byType {
		if strings.Contains(kind, b.kind) {
			return b.command
		}
	}
	return command{}
}

// octet finds the type of what libmagic does not know by its MIME type.
func (x *referee) octet(path string) string {
	text := asNobody(x.t, "", "file", "-b", "-h", "--", path)
	switch {
	case strings.Contains(text, "Debian binary package"):
		return "application/x-debian-package"
	case strings.Contains(text, "ISO 9660"):
		return "application/x-iso9660-image"
	}
	listed := x.shell(x.top, "7z l -y "+quoted(path)+" >/dev/null 2>&1 </dev/null")
	tested := x.shell(x.top, "7z t -y -pjunk "+quoted(path)+" >/dev/null 2>&1 </dev/null")
	if listed == 0 && tested == 0 {
		return "application/x-7z-w-compressed"
	}
	return ""
}

func isDebianSource(path string) bool {
	if !strings.HasSuffix(path, ".dsc") {
		return false
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	b = b[:min(len(b), 500)]
	has := func(s string) bool { return bytes.Contains(b, []byte(s)) }
	return has("-----BEGIN PGP SIGNED MESSAGE-----") && has("Source:") || has("Format:") && has("Source:") && has("Version:")
}

// ar makes the directories that members name, and lets ar extract.
func (x *referee) ar(in, out, _ string) {
	list, _ := x.try(out, "sh", "-c", "ar t "+quoted(in)+" 2>/dev/null")
	for name := range strings.Lines(list) {
		name = strings.TrimSuffix(name, "\n")
		if strings.HasPrefix(name, "/") {
			return
		}
		if i := strings.LastIndexByte(name, '/'); i >= 0 {
			x.shell(out, "mkdir -p "+quoted(name[:i]))
		}
	}
	x.shell(out, "ar x "+quoted(in)+" 2>/dev/null")
}

// iso copies file by file.
func (x *referee) iso(in, out, _ string) {
	q := quoted(in)
	list, _ := x.try(out, "sh", "-c", "(isoinfo -l -R -J -i "+q+" || isoinfo -l -R -i "+q+" || isoinfo -l -i "+q+") 2>/dev/null | grep -a '^Directory'")
	for text := range strings.Lines(list) {
		if i := strings.IndexByte(text, '/'); i >= 0 {
			x.shell(out, "mkdir -p "+quoted(out+strings.TrimSuffix(text[i:], "\n")))
		}
	}
	list, _ = x.try(out, "sh", "-c", "(isoinfo -f -R -J -i "+q+" || isoinfo -f -R -i "+q+" || isoinfo -f -i "+q+") 2>/dev/null")
	for name := range strings.Lines(list) {
		name = strings.TrimSuffix(name, "\n")
		if !strings.HasPrefix(name, "/") {
			continue
		}
		if i, err := os.Lstat(out + name); err == nil && i.IsDir() {
			continue
		}
		n := quoted(name)
		if x.shell(out, "(isoinfo -R -J -i "+q+" -x "+n+" || isoinfo -R -i "+q+" -x "+n+" || isoinfo -i "+q+" -x "+n+") > "+quoted(out+name)+" 2>/dev/null") != 0 {
			return
		}
	}
	// Its last step, the modes of the files, comes to nothing: the names that it takes
	// from isoinfo -l have a space behind them.
}
