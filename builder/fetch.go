package builder

import (
	"fmt"
	"path"

	"github.com/moby/buildkit/client/llb"

	"github.com/kiln-build/kiln/recipes"
)

// fetch is the phase of a step that may use the network. It sees those files
// of the source tree alone that decide what is fetched, so that a change of
// code fetches nothing, and leaves what it fetched in one folder.
//
// It runs before the plan it belongs to, and for itself: see [Fetch].
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

// Fetch is a fetch of a plan that is still to be carried out.
type Fetch struct {
	// Step is the index of its step, and Index its own among the plan's
	// fetches.
	Step, Index int

	plan  *Plan
	step  recipes.Step
	spec  fetch
	sees  llb.State // the files that it sees
	first bool      // whether no step has changed the source tree yet
	// run is what it leaves in its folder, in the solve that is named.
	run func(ref string) llb.State
}

// NextFetch is the first fetch of the recipe's build that in.Fetched has no
// result for, or nil. It may depend on the results of those before.
func NextFetch(r *recipes.Recipe, l *recipes.Lock, platform string, in Inputs) (*Fetch, error) {
	p, err := plan(r, l, platform, in)
	if err != nil {
		return nil, err
	}
	return p.pending, nil
}

// fetch is what a fetch leaves in its folder out. The plan does not run it,
// but takes the result of one that was run and compared with the lock; where
// there is none, the plan ends here, with the fetch as what it waits for.
func (p *Plan) fetch(s recipes.Step, f fetch) llb.State {
	n := p.fetches
	p.fetches++
	if n < len(p.in.Fetched) {
		return input(p.in.Fetched[n], p.platform, p.name(s.Pos, f.title))
	}
	if p.pending == nil {
		p.pending = p.newFetch(s, f, n)
	}
	return llb.Scratch()
}

func (p *Plan) newFetch(s recipes.Step, f fetch, n int) *Fetch {
	sees := llb.Scratch().File(llb.Copy(p.src, "/", "/", &llb.CopyInfo{
		CopyDirContentsOnly: true, IncludePatterns: f.files,
	}), p.platform, p.name(s.Pos, "read what to fetch"))
	return &Fetch{
		Step: p.index, Index: n, plan: p, step: s, spec: f,
		sees: sees, first: p.laid != nil && p.src.Output() == p.laid && p.in.Files != nil,
		run: func(ref string) llb.State { return p.runFetch(s, f, sees, ref) },
	}
}

// The engine records what a command asks for through a proxy, which is what
// alone the command reaches. For TLS the proxy has an authority of its own,
// which it adds to this file where it is there.
const (
	fetchCAs = "/etc/ssl/certs/ca-certificates.crt"
	exitFile = ".kiln-exit"
)

// fetchScript leaves the exit code of the command in the folder $1, for the
// engine gives no account of the requests of a step that failed.
const fetchScript = `out=$1; shift; "$@"; echo $? >"$out/` + exitFile + `"`

// runFetch runs the command, in the one kind of step that has the network, and
// for one solve alone: an engine that has the same step of another solve at hand
// lets both share it, and asks either of them about each request.
func (p *Plan) runFetch(s recipes.Step, f fetch, sees llb.State, ref string) llb.State {
	env := p.env.File(llb.Mkdir(path.Dir(fetchCAs), 0o755, llb.WithParents(true)).
		Mkfile(fetchCAs, 0o644, []byte("# That of the engine's proxy.\n")), p.platform, llb.WithCustomName("prepare for fetching"))
	opts := []llb.RunOption{
		llb.Args(append([]string{"/bin/sh", "-c", fetchScript, "kiln", f.out}, f.args...)), llb.Dir(path.Join(srcDir, f.dir)),
		llb.AddMount("/tmp", llb.Scratch(), llb.Tmpfs()), llb.AddMount(srcDir, sees, llb.ForceNoOutput),
		llb.IgnoreCache, p.platform, p.at(s.Pos), p.name(s.Pos, f.title),
	}
	for _, name := range []string{
		"SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "CARGO_HTTP_CAINFO",
		"NODE_EXTRA_CA_CERTS", "PIP_CERT", "REQUESTS_CA_BUNDLE",
	} {
		opts = append(opts, llb.AddEnv(name, fetchCAs))
	}
	for _, kv := range f.env {
		opts = append(opts, llb.AddEnv(kv[0], kv[1]))
	}
	// A secret that nobody has, which the command does not see.
	opts = append(opts, llb.AddSecret("KILN_SOLVE", llb.SecretID("kiln-solve-"+ref), llb.SecretAsEnv(true), llb.SecretOptional))
	for _, name := range f.secrets {
		opts = append(opts, llb.AddSecret(name, llb.SecretID(name), llb.SecretAsEnv(true), llb.SecretOptional))
	}
	return env.Run(opts...).AddMount(f.out, llb.Scratch())
}

// locked is what the lock says of the fetch.
func (f *Fetch) locked() (recipes.LockedFetch, error) {
	if f.Index < len(f.plan.packages.Fetches) {
		if l := f.plan.packages.Fetches[f.Index]; l.Step == f.Step && l.Kind == f.step.Kind() {
			return l, nil
		}
	}
	at := fmt.Sprintf("build.steps[%d]", f.Step)
	return recipes.LockedFetch{}, &recipes.StaleError{File: f.plan.recipe.File, Changes: []recipes.Change{{
		Name: at, Asked: "what its " + f.step.Kind() + " step fetches", Pos: f.plan.recipe.Pos(at),
	}}}
}

// fail is an error about the fetch, with its place in the recipe. The signature
// of a URL is a secret as long as it is valid.
func (f *Fetch) fail(url, msg, hint string) *FetchError {
	url, _ = unsigned(url)
	return &FetchError{File: f.plan.recipe.File, Pos: f.step.Pos, Step: f.spec.title, URL: url, Msg: msg, hint: hint}
}

// FetchError says why what a step fetches is refused.
type FetchError struct {
	File string
	Pos  recipes.Pos
	// Step is the step's title, URL what it asked for, or empty.
	Step, URL string
	Msg       string
	// Log holds the last lines that the step printed.
	Log  []string
	hint string
}

func (e *FetchError) Error() string {
	msg := fmt.Sprintf("step %q: ", e.Step)
	if e.URL != "" {
		msg += e.URL + " "
	}
	return recipes.Problem{File: e.File, Pos: e.Pos, Msg: msg + e.Msg}.String()
}

// Hint is the way out.
func (e *FetchError) Hint() string { return e.hint }

// unfetched says that a plan lacks the result of a fetch.
func (p *Plan) unfetched() error {
	if p.pending == nil {
		return nil
	}
	return fmt.Errorf("planning step %d: nothing was fetched for it", p.pending.Step+1)
}
