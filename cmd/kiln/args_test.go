package main

import (
	"io"
	"strings"
	"testing"
)

func TestFlagsFirst(t *testing.T) {
	commands := newApp(io.Discard, io.Discard).Commands
	for _, c := range []struct{ args, want string }{
		{"", ""},
		{"build r.yaml --push x/y", "build --push x/y r.yaml"},
		{"build r.yaml --push=x/y --load", "build --push=x/y --load r.yaml"},
		{"build --load r.yaml", "build --load r.yaml"},
		{"build r.yaml --load --tag a --tag b", "build --load --tag a --tag b r.yaml"},
		{"build r.yaml --tag", "build --tag r.yaml"},
		{"build r.yaml --unknown x", "build --unknown r.yaml x"},
		{"build --load -- --strange.yaml --push x", "build --load -- --strange.yaml --push x"},
		{"build - --load", "build --load -"},
		{"engine stop --force", "engine stop --force"},
		{"engine serve --a b --c", "engine serve --a b --c"},
		{"--help build", "--help build"},
		{"unknown a --b", "unknown a --b"},
	} {
		if got := strings.Join(flagsFirst(commands, strings.Fields(c.args)), " "); got != c.want {
			t.Errorf("flagsFirst(%q) is %q, want %q", c.args, got, c.want)
		}
	}
}
