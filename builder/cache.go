package builder

import (
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// CacheEntry is a place outside the engine for the results of steps: one of
// BuildKit's cache backends and its attributes (BuildKit's README, "Export
// cache"). It may hold credentials; String does not show them.
type CacheEntry struct {
	Type  string
	Attrs map[string]string
}

// Whether a cache is read or written.
const (
	CacheFrom = "src"
	CacheTo   = "dest"
)

// cacheBackends are the backends that fit kiln's builds, and what each must be
// told. Local folders are named by the direction.
var cacheBackends = map[string][]string{
	"registry": {"ref"}, "gha": {"url", "token"}, "s3": {"bucket", "region"}, "local": {},
}

// cacheEnvironment are the variables that attributes are taken from, the first
// that is set. Credentials come from nowhere else: other users of the machine
// see the arguments of programs.
var cacheEnvironment = map[string]map[string][]string{
	"gha": {
		"url": {"ACTIONS_CACHE_URL", "ACTIONS_RESULTS_URL"}, "url_v2": {"ACTIONS_RESULTS_URL"},
		"token": {"ACTIONS_RUNTIME_TOKEN"},
	},
	"s3": {
		"region": {"AWS_REGION", "AWS_DEFAULT_REGION"}, "access_key_id": {"AWS_ACCESS_KEY_ID"},
		"secret_access_key": {"AWS_SECRET_ACCESS_KEY"}, "session_token": {"AWS_SESSION_TOKEN"},
	},
}

var cacheSecrets = []string{"token", "ghtoken", "access_key_id", "secret_access_key", "session_token"}

// ParseCache reads a cache as `docker buildx build` takes it: comma-separated
// key=value pairs (RFC 4180), one of which is the type. What the text leaves
// open is taken from the environment. The direction is CacheFrom or CacheTo.
func ParseCache(text, direction string, getenv func(string) string) (CacheEntry, error) {
	e := CacheEntry{Attrs: map[string]string{}}
	r := csv.NewReader(strings.NewReader(text))
	fields, err := r.Read()
	if err != nil || r.InputOffset() < int64(len(text)) {
		return e, errors.New("want type=TYPE,KEY=VALUE,…")
	}
	for _, f := range fields {
		key, value, ok := strings.Cut(strings.TrimSpace(f), "=")
		key = strings.ToLower(key)
		switch {
		case !ok:
			return e, errors.New("want type=TYPE,KEY=VALUE,…")
		case slices.Contains(cacheSecrets, key):
			return e, &cacheSecretError{key}
		case key == "type":
			e.Type = value
		default:
			e.Attrs[key] = value
		}
	}
	e.fill(getenv)
	return e, e.check(direction)
}

// cacheSecretError refuses a credential in a flag. It does not show it.
type cacheSecretError struct{ key string }

func (e *cacheSecretError) Error() string { return e.key + " is a credential, which no flag holds" }

// Hint is the way out.
func (e *cacheSecretError) Hint() string {
	for _, variables := range cacheEnvironment {
		if from := variables[e.key]; from != nil {
			return "set " + from[0] + " in the environment"
		}
	}
	return "leave it out"
}

// fill takes what is open from the environment.
func (e CacheEntry) fill(getenv func(string) string) {
	second, _ := strconv.ParseBool(getenv("ACTIONS_CACHE_SERVICE_V2"))
	for key, variables := range cacheEnvironment[e.Type] {
		if e.Attrs[key] != "" || key == "url_v2" && !second {
			continue
		}
		for _, v := range variables {
			if value := getenv(v); value != "" {
				e.Attrs[key] = value
				break
			}
		}
	}
}

func (e CacheEntry) check(direction string) error {
	required, ok := cacheBackends[e.Type]
	if !ok {
		return fmt.Errorf("want type=registry, gha, s3 or local, got %q", e.Type)
	}
	if e.Type == "local" {
		required = []string{direction}
	}
	for _, key := range required {
		if e.Attrs[key] != "" {
			continue
		}
		if e.Type == "gha" {
			return &noActionsError{}
		}
		return fmt.Errorf("type=%s needs %s=…", e.Type, key)
	}
	if direction == CacheFrom {
		return nil
	}
	// That a cache cannot be written never fails a build, asked for or not.
	if v, ok := e.Attrs["ignore-error"]; ok && v != "true" {
		return fmt.Errorf("ignore-error is always true, got %q", v)
	}
	delete(e.Attrs, "ignore-error")
	if e.Attrs["mode"] == "" {
		e.Attrs["mode"] = "min"
	}
	if mode := e.Attrs["mode"]; mode != "min" && mode != "max" {
		return fmt.Errorf("want mode=min or max, got %q", mode)
	}
	return nil
}

// noActionsError is about a cache of GitHub Actions outside of them.
type noActionsError struct{}

func (*noActionsError) Error() string {
	return "type=gha needs ACTIONS_RUNTIME_TOKEN and ACTIONS_RESULTS_URL"
}

// Hint is the way out.
func (*noActionsError) Hint() string {
	return "GitHub sets them for actions, not for `run` steps: use kiln's action, which hands them on, or type=registry"
}

// For puts a build's name (the recipe's, with the variant) and platform in the
// place of ${name} and ${platform}.
func (e CacheEntry) For(name, platform string) CacheEntry {
	r := strings.NewReplacer("${name}", name, "${platform}", strings.ReplaceAll(platform, "/", "-"))
	attrs := map[string]string{}
	for k, v := range e.Attrs {
		attrs[k] = r.Replace(v)
	}
	return CacheEntry{e.Type, attrs}
}

// String names the cache, without credentials.
func (e CacheEntry) String() string {
	words := []string{"type=" + e.Type}
	for _, k := range slices.Sorted(maps.Keys(e.Attrs)) {
		if !slices.Contains(cacheSecrets, k) && !strings.HasPrefix(k, "url") && k != "mode" {
			words = append(words, k+"="+e.Attrs[k])
		}
	}
	return strings.Join(words, ",")
}
