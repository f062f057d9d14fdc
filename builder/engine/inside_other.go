//go:build !linux

package engine

import (
	"errors"
	"syscall"
)

func childAttributes(*launch) *syscall.SysProcAttr { return nil }

func becomeBuildkitd(*launch) error { return errors.New("buildkitd runs on Linux only") }

func removeCgroups(*launch) {}

func startTicks(int) string { return "" }
