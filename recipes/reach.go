package recipes

// How far a program gets to what an advisory is about.
const (
	// ReachRequired: it is linked with the module, not with the package.
	ReachRequired = "required"
	// ReachImported: it is linked with the package, and calls no function in
	// it that the advisory is about.
	ReachImported = "imported"
	// ReachCalled: it may call such a function.
	ReachCalled = "called"
)

// Reach is what an analysis of the service's source says of an advisory about
// a Go module that it is built with.
type Reach struct {
	// Advisory is an id of the Go vulnerability database, and Module the
	// module, or stdlib.
	Advisory string `json:"advisory"`
	Module   string `json:"module"`
	// Level is one of the constants, the highest of all programs.
	Level string `json:"level"`
	// Stack is how a function that the advisory is about is called, the
	// service's own function first, each as "package.function file:line:column".
	Stack []string `json:"stack,omitempty"`
}

// Analysis is what was analysed and by what.
type Analysis struct {
	// Analyser is the program's name and version, and Go the version of Go
	// whose standard library the service has.
	Analyser string `json:"analyser"`
	Go       string `json:"go"`
	// Programs are the paths in the image of the programs that were analysed.
	Programs []string `json:"programs"`
	Reaches  []Reach  `json:"reaches"`
}
