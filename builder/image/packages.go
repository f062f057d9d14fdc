package image

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/spool"
	"github.com/kiln-build/kiln/recipes"
)

// packageFiles are the files that a Debian package brings to an image.
type packageFiles struct {
	installed recipes.Installed
	entries   []layer.Entry
	spool     *spool.Spool
	// certificates are the PEM texts of the authorities that it holds.
	certificates []byte
	// sharing is the package whose copyright file this one shares: its own
	// folder of documentation is a link to that one's (Debian Policy 12.5).
	sharing string
}

func (p *packageFiles) close() { p.spool.Close() } //nolint:errcheck // read only

// leftOut are folders whose content only people and installers read. The
// copyright files below usr/share/doc stay: licenses ask for that.
var leftOut = []string{
	"/usr/share/doc", "/usr/share/man", "/usr/share/info", "/usr/share/locale", "/usr/share/lintian", "/usr/share/bug",
	"/usr/share/doc-base", "/usr/share/bash-completion", "/usr/share/zsh", "/usr/share/fish", "/usr/share/gdb", "/usr/share/menu",
	"/usr/share/apport", "/usr/share/reportbug", "/usr/share/debconf", "/usr/lib/systemd", "/usr/lib/sysusers.d", "/usr/lib/tmpfiles.d",
	"/etc/init.d", "/etc/default", "/etc/cron.d", "/etc/cron.daily", "/etc/cron.weekly", "/etc/logrotate.d", "/etc/apparmor.d",
	"/etc/ca-certificates", "/usr/share/ca-certificates", "/usr/sbin/update-ca-certificates",
	"/usr/bin/py3compile", "/usr/bin/py3clean", "/usr/share/python3",
}

// pythonLeftOut are parts of Python's library that tests, teaches and installs
// and that no service runs. Who asks for a package of them gets them.
var (
	pythonLibrary = regexp.MustCompile(`^libpython3\.\d+-(minimal|stdlib)$`)
	pythonLeftOut = regexp.MustCompile(`^/usr/lib/python3\.\d+/(test|ensurepip|idlelib|lib2to3|pydoc_data|turtledemo|turtle\.py)(/|$)`)
)

