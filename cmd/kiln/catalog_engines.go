package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"os"
	"slices"
	"sync"
)

// enginePool shares recipes among engines: each goes to the same engine every
// time, as long as that one answers, so that its cache is of use there
// (rendezvous hashing). It is no scheduler: engines schedule themselves.
type enginePool struct {
	env       *environment
	addresses []string // the empty one is the embedded engine
	jobs      int

	reach   sync.Once
	err     error
	working []string
	slots   map[string]chan struct{}
}

func newEnginePool(env *environment, jobs int) *enginePool {
	p := &enginePool{env: env, addresses: env.engines.pool, jobs: jobs, slots: map[string]chan struct{}{}}
	if len(p.addresses) == 0 {
		p.addresses = []string{""}
	}
	return p
}

// take waits for a place on the engine for the recipe.
func (p *enginePool) take(ctx context.Context, recipe string) (address string, release func(), err error) {
	p.reach.Do(func() { p.err = p.probe(ctx) })
	if p.err != nil {
		return "", nil, p.err
	}
	address = slices.MaxFunc(p.working, func(a, b string) int { return affinity(recipe, a, b) })
	slot := p.slots[address]
	select {
	case slot <- struct{}{}:
		return address, func() { <-slot }, nil
	case <-ctx.Done():
		return "", nil, ctx.Err()
	}
}

func affinity(recipe, a, b string) int {
	weight := func(address string) uint64 {
		h := fnv.New64a()
		fmt.Fprintf(h, "%s\n%s", address, recipe)
		x := h.Sum64() // FNV's high bits hardly differ for texts that end alike
		x ^= x >> 33
		x *= 0xff51afd7ed558ccd
		return x ^ x>>33
	}
	switch wa, wb := weight(a), weight(b); {
	case wa < wb:
		return -1
	case wa > wb:
		return 1
	}
	return 0
}

// probe finds out which of several engines answer. One that does not is told,
// and left out.
func (p *enginePool) probe(ctx context.Context) error {
	var last error
	for _, address := range p.addresses {
		if len(p.addresses) > 1 {
			conn, err := p.env.connectTo(ctx, address)
			if err != nil {
				last = err
				fmt.Fprintf(os.Stderr, "note: an engine is left out: %v\n", err)
				continue
			}
			conn.Close() //nolint:errcheck // nothing is lost
		}
		p.working = append(p.working, address)
		p.slots[address] = make(chan struct{}, p.jobs)
	}
	if len(p.working) == 0 {
		return last
	}
	return nil
}
