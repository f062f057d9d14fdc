//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/sign"
	"github.com/kiln-build/kiln/test/made"
)

// auditPolicy holds images to what each of those of TestAudit but the good one
// violates.
const auditPolicy = `kiln: v1
policy:
  identities: [{key: cosign.pub}]
  refuse: [root-user, shell, outdated-security]
  max-age: 90d
`

// auditedImage is what kiln audit says of an image.
type auditedImage struct {
	Repository, Digest, Broken string
	Tags                       []string
	Signature                  struct{ State, By string }
	Origin                     *struct{ Name, Version, RecipeSha256, LockSha256 string }
	Packages                   struct {
		From, Unknown string
		Newer         []struct{ Name, Suite, Security string }
	}
	Rules []struct {
		Rule, Evidence string
		OK             bool
	}
	Unknown []string
}

func (i auditedImage) violated() (rules []string) {
	for _, r := range i.Rules {
		if !r.OK {
			rules = append(rules, r.Rule)
		}
	}
	slices.Sort(rules)
	return rules
}

type auditReport struct {
	Images  []auditedImage
	Summary struct{ Images, Violating, Broken int }
}

// TestAudit seeds a registry with images that each have one fault, and has the
// audit find it.
func TestAudit(t *testing.T) {
	b := newBed(t)
	dir := filepath.Dir(b.key)
	policy := filepath.Join(dir, "policy.yaml")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	recipe := b.copyRecipe(t, probe)
	good := b.build(t, recipe, "shop/good")
	b.seed(t, recipe)
	args := []string{"audit", b.Addr + "/shop", "--policy", policy, "--registry-ca", b.CAFile}
	r := b.run(t, "kiln", append(args, "--format", "json")...)
	if r.code != 3 {
		t.Fatalf("exit code %d, want 3\n%s", r.code, r.stderr)
	}
	var found auditReport
	if err := json.Unmarshal([]byte(r.stdout), &found); err != nil {
		t.Fatal(err)
	}
	checkAudited(t, found)
	for _, i := range found.Images {
		if i.Repository == b.Addr+"/shop/good" && i.Digest != good.Digest {
			t.Errorf("the good image is %s, want %s", i.Digest, good.Digest)
		}
	}
	t.Run("again", func(t *testing.T) { b.auditAgain(t, args, r.stdout) })
	t.Run("sarif", func(t *testing.T) { checkAuditSARIF(t, b.run(t, "kiln", append(args, "--format", "sarif")...)) })
	t.Run("html", func(t *testing.T) { checkAuditHTML(t, b.run(t, "kiln", append(args, "--format", "html")...)) })
	t.Run("without a policy", func(t *testing.T) {
		b.must(t, "kiln", "audit", b.Addr+"/shop/foreign", "--registry-ca", b.CAFile, "--offline")
		b.must(t, "kiln", "audit", b.Addr+"/shop/good", "--registry-ca", b.CAFile, "--offline", "--key", b.pub)
	})
}

type loginOf struct{ *bed }

func (l loginOf) Resolve(authn.Resource) (authn.Authenticator, error) {
	return &authn.Basic{Username: l.User, Password: l.Password}, nil
}

