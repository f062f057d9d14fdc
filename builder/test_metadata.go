package builder

import (
	"fmt"
	"net/textproto"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/recipes"
)

// metadata compares the image's configuration.
func (t *tester) metadata(m *recipes.MetadataTest) *finding {
	c := t.config
	env := map[string]string{}
	for _, kv := range c.Env {
		k, v, _ := strings.Cut(kv, "=")
		env[k] = v
	}
	for _, f := range []*finding{
		sameText("user", m.User, c.User),
		sameList("entrypoint", m.Entrypoint, c.Entrypoint),
		sameList("arguments", m.Args, c.Cmd),
		sameText("workdir", m.Workdir, c.WorkingDir),
		sameText("stop signal", m.StopSignal, c.StopSignal),
		hasAll("variable", m.Env, env),
		hasAll("label", m.Labels, c.Labels),
		hasKeys("port", fullPorts(m.Ports), fullPorts(m.NotPorts), c.ExposedPorts),
		hasKeys("volume", m.Volumes, m.NotVolumes, c.Volumes),
	} {
		if f != nil {
			return f
		}
	}
	return nil
}

func sameText(what, want, got string) *finding {
	if want == "" || want == got {
		return nil
	}
	return &finding{want: fmt.Sprintf("%s %q", what, want), got: fmt.Sprintf("%q", got)}
}

func sameList(what string, want, got []string) *finding {
	if want == nil || slices.Equal(want, got) {
		return nil
	}
	return &finding{want: fmt.Sprintf("%s %q", what, want), got: fmt.Sprintf("%q", got)}
}

// hasAll wants the names, with values as they are or between slashes as
// regular expressions.
func hasAll(what string, want, got map[string]string) *finding {
	for _, kv := range sorted(want) {
		value, ok := got[kv[0]]
		switch {
		case !ok:
			return &finding{want: what + " " + kv[0], got: "none"}
		case value != kv[1] && (!recipes.IsExpression(kv[1]) || !recipes.Matches(kv[1], []byte(value))):
			return &finding{want: fmt.Sprintf("%s %s=%q", what, kv[0], kv[1]), got: fmt.Sprintf("%q", value)}
		}
	}
	return nil
}

func hasKeys(what string, want, avoid []string, got map[string]struct{}) *finding {
	for _, w := range want {
		if _, ok := got[w]; !ok {
			return &finding{want: what + " " + w, got: "none such"}
		}
	}
	for _, a := range avoid {
		if _, ok := got[a]; ok {
			return &finding{want: "no " + what + " " + a, got: "it"}
		}
	}
	return nil
}

// fullPorts are ports with their protocol, as in the configuration.
func fullPorts(list []string) []string {
	var full []string
	for _, p := range list {
		if !strings.Contains(p, "/") {
			p += "/tcp"
		}
		full = append(full, p)
	}
	return full
}

// values are those of a header, whatever the case of its name.
func values(headers map[string][]string, name string) []string {
	return headers[textproto.CanonicalMIMEHeaderKey(name)]
}
