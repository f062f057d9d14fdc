package sign

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/recipes"
)

// resolved lists everything that went into the build, in the lock's order:
// sources, packages, engine.
func resolved(in ProvenanceInput) ([]resource, error) {
	var all []resource
	for i, locked := range in.Lock.Sources {
		var asked recipes.Source
		if i < len(in.Recipe.Sources) {
			asked = in.Recipe.Sources[i]
		}
		deps, err := sourceResources(locked, asked, in.Local)
		if err != nil {
			return nil, err
		}
		all = append(all, deps...)
	}
	all = append(all, fetchedResources(in.Lock, in.platforms())...)
	all = append(all, packageResources(in.Lock, in.platforms())...)
	if in.Folder != (v1.Hash{}) {
		all = append(all, folderResource(in.Folder))
	}
	return append(all, resource{
		Name: "buildkit", URI: "pkg:golang/github.com/moby/buildkit@" + in.BuildKit,
		Annotations: map[string]any{"roles": []string{"engine"}},
	}), nil
}

func sourceResources(s recipes.LockedSource, asked recipes.Source, local map[string]string) ([]resource, error) {
	switch s.Kind {
	case "git":
		r := resource{Name: s.Name, Digest: map[string]string{"gitCommit": s.Commit}}
		if asked.Git != nil {
			r.URI = "git+" + withoutUser(asked.Git.URL) + "@" + s.Commit
		}
		return []resource{source(r)}, nil
	case "local":
		r := resource{Name: s.Name}
		if sum := local[s.Name]; sum != "" {
			r.Digest = map[string]string{"sha256": sum}
		}
		return []resource{source(r)}, nil
	case "go":
		return moduleResources(s)
	}
	return fileResources(s, asked)
}

func moduleResources(s recipes.LockedSource) ([]resource, error) {
	sum, err := dirHash(s.Sum)
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", s.Name, err)
	}
	r := resource{
		Name: s.Name, URI: "pkg:golang/" + s.Name + "@" + escape(s.Version),
		Digest: map[string]string{"dirHash": sum},
	}
	for _, f := range s.Files {
		r.Digest["sha256"] = f.SHA256
	}
	return []resource{source(r)}, nil
}

func fileResources(s recipes.LockedSource, asked recipes.Source) ([]resource, error) {
	if len(s.Files) == 0 {
		return nil, fmt.Errorf("source %s: the lock names no file", s.Name)
	}
	var all []resource
	for _, f := range s.Files {
		r := resource{Name: path.Base(f.Path), Digest: map[string]string{"sha256": f.SHA256}}
		switch {
		case s.Kind == "debian":
			r.URI = purl(s.Name, s.Version, "source", "") + "#" + r.Name
		case asked.Archive != nil:
			r.URI = withoutUser(asked.Archive.URL)
		}
		all = append(all, source(r))
	}
	return all, nil
}

func source(r resource) resource {
	r.Annotations = map[string]any{"roles": []string{roleSource}}
	return r
}

// fetchedResources lists what steps fetched, each file once. Those of a package
// ecosystem are named by it and their path, as in the lock: any mirror served.
func fetchedResources(lock *recipes.Lock, platforms []string) []resource {
	var files []recipes.FetchedFile
	for _, p := range lock.Platforms {
		for _, f := range p.Fetches {
			if slices.Contains(platforms, p.Platform) {
				files = append(files, f.Files...)
			}
		}
	}
	var all []resource
	seen := map[string]bool{}
	for _, f := range files {
		uri := f.Ecosystem + ":" + f.Path
		if f.Ecosystem == recipes.EcosystemURL {
			uri = withoutUser(f.Path)
		}
		if f.SHA256 == "" || seen[uri+" "+f.SHA256] {
			continue
		}
		seen[uri+" "+f.SHA256] = true
		name, _, _ := strings.Cut(f.Path, "?")
		all = append(all, resource{
			Name: path.Base(name), URI: uri, Digest: map[string]string{"sha256": f.SHA256},
			Annotations: map[string]any{"roles": []string{"fetched"}},
		})
	}
	return all
}

// packageResources lists each Debian package once, with all its roles.
func packageResources(lock *recipes.Lock, platforms []string) []resource {
	var all []resource
	seen := map[string]int{}
	add := func(role string, packages []recipes.Package) {
		for _, p := range packages {
			uri := purl(p.Name, p.Version, p.Architecture, p.Suite)
			if i, ok := seen[uri]; ok {
				roles, _ := all[i].Annotations["roles"].([]string)
				all[i].Annotations["roles"] = append(roles, role)
				continue
			}
			seen[uri] = len(all)
			all = append(all, resource{
				Name: path.Base(p.Path), URI: uri, Digest: map[string]string{"sha256": p.SHA256},
				Annotations: map[string]any{"roles": []string{role}},
			})
		}
	}
	for _, p := range lock.Platforms {
		if slices.Contains(platforms, p.Platform) {
			add("build", p.Build)
			add("image", p.Image)
		}
	}
	return all
}

// purl is the package URL of a Debian package (package-url, types/deb), in
// the form that the SBOM has it.
func purl(name, version, arch, suite string) string {
	p := "pkg:deb/debian/" + escape(name) + "@" + escape(version) + "?arch=" + arch
	if distro := distro(suite); distro != "" {
		p += "&distro=" + escape(distro)
	}
	return p
}

// escape encodes for a package URL, which leaves colons as they are.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "%3A", ":") }

// distro is the release that a suite belongs to: debian-13 for
// trixie-security. Suites without a number keep their name.
func distro(suite string) string {
	codename, _, _ := strings.Cut(suite, "-")
	if number, ok := map[string]string{
		"bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14", "unstable": "sid",
	}[codename]; ok {
		codename = number
	}
	if codename == "" {
		return ""
	}
	return "debian-" + codename
}

// withoutUser drops name and password, which a URL in a recipe may hold.
func withoutUser(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.User == nil {
		return raw
	}
	u.User = nil
	return u.String()
}
