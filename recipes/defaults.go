package recipes

import (
	"path"
	"strings"
)

// What a recipe that does not say gets. None of it depends on the machine.
const (
	DefaultSuite    = "trixie"
	DefaultPlatform = "linux/amd64"
	DefaultUser     = "65532:65532"
	DefaultHome     = "/home/nonroot"
	DefaultWorkdir  = "/"
	DefaultWritable = "/tmp"

	defaultBuildFolder = "kiln-build"
)

func fillDefaults(r *Recipe) {
	fill(&r.Suite, DefaultSuite)
	if len(r.Platforms) == 0 {
		r.Platforms = []string{DefaultPlatform}
	}
	fill(&r.Image.User, DefaultUser)
	fill(&r.Image.Home, DefaultHome)
	fill(&r.Image.Workdir, DefaultWorkdir)
	if r.Runtime.Writable == nil {
		r.Runtime.Writable = []string{DefaultWritable}
	}
	for i := range r.Sources {
		r.Sources[i].Into = cleanInto(r.Sources[i].Into)
	}
	for i := range r.Build.Steps {
		fillStep(r.Name, &r.Build.Steps[i])
	}
}

func fillStep(name string, s *Step) {
	switch {
	case s.Go != nil:
		s.Go.Package = mainPackage(s.Go.Package)
		if s.Go.Trimpath == nil {
			s.Go.Trimpath = new(true)
		}
	case s.Make != nil:
		fillInstall(&s.Make.Install)
	case s.Autotools != nil:
		fill(&s.Autotools.Script, "configure")
		fillInstall(&s.Autotools.Install)
	case s.CMake != nil:
		fill(&s.CMake.Type, "Release")
		fill(&s.CMake.Build, defaultBuildFolder)
	case s.Cargo != nil:
		fill(&s.Cargo.Profile, "release")
		fill(&s.Cargo.Prefix, "/usr")
		fill(&s.Cargo.Crates, CratesLocked)
	case s.Npm != nil:
		fill(&s.Npm.Output, "/usr/lib/node_modules/"+name)
	case s.Python != nil:
		fill(&s.Python.Output, "/usr/lib/"+name)
	case s.Java != nil && s.Java.Builds():
		fill(&s.Java.Repository, RepositoryLocked)
	case s.Meson != nil:
		fill(&s.Meson.Type, "release")
		fill(&s.Meson.Build, defaultBuildFolder)
	}
}

// mainPackage is how the go command needs a main package written. The import
// path of another module's begins with a host's name, and so with a dot in its
// first element; all else is a folder of the module.
func mainPackage(p string) string {
	host, _, below := strings.Cut(p, "/")
	foreign := below && strings.Contains(host, ".") && host != "."
	if p = path.Clean(p); p == "." || foreign {
		return p
	}
	return "./" + p
}

func cleanInto(into string) string {
	if into = path.Clean(into); into == "." {
		return ""
	}
	return into
}

func fillInstall(targets *[]string) {
	if *targets == nil {
		*targets = []string{"install"}
	}
}

func fill(s *string, otherwise string) {
	if *s == "" {
		*s = otherwise
	}
}
