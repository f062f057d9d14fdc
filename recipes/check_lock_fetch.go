package recipes

import (
	"net/url"
	"path"
	"strings"
)

func checkLockedFetch(c *checker, at string, f LockedFetch) {
	if f.Step < 0 {
		c.bad(at+".step", "", "%s.step %d is below 0", at, f.Step)
	}
	c.want(at+".key", f.Key, sha256Form, "a digest of 64 hex digits")
	c.want(at+".result", f.Result, sha256Form, "a sha256 as 64 hex digits")
	seen := map[string]bool{}
	for i, file := range f.Files {
		at := index(at+".files", i)
		checkFetchedFile(c, at, file)
		c.once(at+".path", file.Ecosystem+" "+file.Path, seen)
	}
}

func checkFetchedFile(c *checker, at string, f FetchedFile) {
	c.oneOf(at+".ecosystem", f.Ecosystem, Ecosystems())
	c.want(at+".sha256", f.SHA256, sha256Form, "a sha256 as 64 hex digits")
	if f.Absent && f.SHA256 != "" {
		c.bad(at+".absent", "", "%s is absent and has a sha256", at)
	}
	switch {
	case f.Path == "":
	case f.Ecosystem == EcosystemURL:
		if err := checkURL(f.Path, "http", "https"); err != nil {
			c.bad(at+".path", "", "%s.path %q %v", at, clip(f.Path), err)
		}
		if f.SHA256 == "" {
			c.bad(at, "", "%s is a URL without a sha256", at)
		}
	case !isBelowBase(f.Path):
		c.bad(at+".path", "", "%s.path %q is not a path below the base of its ecosystem", at, clip(f.Path))
	}
}

// isBelowBase reports whether p, the rest of a URL, leads nowhere out of the
// URL it is put behind, however a server decodes it.
func isBelowBase(p string) bool {
	file, _, _ := strings.Cut(p, "?")
	plain, err := url.PathUnescape(file)
	return err == nil && isBelow(plain) && path.Clean(plain) == strings.TrimSuffix(plain, "/") && plain != "." &&
		!strings.ContainsAny(p, "# ")
}
