package sbom

import "strings"

// declared reads the expression that a recipe states (SPDX 2.3, annex D) and
// writes its identifiers as the license list does. It returns false for what
// is no expression of listed licenses.
func (l *licenses) declared(expression string) (string, bool) {
	if expression == "" {
		return noAssertion, true
	}
	words := strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(expression))
	depth, operand := 0, false // operand: the last word ended one
	for i, w := range words {
		switch upper := strings.ToUpper(w); {
		case upper == "(" && !operand:
			depth++
		case upper == ")" && operand && depth > 0:
			depth--
		case (upper == "AND" || upper == "OR" || upper == "WITH") && operand:
			words[i], operand = upper, false
		case !operand && i > 0 && words[i-1] == "WITH" && idString(w) == w:
			operand = true
		case !operand && l.withPlus(w) != "":
			words[i], operand = l.withPlus(w), true
		default:
			return noAssertion, false
		}
	}
	if depth != 0 || !operand {
		return noAssertion, false
	}
	return strings.NewReplacer("( ", "(", " )", ")").Replace(strings.Join(words, " ")), true
}

// withPlus is the listed identifier id, with its "or later" sign if it has
// one; empty where it is not listed.
func (l *licenses) withPlus(id string) string {
	bare, plus := strings.CutSuffix(id, "+")
	listed := l.canonical[strings.ToLower(bare)]
	if listed != "" && plus {
		return listed + "+"
	}
	return listed
}
