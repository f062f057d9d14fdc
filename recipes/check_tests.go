package recipes

import (
	"time"
)

func checkTest(c *checker, at string, t Test, m *Image) {
	c.oneKind(at, "test", t.kindSets())
	checkTestFields(c, at, t)
	if t.Run != nil {
		checkRunTest(c, at, t)
	}
	for kind, empty := range map[string]bool{
		KindHTTP: t.HTTP != nil && len(t.HTTP) == 0, KindTCP: t.TCP != nil && len(t.TCP) == 0, KindFiles: t.Files != nil && len(t.Files) == 0,
	} {
		if empty {
			c.bad(at+"."+kind, "", "%s.%s is empty", at, kind)
		}
	}
	for i, h := range t.HTTP {
		checkHTTPTest(c, index(at+".http", i), h, m)
	}
	for i, x := range t.TCP {
		checkTestPort(c, index(at+".tcp", i), x.Port, m)
		checkPatterns(c, index(at+".tcp", i)+".expect", x.Expect)
	}
	for i, f := range t.Files {
		checkFileTest(c, index(at+".files", i), f)
	}
	if t.Metadata != nil {
		checkMetadataTest(c, at+".metadata", t.Metadata)
	}
	if !isBelow(t.StructureTest) {
		c.bad(at+".structure-test", "it is relative, without ..", "%s.structure-test %q leads out of the recipe's folder", at, clip(t.StructureTest))
	}
}

// checkTestFields refuses fields that are for another kind of test.
func checkTestFields(c *checker, at string, t Test) {
	service := t.HTTP != nil || t.TCP != nil
	for _, f := range []struct {
		name  string
		set   bool
		fits  bool
		whose string
	}{
		{"exit", t.Exit != 0, t.Run != nil, KindRun},
		{"stdout", t.Stdout != nil, t.Run != nil, KindRun},
		{"stderr", t.Stderr != nil, t.Run != nil, KindRun},
		{"start", t.Start != nil, service, "http and tcp"},
		{"ready", t.Ready != "", service, "http and tcp"},
		{"env", t.Env != nil, t.Run != nil || service, "run, http and tcp"},
		{"timeout", t.Timeout != "", t.Run != nil || service, "run, http and tcp"},
	} {
		if f.set && !f.fits && len(t.kinds()) == 1 {
			c.bad(at+"."+f.name, "leave it out", "%s.%s is for %s, not for %s", at, f.name, f.whose, t.Kind())
		}
	}
	if t.Start != nil && (len(t.Start) == 0 || t.Start[0] == "") {
		c.bad(at+".start", "leave it out to start the image's entrypoint", "%s.start begins with no program", at)
	}
	checkDuration(c, at+".ready", t.Ready)
	checkDuration(c, at+".timeout", t.Timeout)
	checkEnv(c, at+".env", t.Env)
}

func checkDuration(c *checker, at, s string) {
	if s == "" {
		return
	}
	const most = time.Hour
	if d, err := time.ParseDuration(s); err != nil || d <= 0 || d > most {
		c.bad(at, "write it as 30s or 2m", "%s %q is not a time up to an hour", at, clip(s))
	}
}

func checkRunTest(c *checker, at string, t Test) {
	switch {
	case len(t.Run) == 0:
		c.bad(at+".run", "", "%s.run is empty", at)
	case t.Run[0] == "":
		c.bad(at+".run[0]", "", "%s.run begins with an empty word", at)
	}
	if t.Exit < 0 || t.Exit > 255 {
		c.bad(at+".exit", "", "exit code %d is not from 0 to 255", t.Exit)
	}
	checkPatterns(c, at+".stdout", t.Stdout)
	checkPatterns(c, at+".stderr", t.Stderr)
}

func checkPatterns(c *checker, at string, list []string) {
	for i, s := range list {
		if _, err := matcher(s); err != nil {
			where := at
			if len(list) > 1 {
				where = index(at, i)
			}
			c.bad(where, "between slashes it is a regular expression of Go's package regexp", "%s: %v", where, err)
		}
	}
}
