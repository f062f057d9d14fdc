package recipes

import (
	"os"
	"path/filepath"
	"reflect"
)

// structureFile is a file of Google's container-structure-test, schema
// version 2.0.0 (its README, "Command Tests" and following).
type structureFile struct {
	SchemaVersion string              `yaml:"schemaVersion" kiln:"required,scalar"`
	Env           []structureEnv      `yaml:"globalEnvVars"`
	Commands      []structureCommand  `yaml:"commandTests"`
	FileExistence []structureFileTest `yaml:"fileExistenceTests"`
	FileContent   []structureContent  `yaml:"fileContentTests"`
	Metadata      *structureMetadata  `yaml:"metadataTest"`
	Licenses      []structureLicenses `yaml:"licenseTests"`
	RunOptions    *structureOptions   `yaml:"containerRunOptions"`
}

type structureEnv struct {
	Key     string `yaml:"key" kiln:"required"`
	Value   string `yaml:"value" kiln:"scalar"`
	IsRegex bool   `yaml:"isRegex"`
}

type structureCommand struct {
	Pos            Pos            `yaml:"-"`
	Name           string         `yaml:"name" kiln:"required,scalar"`
	Setup          [][]string     `yaml:"setup" kiln:"scalar"`
	Teardown       [][]string     `yaml:"teardown" kiln:"scalar"`
	Env            []structureEnv `yaml:"envVars"`
	Command        string         `yaml:"command" kiln:"required"`
	Args           []string       `yaml:"args" kiln:"scalar"`
	ExitCode       int            `yaml:"exitCode"`
	ExpectedOutput []string       `yaml:"expectedOutput" kiln:"scalar"`
	ExcludedOutput []string       `yaml:"excludedOutput" kiln:"scalar"`
	ExpectedError  []string       `yaml:"expectedError" kiln:"scalar"`
	ExcludedError  []string       `yaml:"excludedError" kiln:"scalar"`
}

type structureFileTest struct {
	Pos            Pos    `yaml:"-"`
	Name           string `yaml:"name" kiln:"required,scalar"`
	Path           string `yaml:"path" kiln:"required"`
	ShouldExist    *bool  `yaml:"shouldExist"`
	Permissions    string `yaml:"permissions"`
	UID            *int   `yaml:"uid"`
	GID            *int   `yaml:"gid"`
	IsExecutableBy string `yaml:"isExecutableBy"`
}

type structureContent struct {
	Pos      Pos      `yaml:"-"`
	Name     string   `yaml:"name" kiln:"required,scalar"`
	Path     string   `yaml:"path" kiln:"required"`
	Expected []string `yaml:"expectedContents" kiln:"scalar"`
	Excluded []string `yaml:"excludedContents" kiln:"scalar"`
}

type structureMetadata struct {
	Pos        Pos            `yaml:"-"`
	Env        []structureEnv `yaml:"envVars"`
	Labels     []structureEnv `yaml:"labels"`
	Ports      []string       `yaml:"exposedPorts" kiln:"scalar"`
	NotPorts   []string       `yaml:"unexposedPorts" kiln:"scalar"`
	Volumes    []string       `yaml:"volumes"`
	NotVolumes []string       `yaml:"unmountedVolumes"`
	Entrypoint []string       `yaml:"entrypoint" kiln:"scalar"`
	Cmd        []string       `yaml:"cmd" kiln:"scalar"`
	Workdir    string         `yaml:"workdir"`
	User       string         `yaml:"user" kiln:"scalar"`
}

type structureLicenses struct {
	Pos    Pos      `yaml:"-"`
	Debian bool     `yaml:"debian"`
	Files  []string `yaml:"files"`
}

// structureOptions are read to be refused by name.
type structureOptions struct {
	User         string   `yaml:"user" kiln:"scalar"`
	Privileged   bool     `yaml:"privileged"`
	TTY          bool     `yaml:"allocateTty"`
	EnvFile      string   `yaml:"envFile"`
	EnvVars      []string `yaml:"envVars"`
	Capabilities []string `yaml:"capabilities"`
	BindMounts   []string `yaml:"bindMounts"`
}

// readStructureTests reads the files that tests of the recipe name. Their
// mistakes are an [*Errors] with places in them.
func readStructureTests(r *Recipe) error {
	for i := range r.Tests {
		t := &r.Tests[i]
		if t.StructureTest == "" {
			continue
		}
		raw, err := readBelow(filepath.Dir(r.File), t.StructureTest)
		if err != nil {
			p := &problems{file: r.File}
			p.add(r.Pos(index("tests", i)+".structure-test"), "it is looked for in the recipe's folder and below, where links may not lead out", "reading structure test: %v", err)
			return p.err()
		}
		file := filepath.Join(filepath.Dir(r.File), filepath.FromSlash(t.StructureTest))
		if t.Structure, err = ParseStructureTest(file, raw); err != nil {
			return err
		}
		t.StructureText = raw
	}
	return nil
}

// readBelow is [readFile] for a file below dir, wherever links lead.
func readBelow(dir, file string) ([]byte, error) {
	f, err := os.OpenInRoot(dir, file)
	if err != nil {
		return nil, err
	}
	return readOpen(f)
}

// ParseStructureTest reads a file of container-structure-test as tests of
// ours. Mistakes in it, and what cannot be tested as the file means it, are an
// [*Errors].
func ParseStructureTest(file string, raw []byte) ([]Test, error) {
	d := newDecoder(file)
	root := parseYAML(&d.problems, raw)
	if root == nil {
		return nil, d.err()
	}
	var f structureFile
	d.value(root, reflect.ValueOf(&f).Elem(), "", nil)
	c := &checker{decoder: d}
	tests := f.tests(c)
	for i := range tests {
		tests[i].File = file
	}
	if err := d.err(); err != nil {
		return nil, err
	}
	return tests, nil
}
