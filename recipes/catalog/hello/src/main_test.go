package main

import (
	"net/http/httptest"
	"testing"
)

func TestRoutes(t *testing.T) {
	for _, tt := range []struct {
		path, lang string
		code       int
		body       string
	}{
		{"/", "", 200, "Hello from kiln\n"},
		{"/", "de-AT, en;q=0.5", 200, "Hallo from kiln\n"},
		{"/", "ja", 200, "Hello from kiln\n"},
		{"/healthz", "", 200, "ok\n"},
		{"/nothing", "", 404, "404 page not found\n"},
	} {
		r := httptest.NewRequest("GET", tt.path, nil)
		r.Header.Set("Accept-Language", tt.lang)
		w := httptest.NewRecorder()
		routes().ServeHTTP(w, r)
		if w.Code != tt.code || w.Body.String() != tt.body {
			t.Errorf("GET %s (%s): got %d %q, want %d %q", tt.path, tt.lang, w.Code, w.Body, tt.code, tt.body)
		}
	}
}
