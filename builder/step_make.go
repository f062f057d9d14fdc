package builder

import (
	"path"
	"strings"

	"github.com/kiln-build/kiln/recipes"
)

func (p *Plan) makeStep(s recipes.Step) {
	m := s.Make
	var vars []string
	for _, kv := range sorted(m.Vars) {
		vars = append(vars, kv[0]+"="+kv[1])
	}
	p.make(s, m.Dir, m.Env, append(vars, m.Targets...))
	p.install(s, m.Dir, m.Env, vars, m.Install)
}

func (p *Plan) make(s recipes.Step, dir string, env map[string]string, args []string) {
	script := append(shell(makeScript, "make"), args...)
	p.run(s, dir, env, script, strings.TrimSpace("make "+strings.Join(args, " ")))
}

// install runs make for the targets that install. Nil is [install].
func (p *Plan) install(s recipes.Step, dir string, env map[string]string, vars, targets []string) {
	if targets == nil {
		targets = []string{"install"}
	}
	if len(targets) > 0 {
		p.make(s, dir, env, append(append([]string{"DESTDIR=" + outDir}, vars...), targets...))
	}
}

func (p *Plan) autotoolsStep(s recipes.Step) {
	a := s.Autotools
	script := a.Script
	if script == "" {
		script = "configure"
	}
	args := append([]string{"./" + path.Clean(script)}, a.Configure...)
	p.run(s, a.Dir, a.Env, args, strings.Join(args, " "))
	p.make(s, a.Dir, a.Env, a.Targets)
	p.install(s, a.Dir, a.Env, nil, a.Install)
}
