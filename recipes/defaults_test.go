package recipes

import "testing"

func TestMainPackage(t *testing.T) {
	for _, tt := range []struct{ given, want string }{
		{"", "."},
		{".", "."},
		{"./", "."},
		{"cmd/x", "./cmd/x"},
		{"./cmd/x/", "./cmd/x"},
		{"./v1.2/x", "./v1.2/x"},
		{"v1.2", "./v1.2"},
		{"golang.org/x/vuln/cmd/govulncheck", "golang.org/x/vuln/cmd/govulncheck"},
		{"example.org/x/", "example.org/x"},
	} {
		if got := mainPackage(tt.given); got != tt.want {
			t.Errorf("mainPackage(%q): got %q, want %q", tt.given, got, tt.want)
		}
	}
}
