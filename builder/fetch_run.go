package builder

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/identity"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/secrets/secretsprovider"

	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/builder/spool"
	"github.com/kiln-build/kiln/recipes"
)

// fetchFormat changes with the bytes that a fetch's layer is.
const fetchFormat = "fetch-layer 1"

// Fetcher carries out the fetches of a plan: each in a solve of its own, of
// which the engine records what was asked for and answered. What is kept is a
// layer in the store; nothing in the engine's cache is used again.
type Fetcher struct {
	*Engine
	Memo memo.Dir
	// Offline refuses to fetch: every result must be there already.
	Offline bool
	// Kept, where not nil, is told of each result and of the key that it is
	// remembered by.
	Kept func(title, key string, l layer.Layer)
}

// Fetch returns in with the results of all fetches of the recipe's build. What
// they ask for and get is compared with the lock, and that which is there
// already from the same command, files and lock is taken as it is.
func (e *Fetcher) Fetch(ctx context.Context, r *recipes.Recipe, l *recipes.Lock, platform string, in Inputs) (Inputs, error) {
	return e.each(r, l, platform, in, func(f *Fetch) (layer.Layer, error) {
		locked, err := f.locked()
		if err != nil {
			return layer.Layer{}, err
		}
		key, err := e.key(ctx, f, locked)
		if err != nil {
			return layer.Layer{}, err
		}
		made, err := memo.Do(e.Memo, key, e.has, func() (layer.Layer, error) {
			if e.Offline {
				return layer.Layer{}, f.fail("", "what it fetches is not among the inputs", offlineHint)
			}
			made, _, err := e.carryOut(ctx, f, &locked)
			return made, err
		})
		if err == nil && e.Kept != nil {
			e.Kept(f.spec.title, key, made)
		}
		return made, err
	})
}

// Lock carries out the fetches of the recipe's build, whatever they ask for,
// and returns that for the lock.
func (e *Fetcher) Lock(ctx context.Context, r *recipes.Recipe, l *recipes.Lock, platform string, in Inputs) ([]recipes.LockedFetch, error) {
	var list []recipes.LockedFetch
	_, err := e.each(r, l, platform, in, func(f *Fetch) (layer.Layer, error) {
		made, files, err := e.carryOut(ctx, f, nil)
		if err != nil {
			return layer.Layer{}, err
		}
		locked := recipes.LockedFetch{Step: f.Step, Kind: f.step.Kind(), Files: files}
		list = append(list, locked)
		key, err := e.key(ctx, f, locked)
		if err != nil {
			return layer.Layer{}, err
		}
		// A build from this lock need not fetch again.
		never := func(layer.Layer) bool { return false }
		return memo.Do(e.Memo, key, never, func() (layer.Layer, error) { return made, nil })
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

// key names the result of a fetch: by all that it is told and can see.
func (e *Fetcher) key(ctx context.Context, f *Fetch, locked recipes.LockedFetch) (string, error) {
	seen, err := e.seen(ctx, f)
	if err != nil {
		return "", err
	}
	p := f.plan
	locked.Step = 0 // another step with the same fetch has the same result
	return memo.Key(fetchFormat, p.target, p.lock.Epoch.Seconds, p.in.Root, p.in.Env, p.packages.Build, p.variables(),
		f.spec.dir, f.spec.out, f.spec.args, f.spec.env, seen, locked)
}

// seen is a digest of the files of the source tree that the fetch sees. Only
// where the engine, or a step, had a part in them it has to be asked.
func (e *Fetcher) seen(ctx context.Context, f *Fetch) (string, error) {
	if f.first {
		return seenFiles(f.plan.in.Files, f.spec.files)
	}
	sp, err := spool.New("")
	if err != nil {
		return "", err
	}
	defer sp.Close() //nolint:errcheck // nothing is lost
	entries, err := e.export(ctx, f.plan, f.sees, "reading what to fetch", sp)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for i := range entries {
		if err := layer.Hash(&entries[i]); err != nil {
			return "", fmt.Errorf("reading what to fetch: %w", err)
		}
		if entries[i].Type != tar.TypeDir {
			writeSeen(h, entries[i].File)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// carryOut runs a fetch, and compares what it got with the lock, if there is
// one, before anything is kept.
func (e *Fetcher) carryOut(ctx context.Context, f *Fetch, locked *recipes.LockedFetch) (layer.Layer, []recipes.FetchedFile, error) {
	g, secrets, err := e.gate(locked)
	if err != nil {
		return layer.Layer{}, nil, err
	}
	def, err := f.run.Marshal(ctx, f.plan.platform)
	if err != nil {
		return layer.Layer{}, nil, fmt.Errorf("fetching: %w", err)
	}
	opt, err := e.options()
	if err != nil {
		return layer.Layer{}, nil, err
	}
	opt.ProxyNetwork, opt.SourcePolicyProvider, opt.Ref = true, g.provider(), identity.NewID()
	opt.Session = []session.Attachable{secretsprovider.FromMap(secrets)}
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
	err = e.solve(ctx, f.plan, def, opt, watch)
	watch.Wait()
	if err != nil {
		return layer.Layer{}, nil, f.solveError(e.stepError(ctx, f.plan, watch, err))
	}
	c, err := readCapture(ctx, e.Client, opt.Ref)
	if err != nil {
		return layer.Layer{}, nil, err
	}
	lines := watch.Named(f.plan.prefix(f.step.Pos) + f.spec.title)
	return e.judge(outcomeOf{f: f, gate: g, capture: c, locked: locked, log: lines}, out)
}

// outcomeOf is a fetch that has run.
type outcomeOf struct {
	f       *Fetch
	gate    *gate
	capture *capture
	locked  *recipes.LockedFetch
	log     []string
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
	if o.locked != nil {
		if err := o.f.compare(o.gate, o.capture); err != nil {
			return layer.Layer{}, nil, err
		}
	}
	if exit != 0 {
		return layer.Layer{}, nil, &StepError{
			File: o.f.plan.recipe.File, Pos: o.f.step.Pos, Name: o.f.spec.title, Log: o.log, Exit: exit, Err: fmt.Errorf("exit code %d", exit),
		}
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

const offlineHint = "`kiln vendor` collects the inputs where there is network; run it again with this recipe, its lock and its sources"

const needsProxy = "fetches need the proxy network of BuildKit (v0.33, docs/proxy.md): use the embedded engine, or a newer one"

// solveError is for errors of the engine, rather than of the command.
func (f *Fetch) solveError(err error) error {
	text := err.Error()
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
	if i := slices.IndexFunc(all, func(b base) bool { return b.ecosystem == "cargo" }); i >= 0 {
		secrets[CratesSetting] = []byte(all[i].virtual())
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
