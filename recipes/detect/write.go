package detect

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// Recipe is the draft as the text of a recipe.
func (d *Draft) Recipe() []byte {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("kiln: v1")
	line("name: %s", scalar(d.name))
	line("version: %s", scalar(d.version))
	line("summary: %s", scalar(d.summary))
	line("license: %s", scalar(d.license))
	if d.homepage != "" {
		line("homepage: %s", scalar(d.homepage))
	}
	line("sources:\n  - local: {path: ., ignore: [recipe.yaml, recipe.lock, \"*.oci\"]}")
	line("build:")
	if len(d.toolchain) > 0 {
		line("  toolchain: %s", list(d.toolchain))
	}
	if len(d.packages) > 0 {
		line("  packages: %s", list(d.packages))
	}
	line("  steps:")
	for _, s := range d.steps {
		line("    - %s", s)
	}
	line("image:\n  base: %s", d.base)
	line("  entrypoint: %s", list(d.entrypoint))
	return []byte(b.String())
}

// scalar is a text as YAML has it within a flow or block. YAML has no bytes
// that are not UTF-8, as names of files may hold; they are replaced.
func scalar(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	n := yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if strings.ContainsAny(s, ",[]{}") || strings.Contains(s, "${") {
		n.Style = yaml.DoubleQuotedStyle
	}
	out, err := yaml.Marshal(&n)
	if err != nil {
		panic("detect: a text that is none: " + err.Error())
	}
	return strings.TrimSuffix(string(out), "\n")
}

func list(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = scalar(w)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
