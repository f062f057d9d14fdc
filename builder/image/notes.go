package image

import (
	"archive/tar"
	"cmp"
	"fmt"
	"path"
	"slices"

	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/recipes"
)

// Note is something that a program of the image may open while it runs, which
// the closure therefore does not bring, and what would bring it.
type Note struct {
	// Path is the first program or library that it is about.
	Path string `json:"path"`
	Text string `json:"text"`
	// Packages are what image.packages would have to name, where that is
	// known.
	Packages []string `json:"packages,omitempty"`
}

// topic is a family of modules that libraries open by name.
type topic struct {
	// library is the soname of the library that opens them, as a path.Match
	// pattern; or imports are the functions that do.
	library string
	imports []string
	// has is a path.Match pattern of a file that is there with the modules.
	has, text string
	packages  []string
}

var topics = []topic{
	{
		library: "libcrypto.so.*", has: "/usr/lib/*/ossl-modules/legacy.so",
		text: "OpenSSL opens old algorithms, such as MD4, RC4 and Blowfish, as a provider", packages: []string{"openssl-provider-legacy"},
	},
	{
		library: "libpam.so.*", has: "/usr/lib/*/security/pam_unix.so",
		text: "PAM opens its modules by the names in /etc/pam.d", packages: []string{"libpam-modules"},
	},
	{
		library: "libsasl2.so.*", has: "/usr/lib/*/sasl2/*.so*",
		text: "SASL opens its mechanisms as plugins", packages: []string{"libsasl2-modules"},
	},
	{
		library: "libkrb5.so.*", has: "/usr/lib/*/krb5/plugins/*/*.so",
		text: "Kerberos opens ways of signing in other than passwords as plugins", packages: []string{"krb5-pkinit"},
	},
	{
		imports: []string{"iconv_open"}, has: "/usr/lib/*/gconv/EUC-KR.so",
		text: "it converts character sets; most are modules (gconv)", packages: []string{"libc-gconv-modules-extra"},
	},
	{
		imports: []string{"setlocale", "newlocale"}, has: "/usr/lib/locale/*/LC_CTYPE",
		text: "it asks for a locale; there is C alone", packages: []string{"locales-all"},
	},
	{
		imports: []string{
			"getaddrinfo", "gethostbyname", "gethostbyname_r", "gethostbyname2", "gethostbyaddr", "getnameinfo",
			"getpwnam", "getpwnam_r", "getpwuid", "getpwuid_r", "getgrnam", "getgrnam_r", "initgroups", "getgrouplist",
		},
		has:  "/usr/lib/*/libnss_[!cdfh]*.so.2",
		text: "it looks up hosts or users, in files and DNS; other sources are modules, which the service's own /etc/nsswitch.conf would name",
	},
	{
		imports: []string{"dlopen", "dlmopen"},
		text:    "it opens libraries by names that are not seen here (dlopen)",
	},
}

// note collects what the service's programs, and the libraries that are in
// the image for them, may open while they run.
func (a *assembly) note() error {
	var users []*user
	for _, e := range a.root.sorted() {
		if e.Type != tar.TypeReg || e.Owner == recipes.OwnerImage || e.Owner == recipes.OwnerBase {
			continue
		}
		u, err := readUser(e)
		if err != nil {
			return err
		}
		if u != nil {
			users = append(users, u)
		}
	}
	slices.SortStableFunc(users, func(x, y *user) int { // the service's first
		return cmp.Compare(rank(x.service), rank(y.service))
	})
	for _, t := range topics {
		a.noteTopic(t, users)
	}
	for _, u := range users {
		for _, d := range u.optional {
			a.noteOptional(u, d)
		}
	}
	for _, m := range a.missed {
		a.notes = append(a.notes, Note{Path: m.By, Text: "it opens " + m.Need + " for what its package does without"})
	}
	return nil
}

func rank(service bool) int {
	if service {
		return 0
	}
	return 1
}

// noteTopic notes a topic once, by the first file that it concerns.
func (a *assembly) noteTopic(t topic, users []*user) {
	concerned := slices.DeleteFunc(slices.Clone(users), func(u *user) bool { return !u.concerns(t) })
	if len(concerned) == 0 || t.has != "" && a.root.matches(t.has) {
		return
	}
	n := Note{Path: concerned[0].path, Text: t.text, Packages: t.packages}
	if more := len(concerned) - 1; more > 0 {
		n.Text = fmt.Sprintf("%s (and %d more files)", n.Text, more)
	}
	a.notes = append(a.notes, n)
}

// noteOptional notes what a file itself says that it may open, unless one of
// the names is in the image.
func (a *assembly) noteOptional(u *user, d optional) {
	triplet := triplets[a.Platform]
	there := func(soname string) bool {
		return need{paths: []string{path.Join("/usr/lib", triplet, soname), path.Join("/usr/lib", soname)}}.in(a.root)
	}
	if len(d.Sonames) == 0 || slices.ContainsFunc(d.Sonames, there) {
		return
	}
	n := Note{Path: u.path, Text: "it opens " + d.Sonames[0] + " where there is one"}
	if d.Description != "" {
		n.Text += ": " + d.Description
	}
	if d.Priority != "" {
		n.Text += " (" + d.Priority + ")"
	}
	for _, s := range d.Sonames {
		if owner := a.owner[path.Join("/usr/lib", triplet, s)]; owner != "" && n.Packages == nil {
			n.Packages = []string{owner}
		}
	}
	a.notes = append(a.notes, n)
}

// matches reports whether a path of the tree matches the pattern.
func (t *tree) matches(pattern string) bool {
	for p := range t.byPath {
		if ok, _ := path.Match(pattern, p); ok { // the patterns are constants
			return true
		}
	}
	return false
}

// user is an ELF file with what it uses.
type user struct {
	path     string
	service  bool
	needed   []string
	imports  map[string]bool // of the service's files alone
	optional []optional
}

// concerns reports whether the file opens what the topic is about. Functions
// count for the service alone: libraries of packages use many in passing.
func (u *user) concerns(t topic) bool {
	if t.library != "" {
		return slices.ContainsFunc(u.needed, func(n string) bool { ok, _ := path.Match(t.library, n); return ok })
	}
	return u.service && slices.ContainsFunc(t.imports, func(f string) bool { return u.imports[f] })
}

// readUser is nil for what is no ELF file, or has been looked at with the base
// that it is from.
func readUser(e layer.Entry) (*user, error) {
	f, done, err := openELF(e)
	if f == nil {
		return nil, err
	}
	defer done()
	u := &user{path: e.Path, service: e.Owner == recipes.OwnerService, imports: map[string]bool{}, optional: readOptional(f)}
	u.needed, _ = f.ImportedLibraries() // the closure has read them without an error
	if !u.service {
		return u, nil
	}
	symbols, err := f.ImportedSymbols()
	if err != nil {
		return u, nil //nolint:nilerr // a static program has none
	}
	for _, s := range symbols {
		u.imports[s.Name] = true
	}
	return u, nil
}
