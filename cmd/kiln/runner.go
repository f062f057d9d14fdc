package main

import (
	"fmt"
	"os"

	"github.com/kiln-build/kiln/builder"
)

// readRunner returns the program that runs tests on an engine of the
// architecture, from beside kiln itself.
func readRunner(arch string) ([]byte, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding kiln itself: %w", err)
	}
	return builder.ReadRunner(self, arch)
}
