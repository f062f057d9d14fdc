package sbom

import (
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/kiln-build/kiln/recipes"
)

// describeSources adds the service, which its first source identifies, and a
// package for each further source.
func (d *description) describeSources() error {
	if len(d.Recipe.Sources) != len(d.Lock.Sources) {
		return fmt.Errorf("describing sources: the recipe has %d, its lock %d",
			len(d.Recipe.Sources), len(d.Lock.Sources))
	}
	d.service = d.add(d.servicePackage(), "service", d.Recipe.Name)
	for i := 1; i < len(d.Lock.Sources); i++ {
		o := d.originOf(i)
		p := &v2_3.Package{
			PackageName: o.name, PackageVersion: o.version, PrimaryPackagePurpose: "SOURCE",
		}
		o.write(p)
		p = d.add(p, "source", o.name, o.version)
		if p == d.service {
			continue
		}
		d.relate(d.service.PackageSPDXIdentifier, common.TypeRelationshipGeneratedFrom, p.PackageSPDXIdentifier)
	}
	return nil
}

func (d *description) servicePackage() *v2_3.Package {
	r := d.Recipe
	p := &v2_3.Package{
		PackageName: r.Name, PackageVersion: r.Version,
		PackageSummary: r.Summary, PackageHomePage: r.Homepage,
		PrimaryPackagePurpose: "APPLICATION",
	}
	declared, ok := d.licenses.declared(r.License)
	p.PackageLicenseDeclared = declared
	if !ok {
		p.PackageLicenseComments = "The recipe states: " + r.License
	}
	if len(d.Lock.Sources) == 0 {
		p.PackageExternalReferences = purl{Type: "generic", Name: r.Name, Version: r.Version}.ref()
		return p
	}
	o := d.originOf(0)
	o.write(p)
	return p
}

// origin is where source code comes from, as a package tells it.
type origin struct {
	name, version string
	purl          purl
	// location is the download location (SPDX 2.3, section 7.7).
	location string
	// sha256 is that of the one file that the source is or that pins it.
	sha256 string
	// pins say what the source is pinned to, one a line.
	pins []string
}

func (o origin) write(p *v2_3.Package) {
	p.PackageDownloadLocation = o.location
	p.PackageExternalReferences = o.purl.ref()
	p.PackageSourceInfo = strings.Join(o.pins, "\n")
	if o.sha256 != "" {
		p.PackageChecksums = []common.Checksum{{Algorithm: common.SHA256, Value: o.sha256}}
	}
}

// originOf describes the source i of recipe and lock. The first goes by the
// recipe's name and version, others by their own.
func (d *description) originOf(i int) origin {
	src, locked := d.Recipe.Sources[i], d.Lock.Sources[i]
	o := origin{name: locked.Name, version: locked.Version}
	if i == 0 {
		o.name, o.version = d.Recipe.Name, d.Recipe.Version
	}
	for _, f := range locked.Files {
		o.pins = append(o.pins, "sha256:"+f.SHA256+"  "+path.Base(f.Path))
	}
	switch {
	case src.Archive != nil:
		o.fromArchive(src.Archive)
	case src.Git != nil:
		o.fromGit(src.Git, locked)
	case src.Go != "":
		o.fromGo(locked)
	case src.Debian != nil:
		o.fromDebian(locked, d.Recipe.Suite)
	default:
		o.purl = purl{Type: "generic", Name: o.name, Version: o.version}
	}
	return o
}

func (o *origin) fromArchive(a *recipes.ArchiveSource) {
	o.sha256, o.location = a.SHA256, withoutUser(a.URL)
	o.purl = purl{Type: "generic", Name: o.name, Version: o.version, Qualifiers: map[string]string{
		"download_url": o.location, "checksum": "sha256:" + a.SHA256,
	}}
}

func (o *origin) fromGit(g *recipes.GitSource, l recipes.LockedSource) {
	o.location = gitLocation(g.URL, l.Commit)
	o.pins = append(o.pins, "commit "+l.Commit)
	o.purl = purl{Type: "generic", Name: o.name, Version: o.version, Qualifiers: map[string]string{
		"vcs_url": o.location,
	}}
}

func (o *origin) fromGo(l recipes.LockedSource) {
	o.purl = golangPurl(l.Name, l.Version)
	if len(l.Files) == 1 {
		o.sha256 = l.Files[0].SHA256
	}
	if l.Sum != "" {
		o.pins = append(o.pins, "go.sum "+l.Sum)
	}
}

func (o *origin) fromDebian(l recipes.LockedSource, suite string) {
	o.purl = debianPurl(l.Name, l.Version, map[string]string{"arch": "source", "distro": distro(suite)})
	for _, f := range l.Files {
		if strings.HasSuffix(f.Path, ".dsc") {
			o.sha256 = f.SHA256
		}
	}
}

// gitLocation is a repository at a commit in the form of SPDX 2.3, section
// 7.7: git+transport://host/path@commit. It knows git's short form for ssh,
// user@host:path, too.
func gitLocation(repository, commit string) string {
	if !strings.Contains(repository, "://") {
		host, dir, ok := strings.Cut(repository, ":")
		if !ok {
			return noAssertion
		}
		repository = "ssh://" + host + "/" + strings.TrimPrefix(dir, "/")
	}
	return "git+" + withoutUser(repository) + "@" + commit
}

// withoutUser drops user and password from a URL, except the user of ssh,
// without whom it leads nowhere.
func withoutUser(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return noAssertion
	}
	if u.Scheme == "ssh" && u.User != nil {
		u.User = url.User(u.User.Username())
	} else {
		u.User = nil
	}
	return u.String()
}
