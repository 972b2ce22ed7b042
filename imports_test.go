package repotool

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "repotool"

// allowed is the import table: what each package may import beside the standard
// library. A name without a dot is a package of this module. A package that is
// not in the table fails the test, so that its place is decided, not found.
var allowed = map[string][]string{
	// Level 0: the tour of the code has none.
	"": {},

	// Level 0. Decoders, x/sys for children with limits, x/sync for what they may take of memory.
	"unpack": {"github.com/klauspost/compress", "github.com/mikelolasagasti/xz",
		"github.com/nwaples/rardecode/v2", "github.com/pierrec/lz4/v4", "github.com/ulikunitz/xz", "github.com/zeebo/blake3",
		"golang.org/x/sys", "golang.org/x/sync"},

	// Level 1. The only package that opens connections to PostgreSQL; x/sys for the
	// watchdog's process groups and signals.
	"fossology": {"github.com/jackc/pgx/v5", "golang.org/x/sys", "golang.org/x/sync"},
	// Objects are named by BLAKE3 and made with system calls that package os
	// has not (O_TMPFILE with linkat, syncfs, FICLONE).
	"store": {"github.com/zeebo/blake3", "golang.org/x/sys", "golang.org/x/sync"},

	// Level 2. Manifests and dump pieces are zstd, pieces are cut by content.
	"snapshot": {"fossology", "store", "github.com/zeebo/blake3", "github.com/klauspost/compress",
		"github.com/PlakarKorp/go-cdc-chunkers", "golang.org/x/sys", "golang.org/x/sync"},

	// Reads gold and database, and writes the ledger: its records are zstd, its
	// proofs BLAKE3.
	"goldindex": {"fossology", "unpack", "github.com/zeebo/blake3", "github.com/klauspost/compress", "golang.org/x/sys",
		"golang.org/x/sync"},

	// Level 3. Writes the live repository: what is missing, from gold; x/sys for files
	// that have no name until they are complete.
	"reunpack": {"fossology", "goldindex", "unpack", "golang.org/x/sync", "golang.org/x/sys"},

	// Level 3. Compares, and changes nothing but what it is told to repair.
	"verify": {"fossology", "store", "snapshot", "golang.org/x/sync", "golang.org/x/sys"},

	// Level 3. Deletes from the live repository, what is proven; x/sys for removals below
	// a directory that is open.
	"prune": {"fossology", "goldindex", "github.com/zeebo/blake3", "golang.org/x/sync", "golang.org/x/sys"},

	// Level 4. Measures whole programs, its own as others see it; reads installations, and
	// draws what they cost.
	"bench": {"store", "fossology", "unpack", "goldindex", "prune", "snapshot", "github.com/klauspost/compress", "golang.org/x/sync", "golang.org/x/sys", "github.com/dustin/go-humanize",
		"gonum.org/v1/plot"},

	// Level 5. The command line: everything, and what makes a terminal pleasant.
	"cmd/repotool": {"fossology", "store", "unpack", "goldindex", "reunpack", "prune", "snapshot", "verify", "bench", "github.com/urfave/cli/v2",
		"github.com/dustin/go-humanize", "github.com/jedib0t/go-pretty/v6", "github.com/vbauerster/mpb/v8",
		"github.com/pelletier/go-toml/v2", "golang.org/x/term", "golang.org/x/sys"},

	// What tests borrow; only tests import it, and the demonstration, which
	// needs the same cluster and the same fixture.
	"repotest": {"store", "fossology", "golang.org/x/sys", "go.uber.org/goleak"},

	// Programs of the Makefile. They run the built repotool as a user would.
	"scripts/benchunpack": {"bench", "repotest", "fossology", "unpack", "github.com/dustin/go-humanize", // and, for the floor, decoders and hashes:
		"github.com/mikelolasagasti/xz", "github.com/zeebo/blake3"},
	"scripts/demo": {"repotest"},
}

