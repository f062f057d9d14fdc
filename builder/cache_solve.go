package builder

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"time"

	"github.com/docker/cli/cli/config/types"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth/authprovider"
)

// Limits on writing one cache. A registry's hiccups are BuildKit's matter; what
// goes on here is for those that take longer.
const (
	cacheAttempts = 3
	cacheTimeout  = 10 * time.Minute
	cachePause    = 2 * time.Second
)

// WriteCache stores the results of the plan's steps, which were carried out
// before, in a cache. It tries again for a while. The error holds no
// credentials.
func (e *Engine) WriteCache(ctx context.Context, p *Plan, to CacheEntry) error {
	ctx, cancel := context.WithTimeoutCause(ctx, cacheTimeout, fmt.Errorf("it took longer than %s", cacheTimeout))
	defer cancel()
	def, err := p.Artifacts.Marshal(ctx, p.platform)
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		err := e.writeCache(ctx, def, to)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("writing cache %s: %w", to, context.Cause(ctx))
		}
		if attempt == cacheAttempts {
			return fmt.Errorf("writing cache %s: %w", to, to.scrub(err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(attempt) * cachePause):
		}
	}
}

func (e *Engine) writeCache(ctx context.Context, def *llb.Definition, to CacheEntry) error {
	opt, err := e.cachedOptions(to)
	if err != nil {
		return err
	}
	opt.CacheExports = []client.CacheOptionsEntry{to.entry()}
	watch := e.Display.Watch("writing cache")
	_, err = e.Client.Solve(ctx, def, opt, watch.Status)
	watch.Wait()
	return err
}

// cachedOptions are those of a solve that takes results from caches, and that
// can log in there and to others.
func (e *Engine) cachedOptions(others ...CacheEntry) (client.SolveOpt, error) {
	opt, err := e.options()
	for _, from := range e.CacheFrom {
		opt.CacheImports = append(opt.CacheImports, from.entry())
	}
	if hosts := cacheHosts(append(others, e.CacheFrom...)); len(hosts) > 0 {
		keychain := e.Keychain
		if keychain == nil {
			keychain = authn.DefaultKeychain
		}
		opt.Session = append(opt.Session, logins(keychain, hosts))
	}
	return opt, err
}

// cacheHosts are the registries with caches, as the engine asks for their
// credentials.
func cacheHosts(entries []CacheEntry) map[string]name.Registry {
	hosts := map[string]name.Registry{}
	for _, e := range entries {
		ref, err := name.ParseReference(e.Attrs["ref"])
		if e.Type != "registry" || err != nil {
			continue
		}
		host := ref.Context().RegistryStr()
		if host == name.DefaultRegistry {
			host = authprovider.DockerHubRegistryHost
		}
		hosts[host] = ref.Context().Registry
	}
	return hosts
}

// logins gives the engine credentials of these registries when it asks for
// them, and of no other: an engine may be somebody else's.
func logins(keychain authn.Keychain, hosts map[string]name.Registry) session.Attachable {
	return authprovider.NewDockerAuthProvider(authprovider.DockerAuthProviderConfig{
		AuthConfigProvider: func(ctx context.Context, host string, _ []string, _ authprovider.ExpireCachedAuthCheck) (types.AuthConfig, error) {
			registry, ok := hosts[host]
			if !ok {
				return types.AuthConfig{}, nil
			}
			return login(ctx, keychain, registry)
		},
	})
}

func login(ctx context.Context, keychain authn.Keychain, registry name.Registry) (types.AuthConfig, error) {
	found, err := authn.Resolve(ctx, keychain, registry)
	if err != nil {
		return types.AuthConfig{}, err
	}
	config, err := authn.Authorization(ctx, found)
	if err != nil {
		return types.AuthConfig{}, err
	}
	return types.AuthConfig{
		Username: config.Username, Password: config.Password, Auth: config.Auth,
		IdentityToken: config.IdentityToken, RegistryToken: config.RegistryToken,
	}, nil
}

// entry is a copy for the client, which writes into it.
func (e CacheEntry) entry() client.CacheOptionsEntry {
	return client.CacheOptionsEntry{Type: e.Type, Attrs: maps.Clone(e.Attrs)}
}

// gatewayImports are imports for a solve within a build.
func gatewayImports(entries []client.CacheOptionsEntry) []gateway.CacheOptionsEntry {
	var list []gateway.CacheOptionsEntry
	for _, e := range entries {
		list = append(list, gateway.CacheOptionsEntry{Type: e.Type, Attrs: e.Attrs})
	}
	return list
}

var urlQuery = regexp.MustCompile(`\?[^\s"']+`)

// scrub takes out of an error what only the cache may know: its credentials,
// and the queries of URLs, which hold signatures.
func (e CacheEntry) scrub(err error) error {
	text := err.Error()
	for _, k := range cacheSecrets {
		if v := e.Attrs[k]; v != "" {
			text = strings.ReplaceAll(text, v, "…")
		}
	}
	return errors.New(urlQuery.ReplaceAllString(text, "?…"))
}