func (r *packageReader) kept(e layer.Entry) bool {
	p := e.Path
	if r.sharing != "" && p == "/usr/share/doc/"+r.name {
		return true
	}
	if strings.HasPrefix(p, "/usr/share/doc/") && path.Base(p) == "copyright" {
		return true
	}
	if pythonLibrary.MatchString(r.name) && pythonLeftOut.MatchString(p) {
		return false
	}
	return !slices.ContainsFunc(leftOut, func(dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") })
}

// maxPackage is the limit on what one package unpacks to, in bytes.
const maxPackage = 4 << 30

// readPackage reads the files of a package from the cache.
func readPackage(store *blobs.Store, pkg recipes.Package) (*packageFiles, error) {
	deb, file, err := archive.OpenDebFile(store.Path(pkg.SHA256))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if c := deb.Control; c.Package != pkg.Name || c.Version != pkg.Version {
		return nil, fmt.Errorf("reading package %s %s: the file holds %s %s", pkg.Name, pkg.Version, c.Package, c.Version)
	}
	sp, err := spool.New("")
	if err != nil {
		return nil, err
	}
	r := packageReader{packageFiles: packageFiles{spool: sp}, name: pkg.Name, owner: recipes.OwnerDebian(pkg.Name), files: map[string]layer.Entry{}}
	if err := deb.Files(r.entry); err != nil {
		sp.Close() //nolint:errcheck // the other error says more
		return nil, err
	}
	r.finish(pkg, deb.Control)
	return &r.packageFiles, nil
}

type packageReader struct {
	packageFiles
	name, owner  string
	files        map[string]layer.Entry // regular ones, also those left out
	certificates bytes.Buffer
	copyright    string
	newest       int64
}

func (r *packageReader) entry(h *tar.Header, content io.Reader) error {
	e := layer.Entry{
		Time: h.ModTime.Unix(), Devmajor: h.Devmajor, Devminor: h.Devminor, Capability: h.PAXRecords[layer.CapabilityRecord],
		File: recipes.File{
			Path: merged("/" + h.Name), Type: h.Typeflag, Mode: h.Mode & 0o7777, UID: h.Uid, GID: h.Gid,
			Linkname: h.Linkname, Owner: r.owner,
		},
	}
	r.newest = max(r.newest, e.Time)
	switch h.Typeflag {
	case tar.TypeReg:
		if err := r.content(&e, content); err != nil {
			return err
		}
	case tar.TypeSymlink:
		if e.Path == "/usr/share/doc/"+r.name {
			r.sharing = path.Base(e.Linkname)
		}
	case tar.TypeLink:
		target, ok := r.files[merged("/"+h.Linkname)]
		if !ok {
			return fmt.Errorf("%s links to %s, which is not there", h.Name, h.Linkname)
		}
		e.Type, e.Linkname, e.Size, e.Open = tar.TypeReg, "", target.Size, target.Open
	}
	if e.Type == tar.TypeReg {
		r.files[e.Path] = e
	}
	if r.kept(e) {
		r.entries = append(r.entries, e)
	}
	return nil
}

func (r *packageReader) content(e *layer.Entry, content io.Reader) error {
	var copyright, certificate bytes.Buffer
	if strings.HasPrefix(e.Path, "/usr/share/doc/") && path.Base(e.Path) == "copyright" {
		content = io.TeeReader(content, &copyright)
	}
	if strings.HasPrefix(e.Path, "/usr/share/ca-certificates/") && path.Ext(e.Path) == ".crt" {
		content = io.TeeReader(content, &certificate)
	}
	f, err := r.spool.Add(content, maxPackage)
	if err != nil {
		return err
	}
	e.Size, e.Open = f.Size(), f.Open
	r.copyright += copyright.String()
	if certificate.Len() > 0 {
		r.certificates.Write(bytes.TrimSpace(certificate.Bytes()))
		r.certificates.WriteByte('\n')
	}
	return nil
}

// finish adds what an installation would have made: the package's entry in
// dpkg's status.d, which scanners read, and the bundle of certificates.
func (r *packageReader) finish(pkg recipes.Package, c archive.Control) {
	r.installed = recipes.Installed{
		Package: pkg, Maintainer: c.Maintainer, Homepage: c.Homepage, Description: c.Description, Copyright: r.copyright,
	}
	if r.certificates.Len() > 0 {
		r.packageFiles.certificates = r.certificates.Bytes()
		r.generated("/etc/ssl/certs/ca-certificates.crt", r.certificates.Bytes())
	}
	r.generated("/var/lib/dpkg/status.d/"+pkg.Name, statusEntry(pkg, c))
}

func (r *packageReader) generated(p string, data []byte) {
	r.entries = append(r.entries, fileEntry(p, data, r.newest, r.owner))
}

// fileEntry is a file of root's with the given content.
func fileEntry(p string, data []byte, time int64, owner string) layer.Entry {
	return layer.Entry{
		Time: time,
		File: recipes.File{Path: p, Type: tar.TypeReg, Mode: 0o644, Size: int64(len(data)), Owner: owner},
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil },
	}
}

// statusEntry is the package's paragraph in dpkg's status file.
func statusEntry(pkg recipes.Package, c archive.Control) []byte {
	var b bytes.Buffer
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	source := c.Source
	if source != "" && c.SourceVersion != "" {
		source += " (" + c.SourceVersion + ")"
	} else if c.SourceVersion != "" {
		source = c.Package + " (" + c.SourceVersion + ")"
	}
	field("Package", c.Package)
	field("Status", "install ok installed")
	field("Maintainer", c.Maintainer)
	field("Architecture", c.Architecture)
	field("Source", source)
	field("Version", pkg.Version)
	field("Description", c.Description)
	field("Homepage", c.Homepage)
	return b.Bytes()
}

// load reads packages, fetching them where the cache has them not. Their
// content can be read until the assembly is closed.
func (a *assembly) load(ctx context.Context, pkgs []recipes.Package) ([]*packageFiles, error) {
	if len(pkgs) == 0 {
		return nil, nil
	}
	if err := a.Fetch(ctx, pkgs); err != nil {
		return nil, err
	}
	var all []*packageFiles
	for _, pkg := range pkgs {
		if i := slices.IndexFunc(a.debs, func(d *packageFiles) bool { return d.installed.Name == pkg.Name }); i >= 0 {
			all = append(all, a.debs[i]) // it was read before
			continue
		}
		p, err := readPackage(a.Store, pkg)
		if err != nil {
			return nil, err
		}
		a.debs = append(a.debs, p)
		all = append(all, p)
	}
	return all, nil
}

// newEntries are the packages' entries that the image has not yet, and the
// folders that those need. Two packages may share folders, not files.
func (a *assembly) newEntries(pkgs []*packageFiles) ([]layer.Entry, error) {
	var entries []layer.Entry
	var newest int64
	for _, p := range pkgs {
		for _, e := range p.entries {
			if old, there := a.root.byPath[e.Path]; there {
				if old.Type == tar.TypeDir && e.Type == tar.TypeDir || old.Owner == recipes.OwnerImage {
					continue
				}
				return nil, fmt.Errorf("%s is in %s and in %s", e.Path, old.Owner, e.Owner)
			}
			newest = max(newest, e.Time)
			a.root.add(e)
			entries = append(entries, e)
		}
	}
	parents := layer.Parents(entries, recipes.OwnerBase, newest, a.root.has)
	for _, e := range parents {
		a.root.add(e)
	}
	return append(entries, parents...), nil
}
