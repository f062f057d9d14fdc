package inputs

import (
	"fmt"
	"path"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/recipes"
)

// Files are the files that the lock names by their sha256: the packages of all
// platforms, and the files of archive and Debian sources.
func Files(l *recipes.Lock) []Entry {
	var list []Entry
	add := func(name, hexsum string, size int64) {
		list = append(list, Entry{
			Kind: KindFile, Name: path.Base(name), Size: size, Digest: v1.Hash{Algorithm: "sha256", Hex: hexsum},
		})
	}
	for _, p := range l.Platforms {
		for _, pkg := range p.Build {
			add(pkg.Path, pkg.SHA256, pkg.Size)
		}
		for _, pkg := range p.Image {
			add(pkg.Path, pkg.SHA256, pkg.Size)
		}
	}
	for _, s := range l.Sources {
		if s.Kind == recipes.KindGo {
			continue // known by its h1: hash
		}
		for _, f := range s.Files {
			add(f.Path, f.SHA256, f.Size)
		}
	}
	return list
}

// Missing are the names of what the lock names and the set lacks. Trees of
// commits and of what steps fetched are known by their digests, like files; a
// lock that an older kiln made has none of them.
func (s *Set) Missing(l *recipes.Lock) []string {
	var missing []string
	for _, want := range Files(l) {
		if _, ok := s.Find(KindFile, want.Digest.Hex); !ok {
			missing = append(missing, want.Name)
		}
	}
	for _, src := range l.Sources {
		switch src.Kind {
		case recipes.KindGo:
			if !s.has(KindGo, src.Sum) {
				missing = append(missing, src.Name+"@"+src.Version)
			}
		case recipes.KindGit:
			if _, ok := s.Find(KindGit, src.Tree); !ok && src.Tree != "" {
				missing = append(missing, "the tree sha256:"+src.Tree+" of "+src.Name+"@"+src.Commit)
			}
		}
	}
	for _, p := range l.Platforms {
		for _, f := range p.Fetches {
			if _, ok := s.Find(KindFetch, f.Result); !ok && f.Result != "" {
				missing = append(missing, fmt.Sprintf("the tree sha256:%s that build.steps[%d] fetches on %s", f.Result, f.Step, p.Platform))
			}
		}
	}
	return missing
}

func (s *Set) has(kind, name string) bool {
	for _, e := range s.Entries {
		if e.Kind == kind && e.Name == name {
			return true
		}
	}
	return false
}
