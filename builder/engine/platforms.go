package engine

import (
	"context"
	"fmt"
	"slices"
)

// Platforms are those, as os/arch, whose programs the daemon's workers run:
// first the one of its machine, then what that machine emulates.
func (e *Engine) Platforms(ctx context.Context) ([]string, error) {
	workers, err := e.ListWorkers(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking engine %s: %w", e.where, err)
	}
	var list []string
	for _, w := range workers {
		for _, p := range w.Platforms {
			if name := p.OS + "/" + p.Architecture; !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("asking engine %s: it has no worker", e.where)
	}
	return list, nil
}
