package builder

import (
	"path"

	"github.com/moby/buildkit/client/llb"

	"github.com/kiln-build/kiln/recipes"
)

// Secrets of fetches: what they may need to reach the network on the machine
// of the engine. BuildKit keeps them out of cache keys, logs and results.
const (
	// CASecret is a PEM bundle of the authorities to trust.
	CASecret = "kiln-ca"
	caFile   = "/run/kiln/ca.pem"
)

// fetch is the phase of a step that may use the network. It sees those files
// of the source tree alone that decide what is fetched, so that a change of
// code fetches nothing, and leaves what it fetched in one folder.
type fetch struct {
	title string
	dir   string // below the source tree, where the command runs
	out   string // the folder, in the build environment, that it fills
	files []string
	args  []string
	env   [][2]string
	// secrets are names of settings that it takes from where kiln runs, as
	// environment variables of the same name; none needs to be there.
	secrets []string
}

// fetch is what a fetch leaves in its folder out.
func (p *Plan) fetch(s recipes.Step, f fetch) llb.State {
	files := llb.Scratch().File(llb.Copy(p.src, "/", "/", &llb.CopyInfo{
		CopyDirContentsOnly: true, IncludePatterns: f.files,
	}), p.platform, p.name(s.Pos, "read what to fetch"))
	opts := []llb.RunOption{
		llb.Args(f.args), llb.Dir(path.Join(srcDir, f.dir)),
		llb.AddMount("/tmp", llb.Scratch(), llb.Tmpfs()), llb.AddMount(srcDir, files, llb.ForceNoOutput), llb.ReadonlyRootFS(),
		llb.AddEnv("SSL_CERT_FILE", caFile), llb.AddSecret(caFile, llb.SecretID(CASecret), llb.SecretOptional),
		p.platform, p.at(s.Pos), p.name(s.Pos, f.title),
	}
	for _, kv := range f.env {
		opts = append(opts, llb.AddEnv(kv[0], kv[1]))
	}
	for _, name := range f.secrets {
		opts = append(opts, llb.AddSecret(name, llb.SecretID(name), llb.SecretAsEnv(true), llb.SecretOptional))
	}
	return p.env.Run(opts...).AddMount(f.out, llb.Scratch())
}
