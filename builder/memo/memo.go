// Package memo remembers on disk what was computed before from the same
// inputs: a layer that was written, a root file system that was assembled.
//
// What it keeps can be lost at any time and made anew. It is not for facts
// about the world, which change. Start at [Do].
package memo

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Dir is a folder of results.
type Dir string

// Key is the name of a result: a hash over everything that it depends on,
// including the version of the code that makes it, which must be in parts.
func Key(parts ...any) (string, error) {
	h := sha256.New()
	if err := json.NewEncoder(h).Encode(parts); err != nil {
		return "", fmt.Errorf("naming a cached result: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Do returns the result under key, which is of [Key], made by make where it is not there or where
// usable, which may be nil, says no to it.
func Do[T any](d Dir, key string, usable func(T) bool, make func() (T, error)) (T, error) {
	if v, ok := Get[T](d, key); ok && (usable == nil || usable(v)) {
		return v, nil
	}
	v, err := make()
	if err != nil {
		return v, err
	}
	return v, Put(d, key, v)
}

// Get returns the result under key, where it is there.
func Get[T any](d Dir, key string) (v T, ok bool) {
	b, err := os.ReadFile(d.file(key))
	return v, err == nil && json.Unmarshal(b, &v) == nil
}

// Put keeps a result under key.
func Put[T any](d Dir, key string, v T) error { return write(d.file(key), v) }

func (d Dir) file(key string) string { return filepath.Join(string(d), key[:2], key+".json") }

func write(file string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("keeping a result: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("keeping a result: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".new-*")
	if err != nil {
		return fmt.Errorf("keeping a result: %w", err)
	}
	defer os.Remove(f.Name()) //nolint:errcheck // gone after the rename
	_, err = f.Write(b)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("keeping a result: %w", err)
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return fmt.Errorf("keeping a result: %w", err)
	}
	return nil
}
