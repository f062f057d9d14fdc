package recipes

func checkTest(c *checker, at string, t Test) {
	if len(t.Run) > 0 && t.Run[0] == "" {
		c.bad(at+".run[0]", "", "%s.run begins with an empty word", at)
	}
	if t.Exit < 0 || t.Exit > 255 {
		c.bad(at+".exit", "", "exit code %d is not from 0 to 255", t.Exit)
	}
	checkPattern(c, at+".stdout", t.Stdout)
	checkPattern(c, at+".stderr", t.Stderr)
	checkEnv(c, at+".env", t.Env)
}

func checkPattern(c *checker, at, s string) {
	if _, err := matcher(s); err != nil {
		c.bad(at, "between slashes it is a regular expression of Go's package regexp", "%s: %v", at, err)
	}
}
