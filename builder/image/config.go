package image

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/recipes"
)

// config is the image's configuration (image-spec, config.md), over that of
// the base.
func (a *assembly) config(base *v1.ConfigFile) *v1.ConfigFile {
	c := base.DeepCopy()
	r := a.Recipe.Image
	c.Created = v1.Time{Time: time.Unix(a.Lock.Epoch.Seconds, 0).UTC()}
	c.Author = ""
	c.Config = v1.Config{
		User: r.User, Entrypoint: r.Entrypoint, Cmd: r.Args, WorkingDir: r.Workdir, StopSignal: r.StopSignal,
		Env: a.environment(base.Config.Env), Labels: a.labels(),
		ExposedPorts: set(r.Ports, port), Volumes: set(r.Volumes, func(s string) string { return s }),
	}
	return c
}

func set(list []string, name func(string) string) map[string]struct{} {
	if len(list) == 0 {
		return nil
	}
	m := map[string]struct{}{}
	for _, s := range list {
		m[name(s)] = struct{}{}
	}
	return m
}

func port(s string) string {
	if strings.Contains(s, "/") {
		return s
	}
	return s + "/tcp"
}

// environment is PATH and HOME, then the base's variables, then the recipe's.
func (a *assembly) environment(base []string) []string {
	env := map[string]string{
		"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME": a.Recipe.Image.Home,
	}
	for _, kv := range base {
		k, v, _ := strings.Cut(kv, "=")
		env[k] = v
	}
	maps.Copy(env, a.Recipe.Image.Env)
	var list []string
	for _, k := range slices.Sorted(maps.Keys(env)) {
		list = append(list, k+"="+env[k])
	}
	return list
}

// labels are the annotations without what is of the manifest alone, so that
// docker inspect shows them.
func (a *assembly) labels() map[string]string {
	m := a.describe()
	maps.Copy(m, a.Recipe.Image.Labels)
	if text, err := json.Marshal(a.Recipe.Runtime); err == nil { // always: it is plain data
		m[recipes.RuntimeLabel] = string(text)
	}
	return m
}

func (a *assembly) annotations() map[string]string {
	m := a.describe()
	maps.Copy(m, a.Recipe.Image.Annotations)
	m[KeyAnnotation] = a.Key
	return m
}

// describe are the pre-defined annotation keys (image-spec, annotations.md),
// and those of a variant.
func (a *assembly) describe() map[string]string {
	r := a.Recipe
	m := map[string]string{
		"title": r.Name, "version": r.Version, "description": r.Summary, "licenses": r.License, "url": r.Homepage,
		"created":  time.Unix(a.Lock.Epoch.Seconds, 0).UTC().Format(time.RFC3339),
		"revision": a.revision(), "source": a.source(),
	}
	m["base.name"], m["base.digest"] = a.baseName()
	annotated := map[string]string{}
	for k, v := range m {
		if v != "" {
			annotated["org.opencontainers.image."+k] = v
		}
	}
	if r.Variant != "" {
		annotated[VariantAnnotation] = r.Variant
		if a.debug {
			annotated[DebugAnnotation] = "true"
		}
	}
	return annotated
}

func (a *assembly) revision() string {
	for _, s := range a.Lock.Sources {
		if s.Kind == "git" {
			return s.Commit
		}
	}
	return ""
}

// source is the URL of the first source that has one.
func (a *assembly) source() string {
	for _, s := range a.Recipe.Sources {
		if u := sourceURL(s); u != "" {
			return u
		}
	}
	return ""
}

func sourceURL(s recipes.Source) string {
	switch {
	case s.Git != nil:
		return s.Git.URL
	case s.Archive != nil:
		return s.Archive.URL
	case s.Go != "":
		return goRepository(s.Go)
	}
	return ""
}

// goRepository is the repository of a module on a host where the first two
// elements after it name one; of others, only their server could tell.
func goRepository(module string) string {
	parts := strings.Split(strings.SplitN(module, "@", 2)[0], "/")
	known := []string{"github.com", "gitlab.com", "codeberg.org", "bitbucket.org"}
	if len(parts) < 3 || !slices.Contains(known, parts[0]) {
		return ""
	}
	return fmt.Sprintf("https://%s/%s/%s", parts[0], parts[1], parts[2])
}

// baseName returns the base's reference and digest where it is a registry
// image. A base that kiln assembled has neither, since no registry holds it.
func (a *assembly) baseName() (name, digest string) {
	if _, own := BasePackages(a.Recipe.Image.Base); own {
		return "", ""
	}
	name, digest, _ = strings.Cut(a.Recipe.Image.Base, "@")
	return name, digest
}
