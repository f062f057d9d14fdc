package lint

import (
	"fmt"

	"github.com/kiln-build/kiln/recipes"
)

// vex finds statements that hold no more. They stand in a file of their own,
// and no comment excuses them.
func (c *checker) vex() {
	if c.VEX == nil {
		return
	}
	r, _ := Find(RuleExpiredVEX)
	for _, s := range c.VEX.Expired(c.Today) {
		c.found = append(c.found, Finding{Rule: r.ID, Level: r.Level, Problem: recipes.Problem{
			File: c.VEX.File, Pos: s.Pos, Hint: r.Fix,
			Msg: fmt.Sprintf("the statement about %s expired on %s", s.Vulnerability, s.Expires),
		}})
	}
}
