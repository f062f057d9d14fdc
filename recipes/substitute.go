package recipes

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

var reference = regexp.MustCompile(`\$\{[^{}]*\}`)

// substitution is what ${version} and ${vars.NAME} stand for.
type substitution struct {
	version string
	vars    map[string]string
	// grown counts the bytes put in, so that a small file stays a small recipe.
	grown int
}

// readSubstitution takes version and vars out of the recipe's root before it
// is decoded, since they may stand below what uses them. Mistakes in them are
// left to the decoder.
func readSubstitution(root *yaml.Node) *substitution {
	s := &substitution{vars: map[string]string{}}
	each(root, func(key string, value *yaml.Node) {
		if key == "version" {
			s.version = value.Value
		}
	})
	each(root, func(key string, value *yaml.Node) {
		if key == "vars" {
			each(value, func(name string, v *yaml.Node) {
				s.vars[name] = strings.ReplaceAll(v.Value, "${version}", s.version)
			})
		}
	})
	return s
}

func each(n *yaml.Node, f func(key string, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		f(n.Content[i].Value, n.Content[i+1])
	}
}

// expand replaces the references in text. In shell text what kiln does not
// know is left alone: sh or make may.
func (s *substitution) expand(text string, shell bool) (string, []slip) {
	var slips []slip
	out := reference.ReplaceAllStringFunc(text, func(ref string) string {
		inner := ref[2 : len(ref)-1]
		name, isVar := strings.CutPrefix(inner, "vars.")
		value, known := s.vars[name]
		if inner == "version" {
			value, known, isVar = s.version, true, true
		}
		switch {
		case isVar && known && s.grown+len(value) <= maxBytes:
			s.grown += len(value)
			return value
		case isVar && known:
			slips = append(slips, slip{fmt.Sprintf("substitutions add more than %d bytes", maxBytes), ""})
		case isVar:
			slips = append(slips, s.unknown(ref, name))
		case !shell:
			slips = append(slips, slip{
				fmt.Sprintf("unknown substitution %s", clip(ref)),
				"there are only ${version} and ${vars.NAME}",
			})
		}
		return ref
	})
	return out, slips
}

func (s *substitution) unknown(ref, name string) slip {
	names := slices.Sorted(maps.Keys(s.vars))
	h := "`vars` is empty"
	if len(names) > 0 {
		h = hint(name, "vars", names)
	}
	return slip{fmt.Sprintf("unknown variable %s", clip(ref)), h}
}

// checkDefinitions refuses references in version, and in vars all but
// ${version}: each is one step away from what it stands for.
func checkDefinitions(d *decoder, root *yaml.Node) {
	each(root, func(key string, value *yaml.Node) {
		if key == "version" && reference.MatchString(value.Value) {
			d.mistake(key, value, "write it out", "version must not use substitutions")
		}
		if key == "vars" {
			each(value, func(name string, v *yaml.Node) { checkVar(d, name, v) })
		}
	})
}

func checkVar(d *decoder, name string, v *yaml.Node) {
	for _, ref := range reference.FindAllString(v.Value, -1) {
		if ref != "${version}" {
			d.mistake("vars."+name, v, "in vars only ${version} is substituted", "vars.%s must not use %s", name, clip(ref))
		}
	}
}
