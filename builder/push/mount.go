package push

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// pushImage pushes an image. Of layers that are in another repository of the
// registry already it asks the registry to mount them; where that is refused
// in a way that ends the push, it goes on without.
func (p *push) pushImage(ctx context.Context, ref name.Digest, img v1.Image) error {
	layers, mounting, err := p.mountable(img)
	if err != nil {
		return err
	}
	if err = p.pusher.Push(ctx, ref, relayered{img, layers}); err == nil || !mounting || !refused(err) {
		return err
	}
	// A pusher remembers what failed.
	if p.pusher, err = remote.NewPusher(p.opts...); err != nil {
		return err
	}
	for i, l := range layers {
		if m, ok := l.(*remote.MountableLayer); ok {
			layers[i] = m.Layer
		}
	}
	return p.pusher.Push(ctx, ref, relayered{img, layers})
}

// refused reports whether the registry, or who gives out its tokens, did not
// want to do what it was asked.
func refused(err error) bool {
	var status *transport.Error
	if !errors.As(err, &status) {
		return false
	}
	switch status.StatusCode {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return true
	}
	return false
}

// relayered is an image whose layers say where else they are.
type relayered struct {
	v1.Image
	layers []v1.Layer
}

// Layers implements v1.Image.
func (r relayered) Layers() ([]v1.Layer, error) { return r.layers, nil }

// mountable are the layers of img, with where else each is, and whether that
// is known of any.
func (p *push) mountable(img v1.Image) (layers []v1.Layer, some bool, err error) {
	list, err := img.Layers()
	if err != nil {
		return nil, false, err
	}
	for _, l := range list {
		if m, ok := l.(*remote.MountableLayer); ok { // of a base, which knows better
			some = some || m.Reference.Context().RegistryStr() == p.repo.RegistryStr()
		} else if from, ok := p.elsewhere(l); ok {
			l, some = &remote.MountableLayer{Layer: l, Reference: from}, true
		}
		layers = append(layers, l)
	}
	return layers, some, nil
}

// elsewhere is another repository of the registry that has the layer.
func (p *push) elsewhere(l v1.Layer) (name.Reference, bool) {
	d, err := l.Digest()
	if err != nil {
		return nil, false
	}
	p.mu.Lock()
	repo, ok := p.pushed[blobKey{p.repo.RegistryStr(), d}]
	p.mu.Unlock()
	if !ok {
		repo, ok = p.recall(d)
	}
	if !ok || repo.Name() == p.repo.Name() {
		return nil, false
	}
	return repo.Digest(d.String()), true
}

// remember notes where the image's layers are. Other processes are told of all
// but the last: what a service adds to its base is in no other repository.
func (p *push) remember(img v1.Image) {
	layers, err := img.Layers()
	if err != nil {
		return
	}
	for i, l := range layers {
		d, err := l.Digest()
		if err != nil {
			continue
		}
		p.mu.Lock()
		p.pushed[blobKey{p.repo.RegistryStr(), d}] = p.repo
		p.mu.Unlock()
		if i < len(layers)-1 {
			p.tell(d)
		}
	}
}

// place is the file that holds in which repository of the registry a blob is.
func (p *push) place(d v1.Hash) string { return filepath.Join(p.mounts, p.repo.RegistryStr(), d.Hex) }

// tell writes the file. Without it a blob is uploaded that need not be, and
// nothing worse.
func (p *push) tell(d v1.Hash) {
	file := p.place(d)
	if p.mounts == "" || os.MkdirAll(filepath.Dir(file), 0o700) != nil {
		return
	}
	os.WriteFile(file, []byte(p.repo.RepositoryStr()), 0o600) //nolint:errcheck // see above
}

// recall reads the file. What it says is only asked for: the registry has the
// last word.
func (p *push) recall(d v1.Hash) (name.Repository, bool) {
	if p.mounts == "" {
		return name.Repository{}, false
	}
	text, err := os.ReadFile(p.place(d))
	if err != nil {
		return name.Repository{}, false
	}
	repo, err := name.NewRepository(p.repo.RegistryStr() + "/" + string(text))
	return repo, err == nil && repo.RegistryStr() == p.repo.RegistryStr()
}
