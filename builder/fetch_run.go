package builder

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/identity"

	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/recipes"
)

// fetchFormat changes with the bytes that a fetch's layer is.
const fetchFormat = "fetch-layer 2"

// Fetcher carries out the fetches of a plan: each in a solve of its own, of
// which the engine records what was asked for and answered. What is kept is a
// layer in the store; nothing in the engine's cache is used again.
type Fetcher struct {
	*Engine
	Memo memo.Dir
	// Offline refuses to fetch: every result must be there already.
	Offline bool
	// Kept, where not nil, is told of each result, which must be that of the
	// lock.
	Kept func(title string, l layer.Layer)
}

// Fetch returns in with the results of all fetches of the recipe's build. What
// they ask for and get is compared with the lock, and that which is there
// already from the same command, files and lock is taken as it is: by the
// digest that the lock has, or from kiln's own memory.
func (e *Fetcher) Fetch(ctx context.Context, r *recipes.Recipe, l *recipes.Lock, platform string, in Inputs) (Inputs, error) {
	return e.each(r, l, platform, in, func(f *Fetch) (layer.Layer, error) {
		locked, err := f.locked()
		if err != nil {
			return layer.Layer{}, err
		}
		made, err := e.result(ctx, f, locked)
		if err == nil && e.Kept != nil {
			if err = f.exact(locked, made); err == nil {
				e.Kept(f.spec.title, made)
			}
		}
		return made, err
	})
}

// result is what the fetch left, or leaves now.
func (e *Fetcher) result(ctx context.Context, f *Fetch, locked recipes.LockedFetch) (layer.Layer, error) {
	key, err := e.key(ctx, f)
	if err != nil {
		return layer.Layer{}, err
	}
	if made, ok := e.stored(locked.Result); ok && locked.Key == key {
		return made, nil
	}
	id, err := remembered(key, locked)
	if err != nil {
		return layer.Layer{}, err
	}
	return memo.Do(e.Memo, id, e.has, func() (layer.Layer, error) {
		if e.Offline {
			return layer.Layer{}, f.lacking(key, locked)
		}
		made, _, err := e.carryOut(ctx, f, &locked)
		return made, err
	})
}

// stored is the layer with the digest, if the store has it.
func (e *Fetcher) stored(hexsum string) (layer.Layer, bool) {
	size, ok := e.Store.Size(hexsum)
	return layer.Uncompressed(v1.Hash{Algorithm: "sha256", Hex: hexsum}, size), ok
}

// Lock carries out the fetches of the recipe's build, whatever they ask for,
// and returns that for the lock.
func (e *Fetcher) Lock(ctx context.Context, r *recipes.Recipe, l *recipes.Lock, platform string, in Inputs) ([]recipes.LockedFetch, error) {
	var list []recipes.LockedFetch
	_, err := e.each(r, l, platform, in, func(f *Fetch) (layer.Layer, error) {
		key, err := e.key(ctx, f)
		if err != nil {
			return layer.Layer{}, err
		}
		made, files, err := e.carryOut(ctx, f, nil)
		if err != nil {
			return layer.Layer{}, err
		}
		list = append(list, recipes.LockedFetch{Step: f.Step, Kind: f.step.Kind(), Key: key, Result: made.Blob.Hex, Files: files})
		return made, nil
	})
	return list, err
}

// each has make carry out one fetch after another, since they may depend on
// those before.
func (e *Fetcher) each(r *recipes.Recipe, l *recipes.Lock, platform string, in Inputs, make func(*Fetch) (layer.Layer, error)) (Inputs, error) {
	for {
		f, err := NextFetch(r, l, platform, in)
		if err != nil || f == nil {
			return in, err
		}
		made, err := make(f)
		if err != nil {
			return in, err
		}
		goos, arch, _ := strings.Cut(f.plan.target.Builder, "/")
		image, err := layer.StoreImage(e.Store, v1.Platform{OS: goos, Architecture: arch}, made.In(e.Store))
		if err != nil {
			return in, err
		}
		in.Fetched = append(in.Fetched[:len(in.Fetched):len(in.Fetched)], image)
	}
}

func (e *Fetcher) has(l layer.Layer) bool { return e.Store.Has(l.Blob.Hex, l.Bytes) }

// carryOut runs a fetch, and compares what it got with the lock, if there is
// one, before anything is kept.
func (e *Fetcher) carryOut(ctx context.Context, f *Fetch, locked *recipes.LockedFetch) (layer.Layer, []recipes.FetchedFile, error) {
	g, secrets, err := e.gate(locked)
	if err != nil {
		return layer.Layer{}, nil, err
	}
	ref := identity.NewID()
	def, err := f.run(ref).Marshal(ctx, f.plan.platform)
	if err != nil {
		return layer.Layer{}, nil, fmt.Errorf("fetching: %w", err)
	}
	with := *e.Engine
	with.Secrets = secrets
	opt, err := with.cachedOptions()
	if err != nil {
		return layer.Layer{}, nil, err
	}
	opt.ProxyNetwork, opt.SourcePolicyProvider, opt.Ref = true, g.provider(), ref
	out, err := newFetched(e.Store, f.plan.lock.Epoch.Seconds)
	if err != nil {
		return layer.Layer{}, nil, err
	}
	defer out.close()
	opt.Exports = []client.ExportEntry{{
		Type:   client.ExporterTar,
		Output: func(map[string]string) (io.WriteCloser, error) { return out.pipe(), nil },
	}}
	watch := e.Display.Watch("fetching")
	err, look := e.solveFetch(ctx, f, def, opt, watch)
	watch.Wait()
	if err != nil {
		return layer.Layer{}, nil, f.solveError(e.stepError(ctx, f.plan, watch, err))
	}
	c, err := readCapture(ctx, e.Client, opt.Ref)
	if err != nil {
		return layer.Layer{}, nil, err
	}
	return e.judge(outcomeOf{f: f, gate: g, capture: c, locked: locked, log: f.said(watch), look: look}, out)
}

