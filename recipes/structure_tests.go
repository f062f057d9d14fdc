package recipes

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// tests turns the file's entries into tests of ours.
func (f *structureFile) tests(c *checker) []Test {
	if f.SchemaVersion != "" && f.SchemaVersion != "2.0.0" {
		c.bad("schemaVersion", "there is 2.0.0", "unknown schemaVersion %q", clip(f.SchemaVersion))
	}
	if f.RunOptions != nil {
		c.bad("containerRunOptions", "take it out; say in the recipe's `runtime` what the service may have",
			"containerRunOptions change what a container may do, and tests run as the service will")
	}
	global := envOf(c, "globalEnvVars", f.Env, false)
	var all []Test
	for i, t := range f.Commands {
		all = append(all, t.test(c, index("commandTests", i), global))
	}
	for i, t := range f.FileExistence {
		all = append(all, t.test(c, index("fileExistenceTests", i)))
	}
	for i, t := range f.FileContent {
		all = append(all, t.test(c, index("fileContentTests", i)))
	}
	if f.Metadata != nil {
		all = append(all, f.Metadata.test(c))
	}
	for i, t := range f.Licenses {
		all = append(all, t.test(c, index("licenseTests", i)))
	}
	if len(all) == 0 && !c.spoiled("") {
		c.bad("schemaVersion", "", "the file has no tests")
	}
	return all
}

// envOf are variables, or labels. What may be a regular expression is one
// between slashes; a plain text that looks like one is made one that means it.
func envOf(c *checker, at string, list []structureEnv, patterns bool) map[string]string {
	m := map[string]string{}
	for i, e := range list {
		switch value := e.Value; {
		case patterns && e.IsRegex:
			m[e.Key] = expressions(c, index(at, i)+".value", []string{value})[0]
		case !patterns && strings.Contains(value, "$"):
			c.bad(index(at, i)+".value", "write the value out", "%s is not expanded here", clip(value))
		case patterns && IsExpression(value):
			m[e.Key] = `/\A` + regexp.QuoteMeta(value) + `\z/`
		default:
			m[e.Key] = value
		}
	}
	return m
}

// expressions writes regular expressions as tests have them. An empty one
// matches anything.
func expressions(c *checker, at string, list []string) []string {
	var out []string
	for i, e := range list {
		e = "/" + cmp.Or(e, "(?:)") + "/"
		checkPatterns(c, index(at, i), []string{e})
		out = append(out, e)
	}
	return out
}

func (t structureCommand) test(c *checker, at string, env map[string]string) Test {
	all := envOf(c, at+".envVars", t.Env, false)
	for k, v := range env {
		if _, ok := all[k]; !ok {
			all[k] = v
		}
	}
	for name, list := range map[string][][]string{"setup": t.Setup, "teardown": t.Teardown} {
		for i, args := range list {
			if len(args) == 0 || args[0] == "" {
				c.bad(index(at+"."+name, i), "", "%s has no program", index(at+"."+name, i))
			}
		}
	}
	if t.ExitCode < 0 || t.ExitCode > 255 {
		c.bad(at+".exitCode", "", "exit code %d is not from 0 to 255", t.ExitCode)
	}
	return Test{
		Pos: t.Pos, Name: t.Name, Run: append([]string{t.Command}, t.Args...), Exit: t.ExitCode, Env: all,
		Setup: t.Setup, Teardown: t.Teardown,
		Stdout: expressions(c, at+".expectedOutput", t.ExpectedOutput), NotStdout: expressions(c, at+".excludedOutput", t.ExcludedOutput),
		Stderr: expressions(c, at+".expectedError", t.ExpectedError), NotStderr: expressions(c, at+".excludedError", t.ExcludedError),
	}
}

