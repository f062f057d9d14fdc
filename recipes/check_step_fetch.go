package recipes

import (
	"path"

	"github.com/moby/patternmatcher"
)

func checkFetchStep(c *checker, at string, f *FetchStep) {
	checkCommand(c, at, f.Command, f.Script)
	checkDir(c, at+".dir", f.Dir)
	checkBuildEnv(c, at+".env", f.Env)
	if f.Into != "" && (!isBelow(f.Into) || path.Clean(f.Into) != f.Into || f.Into == ".") {
		c.bad(at+".into", "it is a folder below the source tree, such as `deps`", "%s %q is not a relative, clean path", at+".into", clip(f.Into))
	}
	for i, p := range f.Files {
		if _, err := patternmatcher.New([]string{p}); err != nil || p == "" || p[0] == '!' {
			c.bad(index(at+".files", i), "patterns are as in .dockerignore, without !", "%q is not a pattern", clip(p))
		}
	}
}