// outcomeOf is a fetch that has run.
type outcomeOf struct {
	f       *Fetch
	gate    *gate
	capture *capture
	locked  *recipes.LockedFetch
	log     []string
	look    error // what kept somebody from looking at it
}

// judge keeps the result of a fetch if all of it is as it should be.
func (e *Fetcher) judge(o outcomeOf, out *fetched) (layer.Layer, []recipes.FetchedFile, error) {
	exit, err := out.wait()
	if err != nil {
		return layer.Layer{}, nil, fmt.Errorf("fetching: reading what the engine exported: %w", err)
	}
	if !o.capture.proxied {
		return layer.Layer{}, nil, o.f.fail("", "the engine records nothing of what is fetched", needsProxy)
	}
	if err := o.f.asked(o.gate, o.capture); err != nil {
		return layer.Layer{}, nil, err
	}
	if o.locked != nil {
		if err := o.f.compare(o.gate, o.capture); err != nil {
			return layer.Layer{}, nil, err
		}
	}
	if exit != 0 {
		failure := o.f.exited(exit, o.log)
		failure.Look = o.look
		return layer.Layer{}, nil, failure
	}
	var files []recipes.FetchedFile
	if o.locked == nil {
		files, err = o.f.recorded(o.gate, o.capture, checksumDatabases(string(e.Secrets["GOSUMDB"])))
	} else {
		err = o.f.complete(o.gate, o.capture)
	}
	if err != nil {
		return layer.Layer{}, nil, err
	}
	made, err := out.commit()
	return made, files, err
}

const needsProxy = "fetches need the proxy network of BuildKit (v0.33, docs/proxy.md): use the embedded engine, or a newer one"

const needsRoot = "without root it takes slirp4netns (apt-get install slirp4netns, then `kiln engine stop`) and " +
	"a /dev/net/tun that this user may open; an engine of root can always, see --engine; or lock and `kiln vendor` there, and build here with --offline --inputs"

// solveError is for errors of the engine, rather than of the command, whose
// exit code is kept. The proxy takes a network namespace with a device in it,
// which an engine without root cannot make in the network of its machine.
func (f *Fetch) solveError(err error) error {
	text := err.Error()
	if strings.HasSuffix(text, ": operation not permitted") {
		return f.fail("", "the engine may not make the network by which fetches are recorded, for it does not run as root: "+text, needsRoot)
	}
	for _, word := range []string{"proxy network", "netlink", "veth", "network namespace"} {
		if strings.Contains(text, word) {
			return f.fail("", "the engine cannot do it: "+text, needsProxy)
		}
	}
	return err
}

// gate is for a fetch with the settings of where kiln runs. With a lock the
// checksum database has no say: the lock is stricter, and the database's
// answers cannot be locked.
func (e *Fetcher) gate(locked *recipes.LockedFetch) (*gate, map[string][]byte, error) {
	secrets := maps.Clone(e.Secrets)
	if secrets == nil {
		secrets = map[string][]byte{}
	}
	goproxy, all, err := goProxies(string(e.Secrets["GOPROXY"]))
	if err != nil {
		return nil, nil, err
	}
	secrets["GOPROXY"] = []byte(goproxy)
	if goproxy == "" {
		secrets["GOPROXY"] = []byte("off")
	}
	if locked != nil {
		secrets["GOSUMDB"] = []byte("off")
	}
	others, err := e.bases()
	if err != nil {
		return nil, nil, err
	}
	all = append(all, others...)
	for ecosystem, setting := range map[string]string{"cargo": CratesSetting, "maven": MavenSetting} {
		if i := slices.IndexFunc(all, func(b base) bool { return b.ecosystem == ecosystem }); i >= 0 {
			secrets[setting] = []byte(all[i].virtual())
		}
	}
	return newGate(all, locked), secrets, nil
}

// bases are those of e.Bases, in the order of their names.
func (e *Engine) bases() (all bases, err error) {
	if e.Bases == nil {
		return nil, nil
	}
	found, err := e.Bases()
	if err != nil {
		return nil, err
	}
	for _, ecosystem := range slices.Sorted(maps.Keys(found)) {
		for i, raw := range found[ecosystem] {
			b, err := newBase(ecosystem, i, raw)
			if err != nil {
				return nil, err
			}
			all = append(all, b)
		}
	}
	return all, nil
}
