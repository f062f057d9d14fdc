package explain

func lintRules() []string { return nil }

func lintRule(name string, others []string) (Topic, error) {
	return Topic{}, &UnknownError{"rule", name, others}
}
