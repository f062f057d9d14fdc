package push

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Found is a manifest that a registry has.
type Found struct {
	// Descriptor is the manifest's: digest, size and media type.
	Descriptor v1.Descriptor
	// Annotations are those of the manifest.
	Annotations map[string]string
	// Manifests are what it lists, where it is an index.
	Manifests []v1.Descriptor
	// Config and Layers are its blobs, where it is none; the Config's media
	// type tells an image from another artifact.
	Config v1.Descriptor
	Layers []v1.Descriptor
	// ArtifactType is what it says to be besides an image, and Subject the
	// manifest that it is about (image-spec, manifest.md).
	ArtifactType string
	Subject      *v1.Descriptor
}

// Lookup asks whether a registry has an image, and reads its manifest's
// annotations. Where the registry lets anyone read, or takes name and
// password directly, that is one request; where it wants a token, or speaks
// TLS unexpectedly, the usual ones follow. Errors are [*Error].
func (r *Registry) Lookup(ctx context.Context, ref name.Reference) (found Found, ok bool, err error) {
	raw, ok, err := r.lookup(ctx, ref)
	if err != nil || !ok {
		return Found{}, false, wrap("looking up", ref, err)
	}
	if found, err = parseFound(raw); err != nil {
		return Found{}, false, wrap("looking up", ref, err)
	}
	if want, isDigest := ref.(name.Digest); isDigest && want.DigestStr() != found.Descriptor.Digest.String() {
		return Found{}, false, wrap("looking up", ref,
			fmt.Errorf("the registry answers with %s", found.Descriptor.Digest))
	}
	return found, true, nil
}

func (r *Registry) lookup(ctx context.Context, ref name.Reference) (raw []byte, ok bool, err error) {
	if !r.wantsDance(ref) {
		if raw, known := r.ask(ctx, ref); known {
			return raw, raw != nil, nil
		}
		r.setDance(ref)
	}
	desc, err := r.puller.Get(ctx, ref)
	if notFound(err) {
		return nil, false, nil
	} else if err != nil {
		return nil, false, err
	}
	return desc.Manifest, true, nil
}

// maxManifest is what registries commonly accept.
const maxManifest = 4 << 20

// ask makes one plain request. Where the answer settles the question, known
// is true, and raw is nil where there is no such manifest.
func (r *Registry) ask(ctx context.Context, ref name.Reference) (raw []byte, known bool) {
	req, err := r.manifestRequest(ctx, ref)
	if err != nil {
		return nil, false
	}
	client := &http.Client{Transport: r.transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // credentials go nowhere else
	}}
	resp, err := client.Do(req)
	if err != nil {
		return nil, false
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusNotFound:
		return nil, saysUnknown(resp.Body)
	case http.StatusOK:
		raw, err = io.ReadAll(io.LimitReader(resp.Body, maxManifest))
		return raw, err == nil && json.Valid(raw)
	}
	discard(resp)
	return nil, false
}

// saysUnknown reports whether a 404 is a registry's: a proxy before one says
// 404 to anything.
func saysUnknown(body io.Reader) bool {
	var answer transport.Error
	if json.NewDecoder(io.LimitReader(body, 64<<10)).Decode(&answer) != nil {
		return false
	}
	return slices.ContainsFunc(answer.Errors, func(d transport.Diagnostic) bool {
		return d.Code == transport.ManifestUnknownErrorCode || d.Code == transport.NameUnknownErrorCode
	})
}

func (r *Registry) manifestRequest(ctx context.Context, ref name.Reference) (*http.Request, error) {
	repo := ref.Context()
	url := r.scheme(repo.Registry) + "://" + repo.RegistryStr() + "/v2/" + repo.RepositoryStr() + "/manifests/" + ref.Identifier()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "kiln")
	for _, t := range []types.MediaType{types.OCIManifestSchema1, types.OCIImageIndex, types.DockerManifestSchema2, types.DockerManifestList} {
		req.Header.Add("Accept", string(t))
	}
	auth, err := authn.Resolve(ctx, r.keychain, repo)
	if err != nil {
		return nil, err
	}
	config, err := authn.Authorization(ctx, auth)
	if err != nil {
		return nil, err
	}
	if config.Username != "" && config.Password != "" {
		req.SetBasicAuth(config.Username, config.Password)
	} else if config.Auth != "" {
		if _, err := base64.StdEncoding.DecodeString(config.Auth); err == nil {
			req.Header.Set("Authorization", "Basic "+config.Auth)
		}
	}
	return req, nil
}

// scheme guesses what the registry speaks. On a loopback address that is HTTP
// as long as nobody has given a CA for it.
func (r *Registry) scheme(reg name.Registry) string {
	host := strings.Trim(strings.TrimSuffix(reg.RegistryStr(), ":"+port(reg.RegistryStr())), "[]")
	if r.schemes.plain(reg.RegistryStr()) || (loopback(host) && !r.customCA) {
		return "http"
	}
	return "https"
}

func port(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		return host[i+1:]
	}
	return ""
}

func (r *Registry) wantsDance(ref name.Reference) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dance[ref.Context().RegistryStr()]
}

func (r *Registry) setDance(ref name.Reference) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dance[ref.Context().RegistryStr()] = true
}

func parseFound(raw []byte) (Found, error) {
	var m struct {
		MediaType   types.MediaType   `json:"mediaType"`
		Annotations map[string]string `json:"annotations"`
		Manifests   []v1.Descriptor   `json:"manifests"`
		Config      v1.Descriptor     `json:"config"`
		Layers      []v1.Descriptor   `json:"layers"`
		Artifact    string            `json:"artifactType"`
		Subject     *v1.Descriptor    `json:"subject"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return Found{}, fmt.Errorf("reading manifest: %w", err)
	}
	digest, size, err := v1.SHA256(bytes.NewReader(raw))
	if err != nil {
		return Found{}, err
	}
	return Found{
		Descriptor:  v1.Descriptor{MediaType: m.MediaType, Digest: digest, Size: size},
		Annotations: m.Annotations, Manifests: m.Manifests, Config: m.Config, Layers: m.Layers,
		ArtifactType: m.Artifact, Subject: m.Subject,
	}, nil
}
