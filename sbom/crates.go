package sbom

import (
	"slices"
	"strings"

	rustaudit "github.com/rust-secure-code/go-rustaudit"
	"github.com/spdx/tools-golang/spdx/v2/common"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom/language"
)

// addCrates adds the crates that are linked into a program, as
// cargo-auditable's list in it says, or else all that were fetched.
func (d *description) addCrates(p *program) {
	if !p.rust {
		return
	}
	d.addRustLibrary(p)
	if !p.audited {
		d.addLockedCrates(p)
		return
	}
	for _, c := range p.crates {
		made := crate(p, c.Name, c.Version)
		switch {
		case c.Kind == rustaudit.Build:
		case c.Source == "local": // of the sources, so the service itself
			d.nameOwn(componentPurl(made))
		default:
			d.link(p, component{Component: made, source: d.crateSource(c)})
		}
	}
}

func crate(p *program, name, version string) language.Component {
	return language.Component{Ecosystem: "cargo", Name: name, Version: version, Path: p.path}
}

// addLockedCrates adds the crates that the lock says were fetched: a program
// without a list has no others, though it may not have all of them.
func (d *description) addLockedCrates(p *program) {
	known := false
	for _, key := range d.fetched.sorted() {
		if key.ecosystem == "cargo" {
			known = true
			d.link(p, component{Component: crate(p, key.name, key.version)})
		}
	}
	d.count(&d.coverage.Components, known, Gap{Path: p.path, Name: "crates", Reason: "it is made of Rust and does not list its crates; lock again, so that cargo-auditable is in the build environment"})
}

// link adds a component that is linked into a program.
func (d *description) link(p *program, c component) {
	linked := d.addComponent(c)
	d.relate(fileID(p.path), common.TypeRelationshipStaticLink, linked.PackageSPDXIdentifier)
}

// crateSource is where a crate comes from that was not fetched: Debian's
// packages of crates are in the build environment.
func (d *description) crateSource(c rustaudit.Package) string {
	name := strings.ReplaceAll(strings.ToLower(c.Name), "_", "-")
	for _, b := range d.platform.Build {
		if isCrate(b, name, c.Version) {
			return "From the Debian package " + b.Name + " " + b.Version + " of the build environment."
		}
	}
	if c.Source != "crates.io" && c.Source != "" {
		return "Its source is not crates.io, but of the kind " + c.Source + "."
	}
	return ""
}

// isCrate reports whether a Debian package is that of a crate: librust-NAME-dev,
// or librust-NAME-SERIES-dev for one of several versions.
func isCrate(b recipes.Package, name, version string) bool {
	rest, ok := strings.CutPrefix(b.Name, "librust-"+name+"-")
	series, dev := strings.CutSuffix("-"+rest, "-dev")
	if !ok || !dev || series != "" && !strings.HasPrefix(version+".", series[1:]+".") {
		return false
	}
	upstream, _, _ := strings.Cut(b.Version, "-")
	upstream, _, _ = strings.Cut(upstream, "+")
	return upstream == strings.ReplaceAll(version, "-", "~")
}

// sorted are the components in the lock's files.
func (f fetched) sorted() []componentKey {
	var keys []componentKey
	for k := range f.byComponent {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b componentKey) int {
		return strings.Compare(a.ecosystem+" "+a.name+" "+a.version, b.ecosystem+" "+b.name+" "+b.version)
	})
	return keys
}