// seed pushes the images with faults.
func (b *bed) seed(t *testing.T, recipe string) {
	t.Helper()
	text, err := os.ReadFile(b.key)
	if err != nil {
		t.Fatal(err)
	}
	own, err := sign.LoadKey(text, func() ([]byte, error) { return nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	stranger, _, err := sign.DevelopmentKey(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	registry, err := push.New(push.Config{CA: b.CA, Keychain: loginOf{b}})
	if err != nil {
		t.Fatal(err)
	}
	for repo, i := range map[string]made.Image{
		"old":      {Key: own, Locked: time.Now().AddDate(0, 0, -200)},
		"outdated": {Key: own, Locked: time.Now(), Codename: "trixie", Packages: map[string]string{"libssl3t64": "3.5.0-1", "tzdata": "2024a-1"}},
		"unsigned": {}, "stranger": {Key: stranger},
		"root":  {Key: own, Locked: time.Now(), User: "0:0"},
		"shell": {Key: own, Locked: time.Now(), Files: map[string]made.File{"bin/bash": {Text: "shell", Mode: 0o755}}},
		"foreign": {User: "root", Codename: "trixie", Packages: map[string]string{"libssl3t64": "3.5.0-1"},
			Files: map[string]made.File{"usr/bin/dash": {Text: "shell", Mode: 0o755}}},
		"broken": {Mark: "broken"}, "lost": {Key: own, Locked: time.Now(), Mark: "lost"},
	} {
		tag, err := name.NewTag(b.Addr + "/shop/" + repo + ":1")
		if err != nil {
			t.Fatal(err)
		}
		i.Recipe = recipe
		digest, err := made.Push(t.Context(), registry, tag, i)
		if err != nil {
			t.Fatalf("%s: %v", repo, err)
		}
		b.spoil(t, registry, tag, digest, repo)
	}
}

// spoil breaks what the registry has on its disk: the manifest of the image
// broken, and the layer of the image lost.
func (b *bed) spoil(t *testing.T, registry *push.Registry, tag name.Tag, digest v1.Hash, repo string) {
	t.Helper()
	file := func(h v1.Hash) string {
		return filepath.Join(b.Root, "docker/registry/v2/blobs/sha256", h.Hex[:2], h.Hex, "data")
	}
	var err error
	switch repo {
	case "broken":
		err = os.WriteFile(file(digest), []byte(`{"schemaVersion": 2, "mediaType": `), 0o600)
	case "lost":
		var img v1.Image
		if img, err = registry.Image(t.Context(), tag.Context().Digest(digest.String()), v1.Platform{}); err != nil {
			break
		}
		var layers []v1.Layer
		if layers, err = img.Layers(); err != nil {
			break
		}
		var lost v1.Hash
		if lost, err = layers[0].Digest(); err == nil {
			err = os.RemoveAll(filepath.Dir(file(lost)))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

func checkAudited(t *testing.T, found auditReport) {
	t.Helper()
	want := map[string]struct {
		signature string
		origin    bool
		violated  []string
	}{
		"good":     {"verified", true, nil},
		"old":      {"verified", true, []string{"max-age"}},
		"outdated": {"verified", true, []string{"outdated-security"}},
		"unsigned": {"none", false, []string{"identities", "max-age", "outdated-security"}},
		"stranger": {"other", false, []string{"identities", "max-age", "outdated-security"}},
		"root":     {"verified", true, []string{"root-user"}},
		"shell":    {"verified", true, []string{"shell"}},
		"foreign":  {"none", false, []string{"identities", "max-age", "outdated-security", "root-user", "shell"}},
		"broken":   {"none", false, []string{"readable"}},
		"lost":     {"verified", true, []string{"readable", "root-user", "shell"}},
	}
	if len(found.Images) != len(want) || found.Summary.Images != len(want) || found.Summary.Violating != len(want)-1 || found.Summary.Broken != 2 {
		t.Errorf("got %+v, want %d images", found.Summary, len(want))
	}
	for _, i := range found.Images {
		repo := i.Repository[strings.LastIndex(i.Repository, "/")+1:]
		w := want[repo]
		if i.Signature.State != w.signature || (i.Origin != nil) != w.origin {
			t.Errorf("%s: signature %+v, origin %+v, want %s and %v", repo, i.Signature, i.Origin, w.signature, w.origin)
		}
		if diff := cmp.Diff(w.violated, i.violated()); diff != "" {
			t.Errorf("%s violates (-want +got):\n%s\n%+v", repo, diff, i.Rules)
		}
		checkPackages(t, repo, i)
	}
}

// checkPackages looks at what the real archive has newer.
func checkPackages(t *testing.T, repo string, i auditedImage) {
	t.Helper()
	from := map[string]string{"outdated": "spdx", "foreign": "dpkg"}[repo]
	if from == "" {
		return
	}
	if i.Packages.From != from || i.Packages.Unknown != "" || len(i.Packages.Newer) == 0 {
		t.Fatalf("%s: got packages %+v, want them from %s", repo, i.Packages, from)
	}
	if p := i.Packages.Newer[0]; p.Name != "libssl3t64" || p.Security != "trixie-security" {
		t.Errorf("%s: got %+v, want a security update of libssl3t64", repo, p)
	}
	if origin := slices.ContainsFunc(i.Unknown, func(s string) bool { return strings.HasPrefix(s, "its origin") }); origin != (repo == "foreign") {
		t.Errorf("%s: what cannot be known is %v", repo, i.Unknown)
	}
}

// auditAgain finds the same, and reads no layer again.
func (b *bed) auditAgain(t *testing.T, args []string, before string) {
	seen := len(b.requests(t))
	r := b.run(t, "kiln", append(args, "--format", "json")...)
	if r.code != 3 {
		t.Fatalf("exit code %d, want 3", r.code)
	}
	undated := func(text string) string {
		lines := strings.Split(text, "\n")
		return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, `  "at": `) }), "\n")
	}
	if diff := cmp.Diff(undated(before), undated(r.stdout)); diff != "" {
		t.Errorf("the second audit says otherwise (-first +second):\n%s", diff)
	}
	for _, q := range b.requests(t)[seen:] {
		lost := strings.Contains(q.path, "/shop/lost/") // nothing of it is remembered
		if q.method == "GET" && strings.Contains(q.path, "/blobs/") && !lost {
			t.Errorf("%s %s again", q.method, q.path)
		}
	}
}

func checkAuditSARIF(t *testing.T, r result) {
	log, err := sarif.FromBytes([]byte(r.stdout))
	if err != nil {
		t.Fatal(err)
	}
	rules := map[string]int{}
	for _, found := range log.Runs[0].Results {
		if found.Level == "error" {
			rules[*found.RuleID]++
		}
	}
	want := map[string]int{"identities": 3, "max-age": 4, "outdated-security": 4, "readable": 2, "root-user": 3, "shell": 3}
	if diff := cmp.Diff(want, rules); diff != "" {
		t.Errorf("errors by rule (-want +got):\n%s", diff)
	}
}

func checkAuditHTML(t *testing.T, r result) {
	page := r.stdout
	for _, want := range []string{"default-src 'none'", "shop/good:1.0.0", "shop/foreign:1", "libssl3t64", "trixie-security", "root-user"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, outside := range []string{"<script", "src=", `href="http`, "@import", "url("} {
		if strings.Contains(page, outside) {
			t.Errorf("the page asks for something outside: %s", outside)
		}
	}
	if !strings.HasPrefix(page, "<!doctype html>") {
		t.Errorf("the page begins with %.40q", page)
	}
}
