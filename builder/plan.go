// Package builder compiles a recipe's service with BuildKit and says what came
// out. [NewPlan] turns recipe and lock into a graph without touching clock,
// network, environment or disk, so that it can be printed, compared and
// tested; [Engine.Compile] has an engine carry it out.
//
// What the image is made of besides the service is the business of
// builder/image, and where inputs come from that of builder/archive and
// builder/source. Start at [NewPlan].
package builder

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/recipes"
)

// Folders of the build environment.
const (
	srcDir   = "/src"
	outDir   = "/out" // $DESTDIR
	debsDir  = "/debs"
	modDir   = "/go/pkg/mod"
	cacheDir = "/cache"
	// cratesDir has the sources of crates, each in a folder NAME-VERSION.
	cratesDir = "/crates"
)

// storeID names the blobs that kiln serves to the engine.
const storeID = "kiln"

// packagesGroup is what progress shows the blobs of packages as.
const packagesGroup = "kiln-packages"

// Inputs are the images, in the store that kiln serves to the engine, which a
// plan starts from.
type Inputs struct {
	// Root is the root file system: the unpacked essential packages, or the
	// registry image that build.image names.
	Root v1.Hash
	// Env is the environment (NAME=value) that this registry image sets.
	Env []string
	// Sources has one layer for each source but git ones. Zero where there
	// are none.
	Sources v1.Hash
	// Git has the trees of git sources, by the source's index. Those that it
	// lacks the engine fetches itself.
	Git map[int]v1.Hash
	// Files are the files of Sources, where they are known: what a fetch
	// sees is then known without asking an engine.
	Files []recipes.File
	// Fetched has the result of each fetch, in the order of the steps.
	Fetched []v1.Hash
}

// Plan is the graph of a build for one platform.
type Plan struct {
	// Artifacts holds what the image takes, that is $DESTDIR.
	Artifacts llb.State
	// Lists holds dpkg's lists of the files of each package in the build
	// environment, as PACKAGE.list or PACKAGE:ARCH.list.
	Lists llb.State

	recipe   *recipes.Recipe
	lock     *recipes.Lock
	packages recipes.LockedPlatform
	target   Target
	platform llb.ConstraintsOpt // of the target's builder, which all steps run on
	text     *llb.SourceMap
	env      llb.State // the build environment before any step
	root     llb.State // and after the steps so far
	src, out llb.State

	in      Inputs
	laid    llb.Output // of src, as kiln laid it out; nil where the engine has to
	index   int        // of the step that is being planned
	fetches int        // so far
	pending *Fetch     // the first without a result

	programs []goProgram // of go steps, for an analysis of their source
}

// NewPlan makes the graph that builds r for the platform (os/arch). What its
// steps fetch is in in.Fetched; see [NextFetch].
func NewPlan(r *recipes.Recipe, l *recipes.Lock, platform string, in Inputs) (*Plan, error) {
	p, err := plan(r, l, platform, in)
	if err != nil {
		return nil, err
	}
	return p, p.unfetched()
}

// plan goes through the steps until one waits for a fetch.
func plan(r *recipes.Recipe, l *recipes.Lock, platform string, in Inputs) (*Plan, error) {
	locked, err := l.For(platform)
	if err != nil {
		return nil, err
	}
	target, err := newTarget(platform, locked.RunsOn())
	if err != nil {
		return nil, err
	}
	goos, arch, _ := strings.Cut(target.Builder, "/")
	p := &Plan{
		recipe: r, lock: l, packages: locked, target: target,
		platform: llb.Platform(ocispec(goos, arch)),
		text:     llb.NewSourceMap(nil, r.File, "yaml", r.Raw),
		in:       in,
	}
	p.environment()
	p.sources()
	p.out = llb.Scratch()
	for i, s := range r.Build.Steps {
		p.index = i
		if err := p.step(s); err != nil {
			return nil, fmt.Errorf("planning step %d: %w", i+1, err)
		}
		if p.pending != nil {
			return p, nil
		}
	}
	p.Artifacts = p.out
	p.Lists = llb.Scratch().File(
		llb.Copy(p.env, "/var/lib/dpkg/info/*.list", "/", &llb.CopyInfo{AllowWildcard: true, AllowEmptyWildcard: true}),
		p.platform, llb.WithCustomName("list packages"))
	return p, nil
}

func input(image v1.Hash, opts ...llb.OCILayoutOption) llb.State {
	return llb.OCILayout("kiln/input@"+image.String(), append(opts, llb.OCIStore("", storeID))...)
}

// environment installs the locked packages by dpkg, without network. Their
// files come as blobs of the store that kiln serves, by digest. A registry
// image is taken as it is.
func (p *Plan) environment() {
	p.env = input(p.in.Root, p.platform, llb.WithCustomName("build environment"))
	if p.recipe.Build.Image == "" {
		p.env = configured(p.in.Root, p.platform)
		if slices.ContainsFunc(p.packages.Build, func(pkg recipes.Package) bool { return !pkg.Essential }) {
			p.env = p.foreign(p.env).Run(p.packagesStep()...).Root()
		}
	}
	p.crossFiles()
	p.env = p.env.AddEnv("PATH", toolchainPath(p.recipe.Build.Toolchain)+systemPath)
	for _, kv := range p.in.Env {
		k, v, _ := strings.Cut(kv, "=")
		p.env = p.env.AddEnv(k, v)
	}
	for _, kv := range p.variables() {
		p.env = p.env.AddEnv(kv[0], kv[1])
	}
	p.root = p.env
}

