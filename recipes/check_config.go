package recipes

import (
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

var (
	// registryHost is host[:port], and mirrorForm the same with a path.
	registryHost = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]{1,5})?$`)
	mirrorForm   = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[a-z0-9._-]+)*$`)
	helperForm   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
)

func checkConfig(c *checker, cfg *Config) {
	if cfg.Kiln != "" && cfg.Kiln != FormatVersion {
		c.bad("kiln", "this kiln reads `kiln: "+FormatVersion+"`", "unknown format %q", clip(cfg.Kiln))
	}
	n := &cfg.Network
	for i, u := range n.Mirrors.Debian {
		c.networkURL(index("network.mirrors.debian", i), u)
	}
	for i, u := range n.Mirrors.Security {
		c.networkURL(index("network.mirrors.debian-security", i), u)
	}
	c.networkURL("network.npm", n.Npm)
	c.networkURL("network.pypi", n.Pypi)
	c.networkURL("network.cargo", n.Cargo)
	c.networkURL("network.maven", n.Maven)
	c.networkURL("network.proxy.http", n.Proxy.HTTP)
	c.networkURL("network.proxy.https", n.Proxy.HTTPS)
	checkGoProxies(c, n.Go)
	for i, host := range n.Proxy.No {
		if _, _, err := net.ParseCIDR(host); err != nil && !mirrorForm.MatchString(strings.TrimPrefix(host, "*")) {
			c.bad(index("network.proxy.no", i), "write a host, .domain, address or network", "%q is no host", withoutUser(host))
		}
	}
	for _, host := range slices.Sorted(maps.Keys(n.Registries)) {
		checkRegistry(c, host, n.Registries[host])
	}
	checkCatalog(c, cfg.Catalog)
	checkPolicy(c, cfg.Policy)
}

// networkURL refuses what is no URL, and what would put a password into a file
// that is committed.
func (c *checker) networkURL(at, value string) {
	u, err := url.Parse(value)
	switch {
	case value == "":
	case err != nil: // which quotes it
		c.bad(at, "write it as https://host/path", "%s is not a URL", at)
	case u.User != nil:
		c.bad(at, "keep credentials out of "+ConfigFile+": in a credential helper, or in the environment variable for this URL",
			"%s holds a user name or password", at)
	case (u.Scheme != "https" && u.Scheme != "http") || u.Host == "":
		c.bad(at, "write it as https://host/path", "%s %q is not an http or https URL", at, withoutUser(value))
	case u.RawQuery != "" || u.Fragment != "": // which may be a token
		c.bad(at, "end it with the path", "%s has a query or fragment", at)
	}
}

// withoutUser is [clip] for what should be a host, and may have a password
// before it without being a URL.
func withoutUser(s string) string {
	if i := strings.LastIndex(s, "@"); i >= 0 {
		s = "…" + s[i:]
	}
	return clip(s)
}

// checkGoProxies reads GOPROXY's list (https://go.dev/ref/mod#goproxy-protocol).
func checkGoProxies(c *checker, list string) {
	for _, p := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == '|' }) {
		if p != "direct" && p != "off" {
			c.networkURL("network.go", p)
		}
	}
}

func checkRegistry(c *checker, host string, r RegistryConfig) {
	at := join("network.registries", host)
	if !registryHost.MatchString(host) {
		c.bad(at, "write it as in an image's name: registry.corp:5000, docker.io", "%q is no registry", withoutUser(host))
	}
	for i, m := range r.Mirrors {
		if !mirrorForm.MatchString(m) {
			c.bad(index(at+".mirrors", i), "write host[:port][/path], without https://", "mirror %q is no registry", withoutUser(m))
		}
	}
	if r.CredentialHelper != "" && !helperForm.MatchString(r.CredentialHelper) {
		c.bad(at+".credential-helper", "docker-credential-ecr-login is written ecr-login",
			"%q cannot be the name of a credential helper", clip(r.CredentialHelper))
	}
}
