package recipes

import (
	"strings"
	"time"
)

// Kinds of tests besides KindRun.
const (
	KindHTTP          = "http"
	KindTCP           = "tcp"
	KindFiles         = "files"
	KindMetadata      = "metadata"
	KindStructureTest = "structure-test"
)

// Test is one test of the finished image. Exactly one of Run, HTTP, TCP,
// Files, Metadata and StructureTest is set. Expected texts must occur in what
// comes; between slashes (/…/) they are regular expressions.
type Test struct {
	Pos Pos `yaml:"-"`
	// File is the structure test that the test is from, as its path is to be
	// shown; empty is the recipe itself.
	File string `yaml:"-"`
	// Name is how reports call the test. Empty is what it does.
	Name string `yaml:"name"`

	// Run is a command of the image.
	Run []string `yaml:"run"`
	// HTTP are requests to the service, in order; one stands for a list of
	// it.
	HTTP []HTTPTest `yaml:"http" kiln:"single"`
	// TCP are connections to the service, in order; one stands for a list of
	// it.
	TCP []TCPTest `yaml:"tcp" kiln:"single"`
	// Files is what must be so in the image's file system.
	Files []FileTest `yaml:"files" kiln:"single"`
	// Metadata is what the image's configuration must hold.
	Metadata *MetadataTest `yaml:"metadata"`
	// StructureTest is a file of Google's container-structure-test, relative
	// to the recipe's folder. Load reads it into Structure.
	StructureTest string `yaml:"structure-test"`

	// Exit is the exit code that Run must end with.
	Exit int `yaml:"exit"`
	// Stdout is what Run must write to standard output.
	Stdout []string `yaml:"stdout" kiln:"single"`
	// Stderr is what Run must write to standard error.
	Stderr []string `yaml:"stderr" kiln:"single"`
	// NotStdout and NotStderr must not occur in what it writes, and Setup and
	// Teardown are commands before and after it. Only structure tests have
	// them.
	NotStdout []string   `yaml:"-"`
	NotStderr []string   `yaml:"-"`
	Setup     [][]string `yaml:"-"`
	Teardown  [][]string `yaml:"-"`

	// Start is the command that starts the service for HTTP and TCP. Empty is
	// the image's entrypoint with its arguments.
	Start []string `yaml:"start"`
	// Ready is how long the service may take until it listens, and until it
	// answers requests that change nothing without server errors, as "30s".
	// Empty is DefaultReady.
	Ready string `yaml:"ready" kiln:"scalar"`
	// Timeout is how long the whole test may take, as "2m". Empty is the
	// engine's default.
	Timeout string `yaml:"timeout" kiln:"scalar"`
	// Env is added to the image's environment.
	Env map[string]string `yaml:"env" kiln:"scalar,shell"`

	// Structure is what StructureTest holds, and StructureText its text.
	Structure     []Test `yaml:"-"`
	StructureText []byte `yaml:"-"`
}

// DefaultReady is how long a service may take until it is ready.
const DefaultReady = 30 * time.Second

// HTTPTest is a request to the service, and the answer that must come.
type HTTPTest struct {
	Pos Pos `yaml:"-"`
	// Port is the service's; 0 is the first TCP port of the image.
	Port int `yaml:"port"`
	// Method is the request's; empty is GET, or POST where there is a Body.
	Method string `yaml:"method"`
	// Path begins with a slash and may have a query. Empty is /.
	Path string `yaml:"path"`
	// Headers are sent with the request.
	Headers map[string]string `yaml:"headers" kiln:"scalar,shell"`
	// Body is sent with the request.
	Body string `yaml:"body" kiln:"shell"`
	// Status is the status code that must come; 0 is 200.
	Status int `yaml:"status"`
	// ExpectHeaders must be among the answer's.
	ExpectHeaders map[string]string `yaml:"expect-headers" kiln:"scalar,shell"`
	// Expect must occur in the answer's body.
	Expect []string `yaml:"expect" kiln:"single,shell"`
}

// TCPTest is a connection to the service: what is sent, and what must come.
type TCPTest struct {
	Pos Pos `yaml:"-"`
	// Port is the service's; 0 is the first TCP port of the image.
	Port int `yaml:"port"`
	// Send is written when the connection stands. It may hold any character.
	Send string `yaml:"send" kiln:"shell,control"`
	// Expect must occur in the answer. When it has come, no more is waited
	// for.
	Expect []string `yaml:"expect" kiln:"single,shell,control"`
}

