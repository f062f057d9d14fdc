// Package bitwise finds where two images that should be the same bytes differ:
// in manifest and configuration field by field, in layers entry by entry, and
// in a program section by section.
//
// It is for who has built an image again and got another digest. What the
// images hold for people - packages, licenses, sizes - is not its business.
// Start at [Compare].
package bitwise

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Difference is one thing that is not the same.
type Difference struct {
	// Where is manifest, config or a layer, and what in it.
	Where string `json:"where"`
	// What says how the two differ: the first image's side first.
	What string `json:"what"`
}

// String is the difference in one line.
func (d Difference) String() string { return d.Where + ": " + d.What }

// Compare lists the differences between the images a and b, in the order of
// what they hold. It is empty where their manifests are the same bytes.
func Compare(a, b v1.Image) ([]Difference, error) {
	c := &comparison{}
	am, bm, err := both(a, b, v1.Image.RawManifest)
	if err != nil {
		return nil, err
	}
	if string(am) == string(bm) {
		return nil, nil
	}
	ac, bc, err := both(a, b, v1.Image.RawConfigFile)
	if err != nil {
		return nil, err
	}
	al, bl, err := both(a, b, v1.Image.Layers)
	if err != nil {
		return nil, err
	}
	if err := c.document("manifest", am, bm); err != nil {
		return nil, err
	}
	if err := c.document("config", ac, bc); err != nil {
		return nil, err
	}
	if len(al) != len(bl) {
		c.add("layers", "%d against %d", len(al), len(bl))
	}
	for i := range min(len(al), len(bl)) {
		if err := c.layers("layer "+strconv.Itoa(i+1), al[i], bl[i]); err != nil {
			return nil, fmt.Errorf("comparing layer %d: %w", i+1, err)
		}
	}
	return c.found, nil
}

// Documents lists the differences between two JSON documents that should be
// the same bytes, such as the manifests of indexes.
func Documents(where string, a, b []byte) ([]Difference, error) {
	c := &comparison{}
	err := c.document(where, a, b)
	return c.found, err
}

func both[T any](a, b v1.Image, read func(v1.Image) (T, error)) (left, right T, err error) {
	if left, err = read(a); err == nil {
		right, err = read(b)
	}
	if err != nil {
		return left, right, fmt.Errorf("comparing images: %w", err)
	}
	return left, right, nil
}

// comparison gathers differences.
type comparison struct {
	found []Difference
}

func (c *comparison) add(where, format string, args ...any) {
	c.found = append(c.found, Difference{where, fmt.Sprintf(format, args...)})
}

// document compares JSON field by field. Where only the order or the white
// space differs, that is said.
func (c *comparison) document(where string, a, b []byte) error {
	if string(a) == string(b) {
		return nil
	}
	left, right := map[string]string{}, map[string]string{}
	if err := flatten(a, left); err != nil {
		return fmt.Errorf("comparing %s: %w", where, err)
	}
	if err := flatten(b, right); err != nil {
		return fmt.Errorf("comparing %s: %w", where, err)
	}
	before := len(c.found)
	for _, k := range names(left, right) {
		l, inLeft := left[k]
		r, inRight := right[k]
		switch {
		case !inRight:
			c.add(where+" "+k, "%s against nothing", clip(l))
		case !inLeft:
			c.add(where+" "+k, "nothing against %s", clip(r))
		case l != r:
			c.add(where+" "+k, "%s against %s", clip(l), clip(r))
		}
	}
	if len(c.found) == before {
		c.add(where, "the same fields, written in another way")
	}
	return nil
}

// names are those of both sides, sorted.
func names[T any](a, b map[string]T) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

// flatten notes every value below a JSON document by its path.
func flatten(raw []byte, into map[string]string) error {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	return walk(v, "", into)
}

func walk(v any, at string, into map[string]string) error {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			if err := walk(inner, at+"."+k, into); err != nil {
				return err
			}
		}
		return nil
	case []any:
		for i, inner := range v {
			if err := walk(inner, at+"["+strconv.Itoa(i)+"]", into); err != nil {
				return err
			}
		}
		return nil
	}
	text, err := json.Marshal(v)
	into[at] = string(text)
	return err
}

// clip keeps a value to what a line can hold.
func clip(s string) string {
	if len(s) > 160 {
		return s[:160] + "…"
	}
	return s
}

// layers compares two layers that should be the same blob.
func (c *comparison) layers(where string, a, b v1.Layer) error {
	ad, err := a.Digest()
	if err != nil {
		return err
	}
	bd, err := b.Digest()
	if err != nil || ad == bd {
		return err
	}
	l, err := open(a)
	if err != nil {
		return err
	}
	defer l.close()
	r, err := open(b)
	if err != nil {
		return err
	}
	defer r.close()
	before := len(c.found)
	if err := c.archives(where, l, r); err != nil {
		return err
	}
	if len(c.found) == before && l.sum == r.sum {
		c.add(where, "the same archive, compressed to other bytes")
	} else if len(c.found) == before {
		c.add(where, "the same entries, written in another way")
	}
	return nil
}

// firstDifference is the first place at which two streams differ, and how many
// bytes do up to the end of the shorter one.
func firstDifference(a, b io.Reader) (first, count int64, err error) {
	first = -1
	la, lb := make([]byte, 64<<10), make([]byte, 64<<10)
	for at := int64(0); ; {
		na, erra := io.ReadFull(a, la)
		nb, errb := io.ReadFull(b, lb)
		for i := range min(na, nb) {
			if la[i] != lb[i] {
				if first < 0 {
					first = at + int64(i)
				}
				count++
			}
		}
		n := min(na, nb)
		at += int64(n)
		if na != nb && first < 0 {
			first = at
		}
		for _, err := range []error{erra, errb} {
			if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF { //nolint:errorlint // io.ReadFull's own
				return first, count, err
			}
		}
		if erra != nil || errb != nil {
			return first, count, nil
		}
	}
}
