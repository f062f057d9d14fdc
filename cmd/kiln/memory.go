package main

import "sync"

// memory remembers what was found out under a key, once, and asks again where
// that failed. The zero memory is empty. It may be used by several goroutines.
type memory[T any] struct {
	mu    sync.Mutex
	known map[string]*remembered[T]
}

type remembered[T any] struct {
	mu    sync.Mutex
	known bool
	value T
}

func (m *memory[T]) get(key string, find func() (T, error)) (T, error) {
	r := m.at(key)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known {
		return r.value, nil
	}
	value, err := find()
	if err == nil {
		r.known, r.value = true, value
	}
	return value, err
}

func (m *memory[T]) at(key string) *remembered[T] {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known = map[string]*remembered[T]{}
	}
	if m.known[key] == nil {
		m.known[key] = &remembered[T]{}
	}
	return m.known[key]
}
