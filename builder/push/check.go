package push

import (
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// MayPush asks the registry whether it would take an upload to the
// repository of ref, which it begins and drops. Errors are [*Error].
func (r *Registry) MayPush(ref name.Reference) error {
	err := remote.CheckPushPermission(ref, r.keychain, r.transport)
	return wrap("asking to push to", ref, err)
}

// Anonymous reports whether there are no credentials for the registry of ref.
func (r *Registry) Anonymous(ref name.Reference) (bool, error) {
	auth, err := r.keychain.Resolve(ref.Context())
	return err == nil && auth == authn.Anonymous, wrap("finding credentials for", ref, err)
}
