package recipes

import (
	"path"
	"strings"

	"gopkg.in/yaml.v3"
)

// Kinds of sources, as in [LockedSource].
const (
	KindArchive = "archive"
	KindGit     = "git"
	KindGo      = "go"
	KindDebian  = "debian"
	KindLocal   = "local"
)

// Kinds of steps besides KindGo.
const (
	KindMake      = "make"
	KindAutotools = "autotools"
	KindCMake     = "cmake"
	KindMeson     = "meson"
	KindCargo     = "cargo"
	KindNpm       = "npm"
	KindPython    = "python"
	KindJava      = "java"
	KindRun       = "run"
	KindFetch     = "fetch"
)

// kinds are the ones that s has; in a checked recipe that is one.
func (s Source) kinds() []string { return present(s.kindSets()) }

func (s Source) kindSets() []kindSet {
	return []kindSet{
		{KindArchive, s.Archive != nil}, {KindGit, s.Git != nil}, {KindGo, s.Go != ""},
		{KindDebian, s.Debian != nil}, {KindLocal, s.Local != nil},
	}
}

// Kind is archive, git, go, debian or local.
func (s Source) Kind() string { return first(s.kinds()) }

// String is the kind and the name of the source, for people; of URLs it has
// only the last element.
func (s Source) String() string {
	name := ""
	switch s.Kind() {
	case KindArchive:
		name = urlBase(s.Archive.URL)
	case KindGit:
		name = urlBase(s.Git.URL)
		for _, at := range []string{s.Git.Ref, s.Git.Commit} {
			if at != "" {
				name += "@" + at
			}
		}
	case KindGo:
		name = s.Go
	case KindDebian:
		name = strings.TrimSuffix(s.Debian.Package+"="+s.Debian.Version, "=")
	case KindLocal:
		name = s.Local.Path
	}
	return s.Kind() + " " + name
}

func urlBase(url string) string {
	url, _, _ = strings.Cut(url, "#")
	url, _, _ = strings.Cut(url, "?")
	return path.Base(strings.TrimRight(url, "/"))
}

func (s Step) kinds() []string { return present(s.kindSets()) }

func (s Step) kindSets() []kindSet {
	return []kindSet{
		{KindGo, s.Go != nil}, {KindMake, s.Make != nil}, {KindAutotools, s.Autotools != nil},
		{KindCMake, s.CMake != nil}, {KindMeson, s.Meson != nil},
		{KindCargo, s.Cargo != nil}, {KindNpm, s.Npm != nil}, {KindPython, s.Python != nil},
		{KindJava, s.Java != nil}, {KindRun, s.Run != nil}, {KindFetch, s.Fetch != nil},
	}
}

// Kind is the name that the step has in a recipe, such as go or run.
func (s Step) Kind() string { return first(s.kinds()) }

// variety is the kind of the step, as far as it decides which packages the
// step needs besides its toolchain.
func (s Step) variety() string {
	switch {
	case s.Go != nil && s.Go.Cgo:
		return "cgo"
	case s.Cargo != nil && s.Cargo.Crates == CratesLocked:
		return "cargo+fetch"
	case s.Java != nil && len(s.Java.Gradle) > 0:
		return "java+gradle"
	case s.Java != nil && len(s.Java.Maven) > 0 && s.Java.Repository == RepositoryDebian && s.Java.Libraries != "":
		return "java+maven+debian+libraries"
	case s.Java != nil && len(s.Java.Maven) > 0:
		return "java+maven+" + s.Java.Repository
	}
	return s.Kind()
}

// Tools are the toolchains that the step cannot do without.
func (s Step) Tools() []string {
	switch {
	case s.Go != nil && (s.Go.Cgo || s.Go.Pie != nil && *s.Go.Pie):
		return []string{"go", "gcc"}
	case s.Go != nil:
		return []string{"go"}
	case s.CMake != nil:
		return []string{"gcc", "cmake"}
	case s.Meson != nil:
		return []string{"gcc", "meson"}
	case s.Cargo != nil:
		return []string{"rust"}
	case s.Npm != nil:
		return []string{"node"}
	case s.Python != nil:
		return []string{"python"}
	case s.Java != nil:
		return []string{"java"}
	}
	return nil
}

// Fetches reports whether the step has a phase with network, whose files are
// in the lock.
func (s Step) Fetches() bool {
	return s.Go != nil || s.Fetch != nil || s.Npm != nil || s.Cargo != nil && s.Cargo.Crates == CratesLocked ||
		s.Python != nil && s.Python.Requirements != "" && s.Python.Wheels == "" ||
		s.Java != nil && s.Java.Builds() && s.Java.Repository == RepositoryLocked
}

// kindSet is a kind that there is of something, and whether this is of it.
type kindSet struct {
	kind string
	set  bool
}

func present(all []kindSet) []string {
	var list []string
	for _, k := range all {
		if k.set {
			list = append(list, k.kind)
		}
	}
	return list
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// noun: the fields of a source and of a step are called by what they make it.
func (Source) noun() string { return "source" }
func (Step) noun() string   { return "step" }

func (DebianSource) short(k yaml.Kind) string {
	return map[yaml.Kind]string{yaml.ScalarNode: "package"}[k]
}

func (LocalSource) short(k yaml.Kind) string { return map[yaml.Kind]string{yaml.ScalarNode: "path"}[k] }

func (RunStep) short(k yaml.Kind) string {
	return map[yaml.Kind]string{yaml.SequenceNode: "command", yaml.ScalarNode: "script"}[k]
}
