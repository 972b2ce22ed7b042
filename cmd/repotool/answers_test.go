package main

import (
	"bytes"
	"encoding"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"repotool/bench"
	"repotool/goldindex"
	"repotool/prune"
	"repotool/reunpack"
	"repotool/snapshot"
	"repotool/verify"
)

var update = flag.Bool("update", false, "write testdata/json anew")

// answerTypes are what the commands encode.
var answerTypes = map[string]reflect.Type{
	"init":               reflect.TypeFor[initResult](),
	"snapshot":           reflect.TypeFor[snapshot.Summary](),
	"snapshot --dry-run": reflect.TypeFor[rehearsal](),
	"snapshots":          reflect.TypeFor[snapshotList](),
	"snapshots SNAPSHOT": reflect.TypeFor[snapshotFacts](),
	"snapshot --forget":  reflect.TypeFor[takenAndForgotten](),
	"forget":             reflect.TypeFor[forgetResult](),
	"pin":                reflect.TypeFor[pinResult](),
	"unpin":              reflect.TypeFor[pinResult](),
	"gc":                 reflect.TypeFor[snapshot.CollectReport](),
	"recover":            reflect.TypeFor[recoverResult](),
	"ls":                 reflect.TypeFor[listed](),
	"diff":               reflect.TypeFor[diffLine](),
	"restore":            reflect.TypeFor[restoreResult](),
	"verify":             reflect.TypeFor[verify.Report](),
	"index":              reflect.TypeFor[goldindex.Report](),
	"gold status":        reflect.TypeFor[goldindex.Status](),
	"gold which":         reflect.TypeFor[whichGold](),
	"doctor":             reflect.TypeFor[diagnosis](),
	"bench repo":         reflect.TypeFor[bench.Report](),
	"bench repo --make":  reflect.TypeFor[bench.Facts](),
	"bench iso":          reflect.TypeFor[isoMeasured](),
	"bench report":       reflect.TypeFor[sizing](),
	"bench scale":        reflect.TypeFor[bench.Scaling](),
	"bench unpack":       reflect.TypeFor[unpackMeasured](),
	"reunpack":           reflect.TypeFor[reunpack.Report](),
	"reunpack --jobs":    reflect.TypeFor[resumed](),
	"reunpack --dry-run": reflect.TypeFor[reunpack.Plan](),
	"prune":              reflect.TypeFor[prune.Plan](),
	"dedup":              reflect.TypeFor[prune.DedupPlan](),
	"dedup --execute":    reflect.TypeFor[prune.DedupReport](),
	"dedup --undo":       reflect.TypeFor[dedupUndone](),
	"dedup --list":       reflect.TypeFor[dedupList](),
	"prune --execute":    reflect.TypeFor[prune.Report](),
	"prune --undo":       reflect.TypeFor[undoResult](),
	"prune --list":       reflect.TypeFor[deedList](),
	"agent install":      reflect.TypeFor[agentInstalled](),
	"agent remove":       reflect.TypeFor[agentRemoved](),
	"version":            reflect.TypeFor[versionResult](),
}

// TestAnswerKeys pins the keys of every answer in testdata/json. A key there
// that goes or changes its kind breaks somebody's program: the answer must keep
// it. A new one is taken in with -update.
func TestAnswerKeys(t *testing.T) {
	for name, typ := range answerTypes {
		var b strings.Builder
		for _, k := range keysOf(typ, "", false) {
			b.WriteString(k + "\n")
		}
		file := filepath.Join("testdata", "json", strings.ReplaceAll(name, " ", "_")+".golden")
		if *update {
			if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatalf("%v (write it with -update)", err)
		}
		if d := cmp.Diff(string(want), b.String()); d != "" {
			t.Errorf("%s answers other keys than those pinned (-want +got):\n%s", name, d)
		}
	}
}

// TestAnswersDocumented proves that the help pages list each key, and no other.
func TestAnswersDocumented(t *testing.T) {
	for name, typ := range answerTypes {
		want := map[string]bool{}
		for _, k := range keysOf(typ, "", false) {
			key, _, _ := strings.Cut(k, " ")
			want[key] = true
		}
		got := documentedKeys(name)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: keys and documentation differ (-encoded +documented):\n%s", name, d)
		}
		if key, _, _ := strings.Cut(strings.TrimSpace(answers[name]), " "); !strings.Contains(pageOf(name), "\n"+pageIndent+key) {
			t.Errorf("the page of %s does not list its keys", name)
		}
	}
	for name := range answers {
		if answerTypes[name] == nil {
			t.Errorf("answers of %q are documented, but not of any type", name)
		}
	}
}

// pageOf is the help page that says what a command answers.
func pageOf(name string) (page string) {
	commands := (&tool{}).app().Commands
	for word := range strings.FieldsSeq(name) {
		if c := findCommand(commands, word); c != nil {
			page, commands = manual(c), c.Subcommands
		}
	}
	return page
}

var (
	reference = regexp.MustCompile(`as repotool (.*) prints it$`)
	dataKey   = regexp.MustCompile(`\.[A-Z]+\b`)
)

