package failed

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/containerd/containerd/v2/core/content"
	contentlocal "github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// storeID names the file's images, which are served to the engine.
const storeID = "kiln-failed"

// maxRecord bounds failed.json.
const maxRecord = 16 << 20

// Saved is a step that was saved in a file.
type Saved struct {
	*Step
	dir string
}

// Open reads a file that [Left.Save] wrote, and unpacks its images into dir, an
// empty folder. Every blob must be what its name says; nothing else is taken
// out of the file.
func Open(file, dir string) (*Saved, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("opening a failed step: %w", err)
	}
	defer f.Close()
	s, err := unpack(f, dir)
	if err != nil {
		return nil, fmt.Errorf("opening a failed step: %s is none that `kiln build --keep-failed` wrote: %w", file, err)
	}
	return &Saved{Step: s, dir: dir}, nil
}

func unpack(r io.Reader, dir string) (*Step, error) {
	blobs := filepath.Join(dir, "blobs", "sha256")
	if err := os.MkdirAll(blobs, 0o700); err != nil {
		return nil, err
	}
	var record []byte
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		hexsum, isBlob := strings.CutPrefix(h.Name, "blobs/sha256/")
		switch {
		case h.Name == recordFile && h.Size <= maxRecord:
			record, err = io.ReadAll(t)
		case isBlob && isHex(hexsum):
			err = takeBlob(filepath.Join(blobs, hexsum), hexsum, t)
		}
		if err != nil {
			return nil, err
		}
	}
	if record == nil {
		return nil, errors.New("it has no " + recordFile)
	}
	s, err := parseStep(record)
	if err != nil {
		return nil, err
	}
	for _, m := range s.Mounts {
		if m.Kind != Files {
			continue
		}
		if _, err := os.Stat(filepath.Join(blobs, strings.TrimPrefix(m.Image, "sha256:"))); err != nil {
			return nil, fmt.Errorf("the files of %s are missing", m.Dest)
		}
	}
	return s, nil
}

func takeBlob(file, hexsum string, r io.Reader) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, h), r)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != hexsum {
		return fmt.Errorf("the blob %s has the digest %s", hexsum, got)
	}
	return nil
}

// Shell opens a terminal in the step: its files as they were when it failed,
// its environment and working folder. It returns when the shell ends.
func (s *Saved) Shell(ctx context.Context, c *client.Client, t Terminal) error {
	return s.in(ctx, c, func(ctx context.Context, p *place) error { return p.shell(ctx, t) })
}

// Run runs a command in the step, and returns its exit code.
func (s *Saved) Run(ctx context.Context, c *client.Client, args []string, t Terminal) (code int, err error) {
	err = s.in(ctx, c, func(ctx context.Context, p *place) (err error) {
		code, err = p.run(ctx, args, t)
		return err
	})
	return code, err
}

// in has the engine take the images, and calls f with the step's mounts.
func (s *Saved) in(ctx context.Context, c *client.Client, f func(context.Context, *place) error) error {
	store, err := contentlocal.NewStore(s.dir)
	if err != nil {
		return fmt.Errorf("opening a failed step: %w", err)
	}
	opt := client.SolveOpt{OCIStores: map[string]content.Store{storeID: store}}
	_, err = c.Build(ctx, opt, "kiln", func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		p, err := s.place(ctx, c)
		if err != nil {
			return nil, err
		}
		return gateway.NewResult(), f(ctx, p)
	}, nil)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (s *Saved) place(ctx context.Context, c gateway.Client) (*place, error) {
	goos, arch, _ := strings.Cut(s.Platform, "/")
	p := &place{client: c, step: s.Step, platform: &pb.Platform{OS: goos, Architecture: arch}}
	for i, m := range s.Mounts {
		mount := gateway.Mount{Dest: m.Dest, Readonly: m.Readonly, Selector: m.Selector}
		switch m.Kind {
		case Files:
			ref, err := load(ctx, c, m.Image, llb.Platform(ocispecs.Platform{OS: goos, Architecture: arch}))
			if err != nil {
				return nil, fmt.Errorf("loading the files of %s: %w", m.Dest, err)
			}
			mount.Ref = ref
		case Memory:
			mount.MountType = pb.MountType_TMPFS
		case Cache:
			mount.MountType = pb.MountType_CACHE
			mount.CacheOpt = &pb.CacheOpt{ID: fmt.Sprintf("kiln/failed/%s/%d", s.Mounts[0].Image, i), Sharing: pb.CacheSharingOpt_SHARED}
		}
		p.mounts = append(p.mounts, mount)
	}
	return p, nil
}

func load(ctx context.Context, c gateway.Client, digest string, platform llb.ConstraintsOpt) (gateway.Reference, error) {
	def, err := llb.OCILayout("kiln/failed@"+digest, llb.OCIStore("", storeID), platform).Marshal(ctx, platform)
	if err != nil {
		return nil, err
	}
	res, err := c.Solve(ctx, gateway.SolveRequest{Definition: def.ToPB(), Evaluate: true})
	if err != nil {
		return nil, err
	}
	return res.SingleRef()
}
