package bench

import "path/filepath"

// dedup has repotool keep the same bytes once, in a copy of the repository.
func dedup(name string, flags ...string) Contestant {
	return Contestant{
		Name: name, Steps: []Step{Dedup},
		Prepare: func(p Place) []Command { return own(p, "init") },
		Commands: func(p Place, _ Step) ([]Command, error) {
			return own(p, "dedup", append([]string{"--execute", "--repository", copied(p)}, flags...)...), nil
		},
	}
}

// linkers are the programs that make links of equal files of any tree.
func linkers() []Contestant {
	linker := func(name string, version []string, args ...string) Contestant {
		return Contestant{Name: name, Version: version, Steps: []Step{Dedup},
			Commands: func(p Place, _ Step) ([]Command, error) { return one(append(args, copied(p))...) }}
	}
	return []Contestant{
		linker("hardlink -c", []string{"hardlink", "--version"}, "hardlink", "-c", "-q"),
		linker("jdupes -r -L", []string{"jdupes", "-v"}, "jdupes", "-q", "-r", "-L"),
		linker("rdfind -makehardlinks", []string{"rdfind", "-v"}, "rdfind", "-makehardlinks", "true", "-makeresultsfile", "false"),
		{Name: "rmlint + handler", Version: []string{"rmlint", "--version"}, Steps: []Step{Dedup}, Once: true, // it takes minutes
			Commands: func(p Place, _ Step) ([]Command, error) {
				script := filepath.Join(p.Target, "rmlint.sh")
				return []Command{
					// It leaves a file of its own where it runs.
					{Args: []string{"rmlint", "-T", "df", "-c", "sh:hardlink", "-o", "sh:" + script, copied(p)}, Dir: p.Target},
					{Args: []string{script, "-d", "-q"}, Dir: p.Target},
				}, nil
			}},
	}
}
