package lint

import (
	"regexp"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/recipes"
)

var ignoring = regexp.MustCompile(`(^|\s)#\s*kiln-lint:\s*ignore=([a-z-]+(?:,[a-z-]+)*)(.*)$`)

// ignore drops the findings that a comment in the recipe excuses, and adds
// one for each comment without a reason.
func (c *checker) ignore(raw []byte) {
	for i, line := range strings.Split(string(raw), "\n") {
		m := ignoring.FindStringSubmatchIndex(line)
		if m == nil {
			continue
		}
		rules := strings.Split(line[m[4]:m[5]], ",")
		at := recipes.Pos{Line: i + 1, Col: len([]rune(line[:m[3]])) + 1}
		if strings.TrimSpace(line[m[6]:m[7]]) == "" {
			c.add(RuleIgnoreReason, at, "nothing says why "+strings.Join(rules, ", ")+" is ignored")
			continue
		}
		excused := at.Line
		if strings.TrimSpace(line[:m[3]]) == "" {
			excused++ // it stands alone, before what it is about
		}
		c.found = slices.DeleteFunc(c.found, func(f Finding) bool {
			return f.Pos.Line == excused && slices.Contains(rules, f.Rule)
		})
	}
}