// FileTest says what the image has at a path. Links on the way are followed,
// and so is one at the path itself, unless Type is link.
type FileTest struct {
	Pos Pos `yaml:"-"`
	// Path is absolute and clean.
	Path string `yaml:"path" kiln:"required"`
	// Absent is whether nothing may be there.
	Absent bool `yaml:"absent"`
	// Type is file, folder or link; empty is any.
	Type string `yaml:"type"`
	// Mode are the permission bits in octal, as "0755".
	Mode string `yaml:"mode" kiln:"scalar"`
	// Owner is uid:gid.
	Owner string `yaml:"owner" kiln:"scalar"`
	// Target is where a link leads, as it is written in it.
	Target string `yaml:"target"`
	// Content must occur in the file.
	Content []string `yaml:"content" kiln:"single,shell"`
	// NotContent must not, and Executable is who may execute it: owner,
	// group, other or any. UID and GID are halves of an owner. Only structure
	// tests have them.
	NotContent []string `yaml:"-"`
	Executable string   `yaml:"-"`
	UID, GID   *int     `yaml:"-"`
	// Licenses is whether every package's copyright file must be there.
	Licenses bool `yaml:"-"`
}

// MetadataTest says what the image's configuration must hold. Of maps and of
// ports and volumes there may be more.
type MetadataTest struct {
	// User is uid:gid.
	User string `yaml:"user" kiln:"scalar"`
	// Entrypoint is the program and its first arguments.
	Entrypoint []string `yaml:"entrypoint"`
	// Args are the arguments after those of Entrypoint.
	Args []string `yaml:"args"`
	// Env are environment variables. Between slashes a value is a regular
	// expression.
	Env map[string]string `yaml:"env" kiln:"scalar,shell"`
	// Workdir is the folder that the service starts in.
	Workdir string `yaml:"workdir"`
	// Ports are port or port/protocol.
	Ports []string `yaml:"ports" kiln:"single,scalar"`
	// Volumes are folders.
	Volumes []string `yaml:"volumes"`
	// Labels are as Env.
	Labels map[string]string `yaml:"labels" kiln:"scalar,shell"`
	// StopSignal is the name of a signal.
	StopSignal string `yaml:"stop-signal"`
	// NotPorts and NotVolumes must not be there. Only structure tests have
	// them.
	NotPorts   []string `yaml:"-"`
	NotVolumes []string `yaml:"-"`
}

// kinds are the ones that t has; in a checked recipe that is one.
func (t Test) kinds() []string { return present(t.kindSets()) }

func (t Test) kindSets() []kindSet {
	return []kindSet{
		{KindRun, t.Run != nil}, {KindHTTP, t.HTTP != nil}, {KindTCP, t.TCP != nil},
		{KindFiles, t.Files != nil}, {KindMetadata, t.Metadata != nil},
		{KindStructureTest, t.StructureTest != ""},
	}
}

// Kind is run, http, tcp, files, metadata or structure-test.
func (t Test) Kind() string { return first(t.kinds()) }

// Title is what reports call the test: its name, or else what it does.
func (t Test) Title() string {
	switch {
	case t.Name != "":
		return t.Name
	case t.HTTP != nil:
		return "http " + t.HTTP[0].method() + " " + t.HTTP[0].path()
	case t.TCP != nil:
		return "tcp"
	case t.Files != nil:
		return "files " + t.Files[0].Path
	case t.Metadata != nil:
		return KindMetadata
	case t.StructureTest != "":
		return t.StructureTest
	}
	return strings.Join(t.Run, " ")
}

// Limit is how long the test may take.
func (t Test) Limit(otherwise time.Duration) time.Duration { return duration(t.Timeout, otherwise) }

// ReadyLimit is how long its service may take until it listens.
func (t Test) ReadyLimit() time.Duration { return duration(t.Ready, DefaultReady) }

func duration(s string, otherwise time.Duration) time.Duration {
	if d, err := time.ParseDuration(s); err == nil {
		return d
	}
	return otherwise
}

func (h HTTPTest) method() string {
	switch {
	case h.Method != "":
		return h.Method
	case h.Body != "":
		return "POST"
	}
	return "GET"
}

func (h HTTPTest) path() string {
	if h.Path == "" {
		return "/"
	}
	return h.Path
}
