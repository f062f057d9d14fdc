package recipes

import (
	"maps"
	"slices"
)

func checkFileTest(c *checker, at string, f FileTest) {
	if f.Path != "" && f.Path != "/" && !isAbsolute(f.Path) {
		c.bad(at+".path", "write it as in the image, such as /usr/bin/x", "%s.path %q is not an absolute, clean path", at, clip(f.Path))
	}
	if f.Type != "" && !slices.Contains(fileTypes(), f.Type) {
		c.bad(at+".type", hint(f.Type, "types", fileTypes()), "unknown type %q", clip(f.Type))
	}
	if f.Mode != "" && !modeForm.MatchString(f.Mode) {
		c.bad(at+".mode", "write it in octal, as 0755", "%s.mode %q is not a mode", at, clip(f.Mode))
	}
	if f.Owner != "" && !userForm.MatchString(f.Owner) {
		c.bad(at+".owner", "write the numbers, as 0:0", "%s.owner %q is not uid:gid", at, clip(f.Owner))
	}
	more := f.Type != "" || f.Mode != "" || f.Owner != "" || f.Target != "" || f.Content != nil
	if f.Absent && more {
		c.bad(at+".absent", "leave out one of them", "%s is absent, and has expectations", at)
	}
	if f.Target != "" && f.Type != "link" {
		c.bad(at+".target", "add `type: link`", "%s.target is for links", at)
	}
	if f.Content != nil && (f.Type == "link" || f.Type == "folder") {
		c.bad(at+".content", "leave it out", "%s.content is for files, not for a %s", at, f.Type)
	}
	checkPatterns(c, at+".content", f.Content)
}

func checkMetadataTest(c *checker, at string, m *MetadataTest) {
	checkEnv(c, at+".env", m.Env)
	for i, p := range m.Ports {
		if !portForm.MatchString(p) {
			c.bad(index(at+".ports", i), "write 8080, or 8080/udp", "port %q is not 1 to 65535 with tcp or udp", clip(p))
		}
	}
	for _, set := range []struct {
		name string
		m    map[string]string
	}{{".env.", m.Env}, {".labels.", m.Labels}} {
		for _, k := range slices.Sorted(maps.Keys(set.m)) {
			checkPatterns(c, at+set.name+k, []string{set.m[k]})
		}
	}
}

// fileTypes are what FileTest.Type may be.
func fileTypes() []string { return []string{"file", "folder", "link"} }