func (t structureFileTest) test(c *checker, at string) Test {
	f := FileTest{Pos: t.Pos, Path: structurePath(c, at+".path", t.Path)}
	if t.ShouldExist != nil && !*t.ShouldExist {
		f.Absent = true
		return Test{Pos: t.Pos, Name: t.Name, Files: []FileTest{f}}
	}
	f.UID, f.GID = t.UID, t.GID
	switch t.IsExecutableBy {
	case "", "owner", "group", "other", "any":
		f.Executable = t.IsExecutableBy
	default:
		who := []string{"owner", "group", "other", "any"}
		c.bad(at+".isExecutableBy", hint(t.IsExecutableBy, "there are", who), "%q is nobody", clip(t.IsExecutableBy))
	}
	if t.Permissions != "" {
		var ok bool
		if f.Type, f.Mode, ok = permissions(t.Permissions); !ok {
			c.bad(at+".permissions", "write them as -rw-r--r--", "%q are no permissions", clip(t.Permissions))
		}
	}
	return Test{Pos: t.Pos, Name: t.Name, Files: []FileTest{f}}
}

func structurePath(c *checker, at, p string) string {
	switch {
	case p == "":
	case !path.IsAbs(p):
		c.bad(at, "write it as in the image, such as /usr/bin/x", "%s %q is not absolute", at, clip(p))
	case slices.Contains(strings.Split(p, "/"), ".."):
		c.bad(at, "write it without ..", "%s %q leads out of its folder", at, clip(p))
	}
	return path.Clean(p)
}

// permissions reads a mode as Go's fs.FileMode prints it, which is what the
// files have: letters for the type and the special bits, then nine for the
// permissions.
func permissions(s string) (typ, mode string, ok bool) {
	if len(s) < 10 {
		return "", "", false
	}
	letters, bits := s[:len(s)-9], s[len(s)-9:]
	n := 0
	for i, r := range bits {
		switch r {
		case rune("rwxrwxrwx"[i]):
			n |= 1 << (8 - i)
		case '-':
		default:
			return "", "", false
		}
	}
	typ = "file"
	for _, r := range letters {
		switch r {
		case 'd':
			typ = "folder"
		case 'L':
			typ = "link"
		case 'u':
			n |= 0o4000
		case 'g':
			n |= 0o2000
		case 't':
			n |= 0o1000
		case '-':
		default:
			return "", "", false
		}
	}
	return typ, fmt.Sprintf("%04o", n), true
}

func (t structureContent) test(c *checker, at string) Test {
	return Test{Pos: t.Pos, Name: t.Name, Files: []FileTest{{
		Pos: t.Pos, Path: structurePath(c, at+".path", t.Path),
		Content:    expressions(c, at+".expectedContents", t.Expected),
		NotContent: expressions(c, at+".excludedContents", t.Excluded),
	}}}
}

func (t *structureMetadata) test(c *checker) Test {
	const at = "metadataTest"
	return Test{Pos: t.Pos, Name: KindMetadata, Metadata: &MetadataTest{
		Env: envOf(c, at+".envVars", t.Env, true), Labels: envOf(c, at+".labels", t.Labels, true),
		Ports: t.Ports, NotPorts: t.NotPorts, Volumes: t.Volumes, NotVolumes: t.NotVolumes,
		Entrypoint: t.Entrypoint, Args: t.Cmd, Workdir: t.Workdir, User: t.User,
	}}
}

// test wants the copyright file of every package, and the files that are
// named, to be there and not empty.
func (t structureLicenses) test(c *checker, at string) Test {
	test := Test{Pos: t.Pos, Name: "licenses"}
	if t.Debian {
		test.Files = append(test.Files, FileTest{Pos: t.Pos, Path: "/usr/share/doc/*/copyright", Licenses: true})
	}
	for i, f := range t.Files {
		test.Files = append(test.Files, FileTest{Pos: t.Pos, Path: structurePath(c, index(at+".files", i), f), Licenses: true})
	}
	if len(test.Files) == 0 {
		c.bad(at, "write `debian: true`, or name `files`", "%s asks for no license", at)
	}
	return test
}
