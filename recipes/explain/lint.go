package explain

import "github.com/kiln-build/kiln/recipes/lint"

func lintRules() []string {
	var ids []string
	for _, r := range lint.Rules() {
		ids = append(ids, r.ID)
	}
	return ids
}

// lintRule explains a rule of kiln lint; others are further names of rules.
func lintRule(name string, others []string) (Topic, error) {
	r, ok := lint.Find(name)
	if !ok {
		return Topic{}, &UnknownError{"rule", name, append(others, lintRules()...)}
	}
	return Topic{
		Title: "rule " + name + " (kiln lint, " + string(r.Level) + ")",
		Text:  r.Text + " Fix: " + r.Fix + ".",
	}, nil
}
