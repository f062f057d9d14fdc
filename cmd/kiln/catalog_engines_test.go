package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestEnginePool: a recipe goes to the same engine every time, and where one
// engine is gone only its own recipes go elsewhere.
func TestEnginePool(t *testing.T) {
	choose := func(addresses ...string) map[string]string {
		p := &enginePool{jobs: 1, slots: map[string]chan struct{}{}}
		p.reach.Do(func() {})
		for _, a := range addresses {
			p.working, p.slots[a] = append(p.working, a), make(chan struct{}, 1)
		}
		chosen := map[string]string{}
		for i := range 300 {
			recipe := fmt.Sprintf("service-%d", i)
			address, release, err := p.take(t.Context(), recipe)
			if err != nil {
				t.Fatal(err)
			}
			release()
			chosen[recipe] = address
		}
		return chosen
	}
	three := choose("tcp://a:1", "tcp://b:1", "tcp://c:1")
	again := choose("tcp://c:1", "tcp://a:1", "tcp://b:1")
	two := choose("tcp://a:1", "tcp://c:1")
	count := map[string]int{}
	for recipe, address := range three {
		count[address]++
		if again[recipe] != address {
			t.Errorf("%s goes to %s, then to %s", recipe, address, again[recipe])
		}
		if address != "tcp://b:1" && two[recipe] != address {
			t.Errorf("%s leaves %s though that is there", recipe, address)
		}
	}
	for address, n := range count {
		if n < 60 || n > 140 {
			t.Errorf("%s has %d of 300 recipes", address, n)
		}
	}
	if len(count) != 3 {
		t.Errorf("got recipes on %d engines of 3", len(count))
	}
}

// TestEnginePoolLimit: no more than --jobs at a time, and waiting ends with the
// context.
func TestEnginePoolLimit(t *testing.T) {
	p := newEnginePool(&environment{}, 1)
	_, release, err := p.take(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, _, err := p.take(ctx, "b"); err == nil {
		t.Error("two are on an engine for one")
	}
	release()
	if _, _, err := p.take(t.Context(), "b"); err != nil {
		t.Error(err)
	}
}

func TestEnginesThatDoNotAnswer(t *testing.T) {
	none := []string{"unix:///nonexistent/a.sock", "unix:///nonexistent/b.sock"}
	p := newEnginePool(&environment{engines: engineAddresses{pool: none}}, 1)
	if _, _, err := p.take(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "connecting to engine") {
		t.Errorf("got %v", err)
	}
}

func TestCatalogScreen(t *testing.T) {
	var out bytes.Buffer
	s := newCatalogScreen(&out, false)
	w := s.about("nats")
	for _, text := range []string{"locking ", "nats\nnext", "\n::warning title=kiln::x\n", "rest"} {
		fmt.Fprint(w, text)
	}
	s.began("nats")
	s.ended(&outcome{Name: "same", Status: statusUnchanged})
	s.ended(&outcome{Name: "over", Version: "1", Status: statusSkipped, Reason: "nats, which it stands on, was not built"})
	s.left("nats")
	want := "nats: locking nats\nnats: next\n::warning title=kiln::x\nover 1  skipped: nats, which it stands on, was not built  (0.0 s)\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
