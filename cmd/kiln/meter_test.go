package main

import (
	"bytes"
	"testing"
	"time"
)

func TestMeter(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(1000, 0)
	m := newMeter(&out, "downloading", true)
	m.now = func() time.Time { return now }
	m.report("a", 1e6, 4e6)
	m.report("b", 1e6, 6e6) // too soon to be shown
	now = now.Add(time.Second)
	m.report("b", 3e6, 6e6)
	m.clear()
	want := "\r\x1b[Kdownloading 1.0 MB of 4.0 MB" + "\r\x1b[Kdownloading 4.0 MB of 10.0 MB" + "\r\x1b[K"
	if got := out.String(); got != want {
		t.Errorf("meter wrote %q, want %q", got, want)
	}
}

func TestMeterInPipe(t *testing.T) {
	var out bytes.Buffer
	m := newMeter(&out, "downloading", false)
	m.report("a", 1, 2)
	m.clear()
	if out.Len() > 0 {
		t.Errorf("meter wrote %q into a pipe", out.String())
	}
}
