package builder

import (
	"fmt"
	"os"
	"path"
	"runtime"
	"slices"

	"github.com/kiln-build/kiln/builder/runner"
)

// What an emulator needs besides the program that it executes: memory for code
// that it has translated, in bytes, and a thread of its own in each process.
const emulatorMemory = 256 << 20

// emulator is what executes programs that neither the engine's processor nor,
// by binfmt_misc, its kernel can execute: one of this machine, where that is
// like the engine's. Without one it is empty, and the tests cannot be run.
func (t *tester) emulator() string {
	if slices.Contains(t.runs, t.arch) || t.native != runtime.GOARCH || t.engine.Emulator == nil {
		return ""
	}
	return t.engine.Emulator(t.arch)
}

// addPrograms puts the runner, and the emulator where one is needed, into an
// image of their own.
func (t *tester) addPrograms(goos string) error {
	runnerProgram, err := t.engine.runner(t.native)
	if err != nil {
		return err
	}
	programs := map[string][]byte{path.Base(runner.ProgramPath): runnerProgram}
	if file := t.emulator(); file != "" {
		if programs[path.Base(runner.EmulatorPath)], err = os.ReadFile(file); err != nil {
			return fmt.Errorf("reading the emulator: %w", err)
		}
		t.emulated = true
	}
	t.program, err = t.engine.filesImage(goos, t.native, "the test runner", 0o555, programs)
	return err
}

// emulate gives the job what the emulator needs.
func (t *tester) emulate(j *runner.Job) {
	if !t.emulated {
		return
	}
	j.Emulator = runner.EmulatorPath
	if j.Memory > 0 {
		j.Memory += emulatorMemory
	}
	j.Pids *= 2
}
