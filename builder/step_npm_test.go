package builder

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestNpmLock runs the look at package-lock.json.
func TestNpmLock(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed")
	}
	const sum = `, "integrity": "sha512-AAAA"`
	for _, c := range []struct {
		name, lock string
		// want is where the package is to be had, or what the error says.
		want, fails string
	}{
		{"no place", `{"packages": {"": {}, "node_modules/@a/b": {"version": "1.2.3"` + sum + `}}}`, "https://npm.example/x/@a/b/-/b-1.2.3.tgz", ""},
		{
			"another registry", `{"packages": {"node_modules/@a/b": {"version": "1.2.3", "resolved": "https://corp.example/npm/@a%2fb/-/b-1.2.3.tgz"` + sum + `}}}`,
			"https://npm.example/x/@a/b/-/b-1.2.3.tgz", "",
		},
		{
			"a name of its own", `{"packages": {"node_modules/c/node_modules/@a/b": {"name": "d", "version": "1.0.0-rc.1"` + sum + `}}}`,
			"https://npm.example/x/d/-/d-1.0.0-rc.1.tgz", "",
		},
		{
			"a file elsewhere", `{"packages": {"node_modules/@a/b": {"version": "1.2.3", "resolved": "https://files.example/b.tgz"` + sum + `}}}`,
			"https://files.example/b.tgz", "",
		},
		{"no integrity", `{"packages": {"node_modules/@a/b": {"version": "1.2.3"}}}`, "", "node_modules/@a/b: has no integrity"},
		{"git", `{"packages": {"node_modules/@a/b": {"version": "1.2.3", "resolved": "git+ssh://git@example.org/b.git#1"}}}`, "", "cannot be pinned"},
		{"workspace", `{"packages": {"": {"workspaces": ["p/*"]}, "p/b": {"version": "1.0.0"}, "node_modules/@a/b": {"resolved": "p/b", "link": true}}}`, "",
			"package-lock.json: node_modules/@a/b: is the folder p/b, as in a workspace: the npm step takes dependencies from a registry alone; publish it there, and depend on its version\n"},
		{"folder", `{"packages": {"node_modules/@a/b": {"resolved": "file:b"}}}`, "", "is the folder file:b, as in a workspace: "},
		{"file", `{"packages": {"node_modules/@a/b": {"resolved": "file:b.tgz", "integrity": "sha512-x"}}}`, "", "is the file file:b.tgz: the npm step takes"},
		{"old", `{"lockfileVersion": 1, "dependencies": {}}`, "", "old format"},
		{"no lock", "", "", "package-lock.json: is not there"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "package-lock.json")
			if c.lock != "" {
				check(t, os.WriteFile(file, []byte(c.lock), 0o644))
			}
			cmd := exec.Command("node", "-e", npmLock)
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "npm_config_registry=https://npm.example/x/") //nolint:forbidigo // to find node
			out, err := cmd.CombinedOutput()
			if c.fails != "" {
				if err == nil || !strings.Contains(string(out), c.fails) || strings.Count(string(out), "\n") != 1 {
					t.Errorf("got %v, want an error with %q\n%s", err, c.fails, out)
				}
				return
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			data, err := os.ReadFile(file)
			check(t, err)
			var lock struct {
				Packages map[string]struct{ Resolved string }
			}
			check(t, json.Unmarshal(data, &lock))
			for key, p := range lock.Packages {
				if key != "" && p.Resolved != c.want {
					t.Errorf("%s is to be had from %s, want %s", key, p.Resolved, c.want)
				}
			}
		})
	}
}
