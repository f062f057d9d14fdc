package builder

import (
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/kiln-build/kiln/recipes"
)

// virtualDomain is below which the ecosystems' bases are for a fetch. The real
// ones are put in where the engine's proxy takes a request, so that what a
// fetch leaves behind says nothing of them, that they may be on the loopback
// address of the engine, which programs reach by no proxy, and that a tool
// need not trust the authority of the engine's proxy.
const virtualDomain = ".kiln.invalid"

// virtualHost is the name, for fetches, of the host of an ecosystem's base
// with the given index.
func virtualHost(ecosystem string, index int) string {
	return fmt.Sprintf("%s-%d%s", ecosystem, index, virtualDomain)
}

// baseURL is what a fetch is told is the first base of an ecosystem.
func baseURL(ecosystem string) string { return "http://" + virtualHost(ecosystem, 0) }

// base is where an ecosystem's files are, of which there may be several for
// one ecosystem.
type base struct {
	ecosystem string
	index     int
	// url has no slash at the end and no credentials.
	url  string
	user *url.Userinfo
}

// newBase reads a base; credentials in it are kept apart.
func newBase(ecosystem string, index int, raw string) (base, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return base{}, fmt.Errorf("the base that is configured for %s is no http(s) URL", ecosystem)
	}
	b := base{ecosystem: ecosystem, index: index, user: u.User}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	b.url = withoutPort(strings.TrimRight(u.String(), "/"))
	return b, nil
}

// virtual is what a fetch is told in place of the base's URL. Tools send
// credentials by TLS alone.
func (b base) virtual() string {
	v := url.URL{Scheme: "http", Host: virtualHost(b.ecosystem, b.index), User: b.user}
	if b.user != nil {
		v.Scheme = "https"
	}
	return v.String()
}

// withoutPort drops the port that a URL's scheme stands for, as the engine
// does where it records a URL.
func withoutPort(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	if port := u.Port(); (u.Scheme == "http" && port == "80") || (u.Scheme == "https" && port == "443") {
		u.Host = strings.TrimSuffix(u.Host, ":"+port)
	}
	return u.String()
}

// bases are all that are configured.
type bases []base

// goProxies takes a GOPROXY apart and puts it together with virtual hosts.
// Credentials stay in it. Fetching from repositories ("direct") is not done:
// that cannot be recorded.
func goProxies(goproxy string) (virtual string, list bases, err error) {
	var b strings.Builder
	for rest := goproxy; rest != ""; {
		entry, sep := rest, ""
		if i := strings.IndexAny(rest, ",|"); i >= 0 {
			entry, sep, rest = rest[:i], rest[i:i+1], rest[i+1:]
		} else {
			rest = ""
		}
		switch entry = strings.TrimSpace(entry); entry {
		case "", "direct":
			continue
		case "off":
			b.WriteString("off")
			return b.String(), list, nil
		}
		base, err := newBase("go", len(list), entry)
		if err != nil {
			return "", nil, err
		}
		list = append(list, base)
		b.WriteString(base.virtual() + sep)
	}
	return strings.TrimRight(b.String(), ",|"), list, nil
}

// file is what the lock calls a URL, and the real URL where it is a virtual
// one. The sha256 is not known here.
func (l bases) file(raw string) (file recipes.FetchedFile, real string) {
	if b, rest, ok := l.virtual(raw); ok {
		return recipes.FetchedFile{Ecosystem: b.ecosystem, Path: rest}, b.url + "/" + rest
	}
	raw = withoutPort(raw)
	plain, signed := unsigned(raw)
	var below base
	for _, b := range l {
		if strings.HasPrefix(plain, b.url+"/") && len(b.url) > len(below.url) {
			below = b
		}
	}
	if rest := strings.TrimPrefix(plain, below.url+"/"); below.url != "" && rest != "" {
		return recipes.FetchedFile{Ecosystem: below.ecosystem, Path: rest, Signed: signed}, raw
	}
	return recipes.FetchedFile{Ecosystem: recipes.EcosystemURL, Path: plain, Signed: signed}, raw
}

// virtual is the base that a virtual URL is below.
func (l bases) virtual(raw string) (b base, rest string, ok bool) {
	u, err := url.Parse(raw)
	if err != nil || !strings.HasSuffix(u.Hostname(), virtualDomain) {
		return base{}, "", false
	}
	rest = strings.TrimPrefix(u.EscapedPath(), "/")
	if u.RawQuery != "" {
		rest += "?" + u.RawQuery
	}
	for _, b := range l {
		if u.Hostname() == virtualHost(b.ecosystem, b.index) {
			return b, rest, true
		}
	}
	return base{}, "", false
}

// unsigned drops the query of a URL that is signed for a time: it is a secret,
// and another one each time. Those of the large object stores and of CDNs are
// known.
func unsigned(raw string) (string, bool) {
	u, err := url.Parse(raw)
	if err != nil {
		return raw, false
	}
	for name := range u.Query() {
		switch strings.ToLower(name) {
		case "x-amz-signature", "x-goog-signature", "signature", "sig", "token", "access_token", "hmac", "verify":
			u.RawQuery = ""
			return u.String(), true
		}
	}
	return raw, false
}

// sumdb reports whether a file belongs to a checksum database of Go modules,
// whose answers change as it grows. The go command verifies them, and nothing
// of them is left in the result.
func sumdb(f recipes.FetchedFile, databases []string) bool {
	if f.Ecosystem == "go" {
		return strings.HasPrefix(f.Path, "sumdb/")
	}
	for _, db := range databases {
		if strings.HasPrefix(f.Path, db+"/") {
			return true
		}
	}
	return false
}

// checksumDatabases are the URLs of the database that GOSUMDB names
// (https://go.dev/ref/mod#environment-variables): "NAME[+KEY] [URL]".
func checksumDatabases(gosumdb string) []string {
	fields := strings.Fields(gosumdb)
	if len(fields) == 0 {
		fields = []string{"sum.golang.org"}
	}
	if len(fields) > 1 {
		return []string{strings.TrimRight(fields[1], "/")}
	}
	name, _, _ := strings.Cut(fields[0], "+")
	list := []string{"https://" + name}
	if name == "sum.golang.google.cn" {
		list = append(list, "https://sum.golang.org")
	}
	return list
}

// incidental reports whether the bytes of a file are of no importance: what a
// Go proxy says of a version besides its content differs between proxies, and
// the lists of versions of Python's and Maven's packages have later ones each
// day.
func incidental(f recipes.FetchedFile) bool {
	switch f.Ecosystem {
	case "go":
		return strings.HasSuffix(f.Path, ".info")
	case "pypi":
		return strings.HasSuffix(f.Path, "/")
	case "maven":
		return strings.HasPrefix(path.Base(f.Path), "maven-metadata")
	}
	return false
}
