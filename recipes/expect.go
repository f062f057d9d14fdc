package recipes

import (
	"regexp"
	"strings"
)

// IsExpression reports whether what a test expects is a regular expression
// between slashes, and no plain text.
func IsExpression(s string) bool {
	return len(s) > 2 && strings.HasPrefix(s, "/") && strings.HasSuffix(s, "/")
}

// matcher is the regular expression that s is between slashes, and nil where
// it is plain text.
func matcher(s string) (*regexp.Regexp, error) {
	if !IsExpression(s) {
		return nil, nil
	}
	return regexp.Compile(s[1 : len(s)-1])
}

// Matches reports whether output is what a test expects by its Stdout or
// Stderr field: that the text occurs in it, or, between slashes, that the
// regular expression matches. Of a checked recipe every expectation is valid;
// one that is not matches nothing.
func Matches(expected string, output []byte) bool {
	re, err := matcher(expected)
	switch {
	case err != nil:
		return false
	case re != nil:
		return re.Match(output)
	}
	return strings.Contains(string(output), expected)
}