// forTests is what the tests of every package may import in addition.
var forTests = []string{"fossology", "store", "unpack", "goldindex", "reunpack", "prune", "snapshot", "verify", "bench", "repotest",
	"github.com/google/go-cmp", "github.com/rogpeppe/go-internal", "go.uber.org/goleak", "pgregory.net/rapid",
	"github.com/zeebo/blake3", "github.com/klauspost/compress", "golang.org/x/sys", "golang.org/x/sync"}

// TestImports compares the imports of every package with the table.
func TestImports(t *testing.T) {
	for dir, pkg := range packages(t) {
		may, ok := allowed[dir]
		if !ok {
			t.Errorf("%s: not in the import table: give it a place there", dir)
			continue
		}
		check(t, dir, pkg.Imports, may)
		inTests := append(slices.Clone(may), forTests...)
		check(t, dir+" (tests)", pkg.TestImports, inTests)
		check(t, dir+" (tests)", pkg.XTestImports, inTests)
	}
}

// check reports imports that a package may not have.
func check(t *testing.T, who string, imports, may []string) {
	t.Helper()
	for _, path := range imports {
		first, _, _ := strings.Cut(path, "/")
		name, own := strings.CutPrefix(path, module+"/")
		switch {
		case path == "C":
			t.Errorf("%s imports C: repotool is one static program", who)
		case own:
			if !slices.Contains(may, name) && name != strings.TrimSuffix(who, " (tests)") {
				t.Errorf("%s may not import %s", who, path)
			}
		case strings.Contains(first, "."):
			within := func(m string) bool { return path == m || strings.HasPrefix(path, m+"/") }
			if !slices.ContainsFunc(may, within) {
				t.Errorf("%s may not import %s", who, path)
			}
		}
	}
}

// TestDocumented wants a package comment of some substance in every package,
// and a comment at every exported name.
func TestDocumented(t *testing.T) {
	for dir, pkg := range packages(t) {
		files := token.NewFileSet()
		lines := 0
		for _, name := range append(slices.Clone(pkg.GoFiles), pkg.IgnoredGoFiles...) {
			file, err := parser.ParseFile(files, filepath.Join(dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			if file.Doc != nil {
				lines += strings.Count(file.Doc.Text(), "\n")
			}
			for _, decl := range file.Decls {
				for _, name := range undocumented(decl) {
					t.Errorf("%s: %s has no comment", files.Position(decl.Pos()), name)
				}
			}
		}
		if lines < 3 {
			t.Errorf("%s: a package comment of %d lines", dir, lines)
		}
	}
}

// undocumented returns the exported names of a declaration that lack a comment.
func undocumented(decl ast.Decl) []string {
	var names []string
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Doc == nil && d.Name.IsExported() && (d.Recv == nil || receiverExported(d.Recv) && !slices.Contains(wellKnown, d.Name.Name)) {
			names = append(names, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
					names = append(names, s.Name.Name)
				}
			case *ast.ValueSpec:
				for _, id := range s.Names {
					if id.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
						names = append(names, id.Name)
					}
				}
			}
		}
	}
	return names
}

// wellKnown are methods of interfaces that every reader knows, and of this
// project's Hint; their names say enough.
var wellKnown = []string{"Error", "Unwrap", "Is", "Hint", "String", "Read", "Write", "Close", "Len", "Less", "Swap"}

// receiverExported says whether a method belongs to an exported type.
func receiverExported(recv *ast.FieldList) bool {
	expr := recv.List[0].Type
	for {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.Ident:
			return e.IsExported()
		default:
			return false
		}
	}
}

// packages returns the packages of the module by directory, "" for the root.
func packages(t *testing.T) map[string]*build.Package {
	t.Helper()
	found := map[string]*build.Package{}
	err := filepath.WalkDir(".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		if name := e.Name(); path != "." && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata") {
			return fs.SkipDir
		}
		pkg, err := build.Default.ImportDir(path, 0)
		if _, none := err.(*build.NoGoError); none {
			return nil
		}
		if err != nil {
			return err
		}
		found[strings.TrimPrefix(path, ".")] = pkg
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		wd, _ := os.Getwd()
		t.Fatalf("no packages in %s", wd)
	}
	return found
}
