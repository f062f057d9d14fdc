package builder

import (
	"path"

	"github.com/moby/buildkit/client/llb"

	"github.com/kiln-build/kiln/recipes"
)

// fetchStep lays what the recipe's own command fetches into the source tree.
// The tools of the package ecosystems find their mirrors in its environment.
func (p *Plan) fetchStep(s recipes.Step) {
	args, title := command(s.Fetch.Command, s.Fetch.Script)
	files := s.Fetch.Files
	if len(files) == 0 {
		files = []string{exitFile} // of no source: it sees nothing
	}
	result := p.fetch(s, fetch{
		title: title, dir: s.Fetch.Dir, out: path.Join(srcDir, s.Fetch.Into), files: files, args: args,
		env:     append(ecosystemEnv(), sorted(s.Fetch.Env)...),
		secrets: goSecrets(),
	})
	p.src = p.src.File(llb.Copy(result, "/", path.Join("/", s.Fetch.Into), &llb.CopyInfo{
		CopyDirContentsOnly: true, CreateDestPath: true,
	}), p.platform, p.name(s.Pos, "lay out what was fetched"))
}

// ecosystemEnv tells the tools of package ecosystems where their mirrors are.
func ecosystemEnv() [][2]string {
	return [][2]string{
		{"npm_config_registry", baseURL("npm") + "/"}, {"npm_config_replace_registry_host", "always"},
		{"npm_config_audit", "false"}, {"npm_config_fund", "false"}, {"npm_config_update_notifier", "false"},
		{"PIP_INDEX_URL", baseURL("pypi") + "/simple"}, {"PIP_TRUSTED_HOST", virtualHost("pypi", 0)}, {"PIP_DISABLE_PIP_VERSION_CHECK", "1"},
	}
}

// goSecrets are the settings of the go command that decide where modules come
// from.
func goSecrets() []string {
	return []string{"GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE"}
}
