package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/recipes"
)

func TestNamedMirrors(t *testing.T) {
	env := &environment{mirrors: []string{"http://127.0.0.1/debian", "debian-security=http://127.0.0.1/security", "http://127.0.0.1/x?a=b"}}
	got, err := env.mirrorURLs(&recipes.Lock{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		"debian":          {"http://127.0.0.1/debian", "http://127.0.0.1/x?a=b"},
		"debian-security": {"http://127.0.0.1/security"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("mirrors (-want +got):\n%s", d)
	}
}

func TestSnapshot(t *testing.T) {
	lock := &recipes.Lock{Archives: []recipes.Archive{{Date: "2026-11-20T02:11:10Z"}, {Date: "2026-09-12T07:55:41Z"}}}
	at := snapshotTime(lock)
	if want := time.Date(2026, 11, 20, 14, 11, 10, 0, time.UTC); !at.Equal(want) {
		t.Errorf("snapshotTime: got %v, want %v", at, want)
	}
	got := withSnapshot(map[string][]string{"debian": {"http://127.0.0.1/debian"}}, at)
	want := map[string][]string{
		"debian":          {"http://127.0.0.1/debian", "https://snapshot.debian.org/archive/debian/20261120T141110Z"},
		"debian-security": {"https://snapshot.debian.org/archive/debian-security/20261120T141110Z"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("mirrors (-want +got):\n%s", d)
	}
}
