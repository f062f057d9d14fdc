package push

import (
	"github.com/google/go-containerregistry/pkg/name"
)

// places are where something is asked for by its digest: the mirrors of its
// registry, whose answers are held against the digest, and where none has it
// the registry itself, which has the last word. What changes, as tags and what
// is attached to an image do, is asked of the registry alone.
func (r *Registry) places(ref name.Digest) ([]name.Digest, error) {
	var list []name.Digest
	for _, m := range r.mirrors[ref.RegistryStr()] {
		copied, err := name.NewDigest(m + "/" + ref.RepositoryStr() + "@" + ref.DigestStr())
		if err != nil {
			return nil, err
		}
		list = append(list, copied)
	}
	return append(list, ref), nil
}

// anywhere is what read gives for the first of the places that has it.
func anywhere[T any](r *Registry, ref name.Digest, read func(name.Digest) (T, error)) (found T, err error) {
	list, err := r.places(ref)
	if err != nil {
		return found, err
	}
	for _, place := range list {
		if found, err = read(place); err == nil {
			return found, nil
		}
	}
	return found, err
}
