package builder

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
)

// variables is an environment.
type variables map[string]string

func (v variables) get(name string) string { return v[name] }

var actions = variables{
	"ACTIONS_RUNTIME_TOKEN": "runtime-secret", "ACTIONS_RESULTS_URL": "https://results.example/", "ACTIONS_CACHE_SERVICE_V2": "True",
}

var aws = variables{
	"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "key-id", "AWS_SECRET_ACCESS_KEY": "aws-secret", "AWS_SESSION_TOKEN": "session",
}

func TestParseCache(t *testing.T) {
	for _, c := range []struct {
		text, direction string
		env             variables
		want            CacheEntry
	}{
		{"type=registry,ref=registry.corp/cache", CacheFrom, nil,
			CacheEntry{"registry", map[string]string{"ref": "registry.corp/cache"}}},
		{`TYPE=registry,Ref=r.corp/x,mode=max,"compression=a,b",ignore-error=true`, CacheTo, nil,
			CacheEntry{"registry", map[string]string{"ref": "r.corp/x", "mode": "max", "compression": "a,b"}}},
		{"type=local,dest=/tmp/cache", CacheTo, nil,
			CacheEntry{"local", map[string]string{"dest": "/tmp/cache", "mode": "min"}}},
		{"type=gha,scope=${name}", CacheFrom, actions,
			CacheEntry{"gha", map[string]string{"scope": "${name}", "url": "https://results.example/", "url_v2": "https://results.example/", "token": "runtime-secret"}}},
		{"type=s3,bucket=b", CacheFrom, aws,
			CacheEntry{"s3", map[string]string{"bucket": "b", "region": "eu-central-1", "access_key_id": "key-id", "secret_access_key": "aws-secret", "session_token": "session"}}},
		{"type=s3,bucket=b,region=us-east-1", CacheFrom, nil,
			CacheEntry{"s3", map[string]string{"bucket": "b", "region": "us-east-1"}}},
	} {
		got, err := ParseCache(c.text, c.direction, c.env.get)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.text, diff)
		}
	}
}

func TestParseCacheRefuses(t *testing.T) {
	for _, c := range []struct{ text, direction, want string }{
		{"", CacheFrom, "want type="},
		{"registry.corp/cache", CacheFrom, "want type="},
		{"ref=registry.corp/cache", CacheFrom, `want type=registry, gha, s3 or local, got ""`},
		{"type=inline", CacheTo, `got "inline"`},
		{"type=registry", CacheFrom, "needs ref="},
		{"type=registry,ref=x\ntype=registry,ref=y", CacheFrom, "want type="},
		{`type=registry,"ref=x`, CacheFrom, "want type="},
		{"type=local,src=/x", CacheTo, "needs dest="},
		{"type=local,dest=/x", CacheFrom, "needs src="},
		{"type=s3,bucket=b", CacheFrom, "needs region="},
		{"type=gha", CacheFrom, "ACTIONS_RUNTIME_TOKEN"},
		{"type=registry,ref=x,mode=all", CacheTo, "want mode=min or max"},
		{"type=registry,ref=x,ignore-error=false", CacheTo, "ignore-error is always true"},
		{"type=gha,token=hunter2", CacheFrom, "token is a credential"},
		{"type=s3,bucket=b,secret_access_key=hunter2", CacheFrom, "secret_access_key is a credential"},
	} {
		_, err := ParseCache(c.text, c.direction, variables{}.get)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: got error %v, want one with %q", c.text, err, c.want)
		}
	}
}

// TestCacheKeepsSecrets: neither its name nor an error of the engine shows
// credentials, or the signature in a URL.
func TestCacheKeepsSecrets(t *testing.T) {
	for _, env := range []variables{actions, aws} {
		for _, text := range []string{"type=gha,scope=x", "type=s3,bucket=b"} {
			e, err := ParseCache(text, CacheFrom, env.get)
			if err != nil {
				continue
			}
			var all []string
			for _, v := range env {
				all = append(all, v)
			}
			said := e.String() + e.scrub(errors.New(strings.Join(all, " ")+` Put "https://blobs.example/x?sig=hunter2": refused`)).Error()
			for _, secret := range []string{"runtime-secret", "key-id", "aws-secret", "session", "hunter2"} {
				if strings.Contains(said, secret) {
					t.Errorf("%s: %q shows %s", text, said, secret)
				}
			}
			if !strings.Contains(said, "https://blobs.example/x?…") {
				t.Errorf("%s: %q does not say which URL it was", text, said)
			}
		}
	}
}

func TestCacheFor(t *testing.T) {
	e := CacheEntry{"registry", map[string]string{"ref": "r.corp/cache/${name}:${platform}"}}
	if got, want := e.For("nats-debug", "linux/arm64").String(), "type=registry,ref=r.corp/cache/nats-debug:linux-arm64"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if e.Attrs["ref"] != "r.corp/cache/${name}:${platform}" {
		t.Errorf("the template was changed: %s", e)
	}
}

// secretEverywhere has a password for each registry.
type secretEverywhere struct{}

func (secretEverywhere) Resolve(authn.Resource) (authn.Authenticator, error) {
	return &authn.Basic{Username: "me", Password: "hunter2"}, nil
}

// TestLoginsAreForCaches: an engine gets credentials of registries that hold
// caches.
func TestLoginsAreForCaches(t *testing.T) {
	hosts := cacheHosts([]CacheEntry{
		{"registry", map[string]string{"ref": "r.corp:5000/cache"}},
		{"registry", map[string]string{"ref": "me/cache"}},
		{"local", map[string]string{"ref": "other.corp/cache"}},
		{"registry", map[string]string{"ref": "NO REFERENCE"}},
	})
	var got []string
	for _, host := range []string{"r.corp:5000", "registry-1.docker.io", "r.corp", "other.corp", "index.docker.io"} {
		if registry, ok := hosts[host]; ok {
			config, err := login(context.Background(), secretEverywhere{}, registry)
			if err != nil || config.Password != "hunter2" {
				t.Errorf("%s: got %q, %v", host, config.Username, err)
			}
			got = append(got, host)
		}
	}
	if diff := cmp.Diff([]string{"r.corp:5000", "registry-1.docker.io"}, got); diff != "" {
		t.Errorf("registries whose credentials an engine gets (-want +got):\n%s", diff)
	}
}
