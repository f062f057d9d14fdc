package image

import (
	"archive/tar"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/recipes"
)

// The keys below are none: their text only has the form of one.
var (
	base64 = strings.Repeat("bm90YWtleW5vdGFrZXlub3RhZmtleQ==", 2)
	begin  = "-----BEGIN "
)

func TestRules(t *testing.T) {
	pem := func(kind, head string) string {
		return begin + kind + "-----\n" + head + base64 + "\n-----END " + kind + "-----\n"
	}
	for _, c := range []struct {
		name string
		item item
		want []string // rules
	}{
		{"file", file("/x", "x"), nil},
		{"program", binary("/usr/bin/hello", "x"), nil},
		{"setuid", item{name: "/usr/bin/x", mode: 0o4755}, []string{recipes.RuleSetuid}},
		{"setgid", item{name: "/usr/bin/x", mode: 0o2755}, []string{recipes.RuleSetuid}},
		{"capability", item{name: "/usr/bin/x", mode: 0o755, capability: "\x01"}, []string{recipes.RuleFileCapability}},
		{"world-writable file", item{name: "/x", mode: 0o666}, []string{recipes.RuleWorldWritable}},
		{"world-writable folder", item{name: "/x", kind: tar.TypeDir, mode: 0o777}, []string{recipes.RuleWorldWritable}},
		{"sticky folder", item{name: "/tmp", kind: tar.TypeDir, mode: 0o1777}, nil},
		{"link", symlink("/x", "y"), nil},
		{"sh", binary("/bin/sh", ""), []string{recipes.RuleShell}},
		{"bash elsewhere", binary("/opt/tools/bash", ""), []string{recipes.RuleShell}},
		{"link named sh", symlink("/usr/bin/sh", "dash"), []string{recipes.RuleShell}},
		{"busybox", binary("/usr/bin/busybox", ""), []string{recipes.RuleShell}},
		{"a file called bash", file("/usr/share/highlight/bash", ""), nil},
		{"a folder called fish", folder("/usr/share/fish"), nil},
		{"apt", binary("/usr/bin/apt-get", ""), []string{recipes.RulePackageManager}},
		{"apk", binary("/sbin/apk", ""), []string{recipes.RulePackageManager}},
		{"pip", symlink("/usr/bin/pip3.13", "pip3"), []string{recipes.RulePackageManager}},
		{"npm", binary("/usr/local/bin/npm", ""), []string{recipes.RulePackageManager}},
		{"char device", item{name: "/dev/null", kind: tar.TypeChar, mode: 0o600}, []string{recipes.RuleDevice}},
		{"block device", item{name: "/dev/sda", kind: tar.TypeBlock, mode: 0o600}, []string{recipes.RuleDevice}},
		{"pipe", item{name: "/run/p", kind: tar.TypeFifo, mode: 0o600}, []string{recipes.RuleDevice}},
		{"RSA key", file("/k", pem("RSA PRIVATE KEY", "")), []string{recipes.RulePrivateKey}},
		{"PKCS 8 key", file("/k", pem("PRIVATE KEY", "")), []string{recipes.RulePrivateKey}},
		{"EC key", file("/k", pem("EC PRIVATE KEY", "")), []string{recipes.RulePrivateKey}},
		{"OpenSSH key", file("/k", pem("OPENSSH PRIVATE KEY", "")), []string{recipes.RulePrivateKey}},
		{"encrypted key", file("/k", pem("ENCRYPTED PRIVATE KEY", "")), []string{recipes.RulePrivateKey}},
		{"encrypted in the old way", file("/k", pem("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00FF\n\n")), []string{recipes.RulePrivateKey}},
		{"OpenPGP key", file("/k", pem("PGP PRIVATE KEY BLOCK", "Version: 1\n\n")), []string{recipes.RulePrivateKey}},
		{"OpenPGP key without headers", file("/k", pem("PGP PRIVATE KEY BLOCK", "\n")), []string{recipes.RulePrivateKey}},
		{"key behind a certificate", file("/k", pem("CERTIFICATE", "")+pem("PRIVATE KEY", "")), []string{recipes.RulePrivateKey}},
		{"CR LF", file("/k", strings.ReplaceAll(pem("PRIVATE KEY", ""), "\n", "\r\n")), []string{recipes.RulePrivateKey}},
		{"in YAML", file("/k", "key: |\n  "+strings.ReplaceAll(pem("PRIVATE KEY", ""), "\n", "\n  ")), []string{recipes.RulePrivateKey}},
		{"in JSON", file("/k", `{"key": "`+strings.ReplaceAll(pem("PRIVATE KEY", ""), "\n", `\n`)+`"}`), []string{recipes.RulePrivateKey}},
		{"certificate", file("/k", pem("CERTIFICATE", "")), nil},
		{"public key", file("/k", pem("PUBLIC KEY", "")), nil},
		{"program that knows the words", file("/k", "\x7fELF\x00"+pem("PRIVATE KEY", "")), nil},
		{"script that knows the words", file("/k.py", "if '"+begin+"RSA PRIVATE KEY-----\\n' in text:\n    return the_key_that_is_in_here(text)\n"), nil},
		{"manual that knows the words", file("/k.txt", begin+"RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----\nis how a key in this format begins and ends\n"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := inspectEntry(entries(c.item)[0])
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range found {
				got = append(got, f.Rule)
				if f.Path != c.item.name || f.Text == "" {
					t.Errorf("got %+v", f)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUnreadableFileIsNoPass(t *testing.T) {
	e := entries(file("/k", "text"))[0]
	e.Open = func() (io.ReadCloser, error) { return nil, errors.New("gone") }
	if _, err := inspectEntry(e); err == nil {
		t.Error("a file that cannot be read passed")
	}
}

func TestRootUser(t *testing.T) {
	for user, want := range map[string]int{"65532:65532": 0, "1:1": 0, "0:0": 1, "0:5": 1, "5:0": 1, "00:5": 1, "": 1, "5": 1, "10:20": 0} {
		r := newRecipe()
		r.Image.User = user
		if got := inspectUser(r); len(got) != want {
			t.Errorf("%q: got %v", user, got)
		}
	}
}

func TestEnvSecrets(t *testing.T) {
	for kv, want := range map[string]bool{
		"PORT=80": false, "DB_PASSWORD=geheim": true, "DB_PASSWORD=": false, "DB_PASSWORD_FILE=/run/secrets/db": false,
		"api_key=1": true, "TOKEN_PATH=/x": false, "GITHUB_TOKEN=x": true, "SECRET_DIR=/x": false, "AWS_SECRET_ACCESS_KEY=x": true,
		"X=AKIA" + "ABCDEFGHIJKLMNOP": true, "X=ghp_" + strings.Repeat("a", 36): true, "X=glpat-" + strings.Repeat("a", 20): true,
		"X=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig": true, "X=" + begin + "PRIVATE KEY-----": true, "KEYBOARD=de": false,
	} {
		if got := len(inspectEnv([]string{kv})) > 0; got != want {
			t.Errorf("%s: got %v, want %v", kv, got, want)
		}
	}
}

func TestAllow(t *testing.T) {
	found := func() []Finding {
		return []Finding{
			{recipes.RuleShell, "/usr/bin/sh", "it is a shell"}, {recipes.RuleShell, "/usr/bin/bash", "it is a shell"},
			{recipes.RuleSetuid, "/usr/bin/su", "it is setuid"}, {recipes.RuleEnvSecret, "DB_PASSWORD", "it is a secret"},
		}
	}
	for _, c := range []struct {
		name  string
		allow []recipes.Allow
		want  []string
	}{
		{"none", nil, []string{"/usr/bin/sh", "/usr/bin/bash", "/usr/bin/su", "DB_PASSWORD"}},
		{"a path", []recipes.Allow{{Rule: recipes.RuleShell, Path: "/usr/bin/sh"}}, []string{"/usr/bin/bash", "/usr/bin/su", "DB_PASSWORD"}},
		{"a pattern", []recipes.Allow{{Rule: recipes.RuleShell, Path: "/usr/bin/*sh"}}, []string{"/usr/bin/su", "DB_PASSWORD"}},
		{"a pattern does not cross folders", []recipes.Allow{{Rule: recipes.RuleShell, Path: "/*"}}, []string{"/usr/bin/sh", "/usr/bin/bash", "/usr/bin/su", "DB_PASSWORD"}},
		{"a whole rule", []recipes.Allow{{Rule: recipes.RuleShell}}, []string{"/usr/bin/su", "DB_PASSWORD"}},
		{"another rule", []recipes.Allow{{Rule: recipes.RuleSetuid, Path: "/usr/bin/sh"}}, []string{"/usr/bin/sh", "/usr/bin/bash", "/usr/bin/su", "DB_PASSWORD"}},
		{"a variable", []recipes.Allow{{Rule: recipes.RuleEnvSecret, Path: "DB_*"}}, []string{"/usr/bin/sh", "/usr/bin/bash", "/usr/bin/su"}},
		{"a broken pattern", []recipes.Allow{{Rule: recipes.RuleSetuid, Path: "/usr/bin/["}}, []string{"/usr/bin/sh", "/usr/bin/bash", "/usr/bin/su", "DB_PASSWORD"}},
		{"all", []recipes.Allow{{Rule: recipes.RuleShell}, {Rule: recipes.RuleSetuid}, {Rule: recipes.RuleEnvSecret}}, nil},
	} {
		var got []string
		var refused *RefusedError
		if err := Judge(&recipes.Recipe{Allow: c.allow}, found()); errors.As(err, &refused) {
			for _, f := range refused.Findings {
				got = append(got, f.Path)
			}
		} else if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

func TestRefusedErrorText(t *testing.T) {
	err := &RefusedError{File: "r.yaml", Findings: []Finding{{"shell", "/bin/sh", "it is a shell"}, {"setuid", "/bin/su", "it is setuid"}}}
	if diff := cmp.Diff("r.yaml: the image is refused:\n  shell: /bin/sh: it is a shell\n  setuid: /bin/su: it is setuid", err.Error()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("leave it out, or accept it in the recipe: allow: [{rule: shell, path: /bin/sh, reason: …}]", err.Hint()); diff != "" {
		t.Error(diff)
	}
}
