package builder

import (
	_ "embed"
	"maps"
	"path"

	"github.com/moby/buildkit/client/llb"

	"github.com/kiln-build/kiln/recipes"
)

// npmDir is npm's cache, which has packages by their integrity.
const npmDir = "/npm"

//go:embed scripts/npm-lock.js
var npmLock string

//go:embed scripts/npm-cache.js
var npmTidy string

//go:embed scripts/npm-finish.js
var npmFinish string

// npm runs after a look at the lock. What comes after -- in npmPackScript goes
// to the program that finishes the folder.
const (
	npmFetchScript = `node -e "$1" "$2" >/tmp/tarballs; xargs -r -d '\n' npm cache add </tmp/tarballs; node -e "$3"`
	npmScript      = `node -e "$1"; shift; exec npm "$@"`
	npmPackScript  = `program=$1 home=$2 out=$2; shift 2
out=$DESTDIR$home
mkdir -p "$out" /tmp/pack
npm pack --silent --ignore-scripts --pack-destination /tmp/pack
tar -xzf /tmp/pack/*.tgz -C "$out" --strip-components=1 --no-same-owner
rm -rf "$out/node_modules"
test ! -d node_modules || cp -a node_modules "$out/"
exec node -e "$program" "$home" "$DESTDIR" "$@"`
)

func (p *Plan) npmStep(s recipes.Step) {
	n := s.Npm
	cache := llb.AddMount(npmDir, p.npmCache(s), llb.ForceNoOutput)
	env := map[string]string{}
	for _, kv := range npmVariables() {
		env[kv[0]] = kv[1]
	}
	env["npm_config_offline"] = "true"
	maps.Copy(env, n.Env)
	npm := func(args ...string) {
		p.run(s, n.Dir, env, append(shell(npmScript, "npm", npmLock), args...), "npm "+args[0], cache)
	}
	rebuild := func() {
		if len(n.Scripts) > 0 {
			npm(append([]string{"rebuild", "--ignore-scripts=false", "--foreground-scripts", "--"}, n.Scripts...)...)
		}
	}
	if n.Build != "" {
		npm("ci")
		rebuild()
		npm("run", "--ignore-scripts=false", n.Build)
	}
	npm("ci", "--omit=dev")
	rebuild()
	args := shell(npmPackScript, "npm", npmFinish, n.Output)
	p.run(s, n.Dir, env, append(args, n.Bins...), "lay out "+n.Output, cache)
}

// npmVariables are npm's settings: nothing but what it is asked to do.
func npmVariables() [][2]string {
	return [][2]string{
		{"npm_config_cache", npmDir}, {"npm_config_ignore_scripts", "true"}, {"npm_config_audit", "false"},
		{"npm_config_fund", "false"}, {"npm_config_update_notifier", "false"}, {"npm_config_logs_max", "0"},
		{"npm_config_nodedir", "/usr/include/nodejs"},
	}
}

// npmCache fetches what the lock names: with the development dependencies
// where a script needs them.
func (p *Plan) npmCache(s recipes.Step) llb.State {
	packages := "all"
	if s.Npm.Build == "" {
		packages = "production"
	}
	return p.fetch(s, fetch{
		title: "fetch npm packages", dir: s.Npm.Dir, out: npmDir,
		files: []string{
			path.Join(s.Npm.Dir, "package.json"), path.Join(s.Npm.Dir, "package-lock.json"), path.Join(s.Npm.Dir, "npm-shrinkwrap.json"),
		},
		args: shell(npmFetchScript, "npm", npmLock, packages, npmTidy),
		env:  append(npmVariables(), ecosystemEnv()...),
	})
}