// documentedKeys are the keys of a command in answers, references followed.
func documentedKeys(name string) map[string]bool {
	keys := map[string]bool{}
	for line := range strings.Lines(strings.TrimSpace(answers[name])) {
		if line[0] == ' ' {
			continue
		}
		key, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		key = dataKey.ReplaceAllString(key, ".*")
		m := reference.FindStringSubmatch(text)
		if m == nil {
			keys[key] = true
			continue
		}
		base, optional := strings.CutSuffix(key, "?")
		for sub := range documentedKeys(m[1]) {
			if optional {
				sub = strings.TrimSuffix(sub, "?") + "?"
			}
			keys[base+"."+sub] = true
		}
	}
	return keys
}

var (
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
)

// keysOf lists the keys of a type in JSON, as jq writes them, with the kind of
// their values. A map's keys are data: *. What may be left out has a "?".
func keysOf(typ reflect.Type, at string, optional bool) (keys []string) {
	leaf := func(kind string) []string {
		if optional {
			return []string{at + "? " + kind}
		}
		return []string{at + " " + kind}
	}
	if typ.Implements(textMarshaler) || typ.Implements(jsonMarshaler) {
		return leaf("string")
	}
	switch typ.Kind() {
	case reflect.Pointer:
		return keysOf(typ.Elem(), at, optional)
	case reflect.Slice, reflect.Array:
		if typ.Elem().Kind() == reflect.Uint8 {
			return leaf("base64")
		}
		return keysOf(typ.Elem(), at+"[]", optional)
	case reflect.Map:
		return keysOf(typ.Elem(), at+".*", optional)
	case reflect.Struct:
		for i := range typ.NumField() {
			f := typ.Field(i)
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case f.Anonymous && name == "":
				keys = append(keys, keysOf(f.Type, at, optional)...)
			case f.IsExported() && name != "-":
				below := strings.TrimPrefix(at+"."+name, ".")
				keys = append(keys, keysOf(f.Type, below, optional || strings.Contains(options, "omit"))...)
			}
		}
		return keys
	case reflect.String:
		return leaf("string")
	case reflect.Bool:
		return leaf("boolean")
	}
	return leaf("number")
}

// answersLike is the script command answers NAME: standard output of the
// command before it is the documented answer of NAME, or lines of it.
func answersLike(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 || answerTypes[args[0]] == nil {
		ts.Fatalf("usage: answers NAME")
	}
	pinned := map[string]string{}
	var always []string
	for _, k := range keysOf(answerTypes[args[0]], "", false) {
		key, kind, _ := strings.Cut(k, " ")
		base, optional := strings.CutSuffix(key, "?")
		pinned[base] = kind
		if !optional && !strings.Contains(base, "[]") && !strings.Contains(base, "*") {
			always = append(always, base)
		}
	}
	dec := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	n := 0
	for {
		var v any
		if err := dec.Decode(&v); err == io.EOF {
			break
		} else if err != nil {
			ts.Fatalf("%v", err)
		}
		n++
		seen := map[string]bool{}
		for _, wrong := range unlike(v, "", pinned, seen) {
			ts.Fatalf("%s: %s", args[0], wrong)
		}
		for _, key := range always {
			if !seen[key] {
				ts.Fatalf("%s: no %s", args[0], key)
			}
		}
	}
	if n == 0 {
		ts.Fatalf("%s: no answer", args[0])
	}
}

// unlike lists what of a value is not as pinned, and notes what it has seen.
func unlike(v any, at string, pinned map[string]string, seen map[string]bool) (wrong []string) {
	kind := ""
	switch x := v.(type) {
	case map[string]any:
		for key, sub := range x {
			below := strings.TrimPrefix(at+"."+key, ".")
			if !anyBelow(pinned, below) {
				below = at + ".*"
			}
			wrong = append(wrong, unlike(sub, below, pinned, seen)...)
		}
		return wrong
	case []any:
		for _, sub := range x {
			wrong = append(wrong, unlike(sub, at+"[]", pinned, seen)...)
		}
		return wrong
	case nil:
		return []string{at + " is null"}
	case string:
		kind = "string"
	case bool:
		kind = "boolean"
	case float64:
		kind = "number"
	}
	seen[at] = true
	if want := pinned[at]; want != kind && !(want == "base64" && kind == "string") {
		return []string{at + " is a " + kind + ", pinned as " + orNothing(want)}
	}
	return nil
}

func anyBelow(pinned map[string]string, at string) bool {
	for key := range pinned {
		if key == at || strings.HasPrefix(key, at+".") || strings.HasPrefix(key, at+"[]") {
			return true
		}
	}
	return false
}

// TestErrorKeys pins the answer of an error.
func TestErrorKeys(t *testing.T) {
	var b bytes.Buffer
	printError(&b, io.Discard, true, exitFailed, &hinted{io.ErrUnexpectedEOF, "x"})
	var got map[string]map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for k := range got["error"] {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	if d := cmp.Diff([]string{"code", "hint", "kind", "message"}, keys); d != "" {
		t.Error(d)
	}
}

// orNothing says it where there is no text.
func orNothing(text string) string {
	if text == "" {
		return "nothing"
	}
	return text
}
