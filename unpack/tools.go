package unpack

import (
	"fmt"
	"os/exec"
)

// A Tool is a program of the system that some formats need. Without it their
// contents stay unopened, and the report says so.
type Tool struct {
	Name    string // as FOSSology calls it
	Package string // Debian's, that brings it
	For     string // what it opens
	Path    string // where it is; "" if it is missing

	ask    string   // the argument that makes it say its version
	others []string // names that other systems give it
}

// tools in the order in which they are shown.
var tools = []Tool{
	{Name: "7z", Package: "7zip or p7zip-full", For: "7z, cab, documents of Microsoft, disks and file systems", ask: "i", others: []string{"7zz"}},
	{Name: "fls", Package: "sleuthkit", For: "NTFS and damaged ext2, the names of their files", ask: "-V"},
	{Name: "icat", Package: "sleuthkit", For: "NTFS and damaged ext2, the contents of their files", ask: "-V"},
	{Name: "pdftotext", Package: "poppler-utils", For: "the text of PDF", ask: "-v"},
	{Name: "dpkg-source", Package: "dpkg-dev", For: "source packages of Debian", ask: "--version"},
	{Name: "file", Package: "file", For: "telling documents of Microsoft from installers, blobs that hold archives from programs", ask: "--version"},
}

// Tools lists all tools, with the places of those that are there.
func Tools() []Tool {
	list := make([]Tool, len(tools))
	for i, t := range tools {
		t.Path = t.find()
		list[i] = t
	}
	return list
}

func (t Tool) find() string {
	for _, name := range append([]string{t.Name}, t.others...) {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// tool finds a tool by its name.
func tool(name string) (string, error) {
	for _, t := range tools {
		if t.Name != name {
			continue
		}
		if path := t.find(); path != "" {
			return path, nil
		}
		return "", &missingError{t}
	}
	return "", fmt.Errorf("run %s: it is not in the list of tools", name)
}

// A missingError is no fault of the machine: the container stays unopened.
type missingError struct{ Tool }

func (e *missingError) Error() string {
	return "not opened, tool missing: " + e.Name + " (apt-get install " + e.Package + ")"
}