// configured is the root after dpkg configured the essential packages: the
// same for many recipes.
func configured(root v1.Hash, platform llb.ConstraintsOpt) llb.State {
	opts := append(dpkg(platform, "configure the essential packages"), llb.Args(archive.ConfigureCommand()))
	return input(root, platform, llb.WithCustomName("build environment")).Run(opts...).Root()
}

// dpkg are the options of a step that runs dpkg.
func dpkg(platform llb.ConstraintsOpt, title string) []llb.RunOption {
	opts := []llb.RunOption{llb.Network(llb.NetModeNone), platform, llb.WithCustomName(title)}
	for _, kv := range archive.InstallEnv() {
		k, v, _ := strings.Cut(kv, "=")
		opts = append(opts, llb.AddEnv(k, v))
	}
	return opts
}

// packagesStep installs the locked packages that are not essential.
func (p *Plan) packagesStep() []llb.RunOption {
	var debs []string
	var mounts []llb.RunOption
	group := llb.ProgressGroup(packagesGroup, "take packages", false)
	for _, pkg := range p.packages.Build {
		if pkg.Essential {
			continue
		}
		name := p.debFile(pkg)
		blob := llb.OCILayoutBlob("kiln/deb@sha256:"+pkg.SHA256, llb.ImageBlobOCIStore("", storeID), llb.Filename(name),
			llb.WithCustomNamef("%s %s", pkg.Name, pkg.Version), group)
		mounts = append(mounts, llb.AddMount(path.Join(debsDir, name), blob, llb.SourcePath("/"+name), llb.Readonly))
		debs = append(debs, path.Join(debsDir, name))
	}
	opts := append(dpkg(p.platform, fmt.Sprintf("install %d packages", len(debs))),
		llb.AddMount(debsDir, llb.Scratch(), llb.Tmpfs()), llb.Args(archive.InstallCommand(debs...)))
	return append(opts, mounts...)
}

// debFile is what the file of a package is called in the build environment. Of
// a package of both architectures there are two.
func (p *Plan) debFile(pkg recipes.Package) string {
	if p.target.Cross() && pkg.Architecture == p.target.Arch() {
		return pkg.Name + "_" + pkg.Architecture + ".deb"
	}
	return pkg.Name + ".deb"
}

const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// variables are what every step finds in its environment.
func (p *Plan) variables() [][2]string {
	vars := [][2]string{
		{"HOME", "/tmp"}, {"LC_ALL", "C.UTF-8"}, {"TZ", "UTC"}, {"DESTDIR", outDir},
		{"SOURCE_DATE_EPOCH", strconv.FormatInt(p.lock.Epoch.Seconds, 10)},
	}
	vars = append(vars, hardening(p.target.Arch())...)
	vars = append(vars, p.targetEnv()...)
	vars = append(vars, toolchainEnv(p.recipe.Build.Toolchain, Architecture(p.target.Builder))...)
	vars = append(vars, p.crossEnv()...)
	return append(vars, sorted(p.recipe.Build.Env)...)
}

func sorted(m map[string]string) [][2]string {
	var kv [][2]string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		kv = append(kv, [2]string{k, m[k]})
	}
	return kv
}

// sources lays out /src: what kiln fetched as one image, git repositories by
// the engine.
func (p *Plan) sources() {
	p.src = llb.Scratch()
	if p.in.Sources != (v1.Hash{}) {
		p.src = input(p.in.Sources, p.platform, llb.WithCustomName("sources"))
		p.laid = p.src.Output()
	}
	for i, s := range p.recipe.Sources {
		if s.Git == nil {
			continue
		}
		commit := p.lock.Sources[i].Commit
		tree := llb.Git(s.Git.URL, "", llb.GitRef(commit), llb.GitChecksum(commit), p.at(s.Pos), p.name(s.Pos, "fetch "+s.String()))
		if image, ok := p.in.Git[i]; ok {
			tree = input(image, p.platform, p.name(s.Pos, s.String()))
		}
		p.src = p.src.File(llb.Copy(tree, "/", path.Join("/", s.Into), &llb.CopyInfo{CopyDirContentsOnly: true, CreateDestPath: true}),
			p.platform, p.name(s.Pos, "lay out "+s.String()))
	}
	if slices.ContainsFunc(p.recipe.Sources, func(s recipes.Source) bool { return s.Debian != nil && s.Debian.Patches }) {
		p.patch()
	}
}

// patch applies the patch series of Debian source packages
// (dpkg-source(1), "Format: 3.0 (quilt)").
func (p *Plan) patch() {
	for _, s := range p.recipe.Sources {
		if s.Debian == nil || !s.Debian.Patches {
			continue
		}
		st := p.env.Run(llb.Args(shell(patchScript)), llb.Dir(path.Join(srcDir, s.Into)),
			llb.ReadonlyRootFS(), llb.AddMount("/tmp", llb.Scratch(), llb.Tmpfs()),
			llb.Network(llb.NetModeNone), p.platform, p.at(s.Pos), p.name(s.Pos, "apply the patches of "+s.String()))
		p.src = st.AddMount(srcDir, p.src)
	}
}

// at ties an operation to a place in the recipe, for errors about it.
func (p *Plan) at(pos recipes.Pos) llb.ConstraintsOpt {
	return p.text.Location([]*pb.Range{{
		Start: &pb.Position{Line: int32(pos.Line), Character: int32(pos.Col)}, //nolint:gosec // lines of a file
		End:   &pb.Position{Line: int32(pos.Line), Character: int32(pos.Col)}, //nolint:gosec // lines of a file
	}})
}
