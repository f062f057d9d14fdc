package builder

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/containerd/containerd/v2/core/content"
	contentlocal "github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/moby/buildkit/solver/errdefs"

	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/builder/failed"
	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/progress"
	"github.com/kiln-build/kiln/builder/spool"
	"github.com/kiln-build/kiln/recipes"
)

// Engine carries out plans.
type Engine struct {
	Client *client.Client
	// Store holds the blobs that plans name.
	Store *blobs.Store
	// Secrets are for fetches, by name. GOPROXY is one of them, since it may
	// hold credentials.
	Secrets map[string][]byte
	// Bases returns the URLs of the mirrors of package ecosystems besides Go's,
	// by the names of recipes.Ecosystems. It is called when something is
	// fetched. If nil, there are none.
	Bases func() (map[string][]string, error)
	// Display shows what goes on.
	Display *progress.Display
	// TestTimeout bounds how long one test of a recipe may run. If less than
	// or equal to 0, a default (currently 2 minutes) is used.
	TestTimeout time.Duration
	// Trace has tests note the system calls of what they run, except on an
	// emulator, whose calls are its own.
	Trace bool
	// Runner returns the program cmd/kiln-runner for an architecture; see
	// ReadRunner. Only tests of recipes need it.
	Runner func(arch string) ([]byte, error)
	// OnFailure, which may be nil, is called with a step that failed and what
	// it left, before the solve ends with its error. Progress is not shown
	// any more then. Its own error is the [StepError]'s Look.
	OnFailure func(ctx context.Context, step *StepError, left *failed.Left) error
	// CacheFrom are caches to take results of the plan's steps from, besides the
	// engine's own. One that cannot be read is passed over.
	CacheFrom []CacheEntry
	// Keychain finds credentials for registries that hold caches. If nil, they
	// come from Docker's configuration.
	Keychain authn.Keychain
	// Emulator returns the path of a static program of this machine that
	// executes those of another architecture, or empty. If nil, there is none.
	Emulator func(arch string) string
}

// StepError says which step of a recipe failed.
type StepError struct {
	File string
	// Pos is the step's place in File; zero where it is a step of kiln's own.
	Pos recipes.Pos
	// Name is the step's title, Log the last lines that it printed.
	Name string
	Log  []string
	// Exit is the exit code of its command, or -1.
	Exit int
	Err  error
	// Look is what went wrong while somebody looked at the step; see
	// Engine.OnFailure.
	Look error
}

// Error is the message, after the step's place.
func (e *StepError) Error() string {
	return recipes.Problem{File: e.File, Pos: e.Pos, Msg: e.Message()}.String()
}

// Message says which step failed, and how, without its place.
func (e *StepError) Message() string {
	if e.Exit > 0 {
		return fmt.Sprintf("step %q ended with exit code %d", e.Name, e.Exit)
	}
	return fmt.Sprintf("step %q: %v", e.Name, e.Err)
}

func (e *StepError) Unwrap() error { return e.Err }

// Compile carries out the plan and returns the files of $DESTDIR, which are
// kept in sp: paths as they will be in the image, modes as the build left
// them, all owned by root.
func (e *Engine) Compile(ctx context.Context, p *Plan, sp *spool.Spool) ([]layer.Entry, error) {
	return e.export(ctx, p, p.Artifacts, "building", sp)
}

// Warm has the engine carry out the first steps of every plan that starts from
// root, a root of essential packages, so that they are done when the plan is.
func (e *Engine) Warm(ctx context.Context, root v1.Hash, platform string) error {
	goos, arch, _ := strings.Cut(platform, "/")
	constraint := llb.Platform(ocispec(goos, arch))
	def, err := configured(root, constraint).Marshal(ctx, constraint)
	if err != nil {
		return fmt.Errorf("preparing the build environment: %w", err)
	}
	opt, err := e.cachedOptions()
	if err != nil {
		return err
	}
	watch := e.Display.Watch("preparing")
	_, err = e.Client.Solve(ctx, def, opt, watch.Status)
	watch.Wait()
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("preparing the build environment: %w", err)
	}
	return nil
}

// FileLists returns the text of dpkg's file lists in the build environment, by
// file name (PACKAGE.list or PACKAGE:ARCH.list).
func (e *Engine) FileLists(ctx context.Context, p *Plan, sp *spool.Spool) (map[string]string, error) {
	entries, err := e.export(ctx, p, p.Lists, "reading package lists", sp)
	if err != nil {
		return nil, err
	}
	lists := map[string]string{}
	for _, f := range entries {
		if f.Type != tar.TypeReg {
			continue
		}
		if lists[path.Base(f.Path)], err = text(f); err != nil {
			return nil, fmt.Errorf("reading package lists: %w", err)
		}
	}
	return lists, nil
}

func text(f layer.Entry) (string, error) {
	r, err := f.Open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return string(b), err
}

func (e *Engine) export(ctx context.Context, p *Plan, st llb.State, title string, sp *spool.Spool) ([]layer.Entry, error) {
	def, err := st.Marshal(ctx, p.platform)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", title, err)
	}
	opt, err := e.cachedOptions()
	if err != nil {
		return nil, err
	}
	pr, pw := io.Pipe()
	opt.Exports = []client.ExportEntry{{
		Type:   client.ExporterTar,
		Output: func(map[string]string) (io.WriteCloser, error) { return pw, nil },
	}}
	watch := e.Display.Watch(title)
	var entries []layer.Entry
	read := make(chan error, 1)
	go func() {
		var err error
		entries, err = layer.Read(pr, sp, recipes.OwnerService, maxArtifacts)
		pr.CloseWithError(err)
		read <- err
	}()
	err = e.solve(ctx, p, def, opt, watch)
	watch.Wait()
	if err != nil {
		pw.CloseWithError(err)
		<-read //nolint:errcheck // the solve's error, handed on
		return nil, e.stepError(ctx, p, watch, err)
	}
	pw.Close() //nolint:errcheck // always nil; the exporter closed it already
	if err := <-read; err != nil {
		return nil, fmt.Errorf("%s: reading what the engine exported: %w", title, err)
	}
	return entries, nil
}

func (e *Engine) options() (client.SolveOpt, error) {
	store, err := contentlocal.NewStore(e.Store.Root())
	if err != nil {
		return client.SolveOpt{}, fmt.Errorf("opening blob cache: %w", err)
	}
	return client.SolveOpt{
		OCIStores: map[string]content.Store{storeID: store},
		Session:   []session.Attachable{secretsprovider.FromMap(e.Secrets)},
	}, nil
}

// stepError finds the step that an error of a solve is about.
func (e *Engine) stepError(ctx context.Context, p *Plan, w *progress.Watch, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var vertex *errdefs.VertexError
	if !errors.As(err, &vertex) {
		return fmt.Errorf("building: %w", err)
	}
	step := &StepError{File: p.recipe.File, Exit: -1, Err: err}
	step.Name, step.Log = w.Step(vertex.Digest)
	var look *lookError
	if errors.As(err, &look) {
		step.Look = look.look
	}
	var exit *gatewaypb.ExitError
	if errors.As(err, &exit) {
		step.Exit = int(exit.ExitCode)
	}
	for _, s := range errdefs.Sources(err) {
		if len(s.Ranges) > 0 {
			step.Pos = recipes.Pos{Line: int(s.Ranges[0].Start.Line), Col: int(s.Ranges[0].Start.Character)}
		}
	}
	step.Name = strings.TrimPrefix(step.Name, p.prefix(step.Pos))
	return step
}

// Limits on what a build may leave in $DESTDIR.
const maxArtifacts = 16 << 30
