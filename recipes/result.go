package recipes

import "time"

// How a test ended.
const (
	StatusPassed = "passed"
	StatusFailed = "failed"
	// StatusNotRun: the engine could not run it, and the reason is no fault
	// of the image.
	StatusNotRun = "not run"
)

// TestResult is how one of a recipe's tests ended.
type TestResult struct {
	Name string `json:"name"`
	// Kind is run, http, tcp, files or metadata.
	Kind string `json:"kind"`
	// File is the structure test that it is from; empty is the recipe.
	File string `json:"file,omitempty"`
	// Pos is where the test stands in File, or the recipe.
	Pos Pos `json:"-"`
	// Status is one of the constants, and Reason why it is not StatusPassed.
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
	// Run is the command of a run test, with its arguments, and Exit its exit
	// code.
	Run  []string `json:"run,omitempty"`
	Exit int      `json:"exit,omitempty"`
	// Emulated is whether the image's programs ran on an emulator.
	Emulated bool `json:"emulated,omitempty"`
	// Syscalls are the names of the system calls that the programs made, where
	// they were traced.
	Syscalls []string `json:"-"`
	// Duration is for people. It is in no statement.
	Duration time.Duration `json:"-"`
}
