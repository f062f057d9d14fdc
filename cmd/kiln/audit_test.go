package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/builder/memo"
	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom/osv"
	"github.com/kiln-build/kiln/sbom/scan"
	"github.com/kiln-build/kiln/sign/policy"
)

// someAudit has an image of each kind, one of them with text that a browser
// would take for its own.
func someAudit() *audit {
	made1 := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	good := &audited{
		Reference: "registry.corp/a@sha256:" + strings.Repeat("1", 64), Repository: "registry.corp/a", Digest: "sha256:" + strings.Repeat("1", 64),
		Tags: []string{"1"}, Platform: "linux/amd64", Signature: auditedSignature{State: signatureVerified, By: "sha256:key"}, Looked: true,
		Statements: []checkedThing{{PredicateType: "https://spdx.dev/Document", OK: true}, {PredicateType: "other", Reason: "another key signed it"}},
		Tests:      []testsThing{{Result: "PASSED", Passed: 2}}, Origin: &made{Name: "a", Version: "1", Recipe: "2", Lock: "3"}, Base: "static", Created: &made1, Age: 3, User: "65532:65532",
		Packages:        auditedPackages{From: fromSPDX, Count: 2, Newer: []policy.Newer{{Name: "libc6", Version: "1", Available: "2", Suite: "trixie-security", Security: "trixie-security"}, {Name: "x", Version: "1", Available: "2", Suite: "trixie"}}},
		Vulnerabilities: auditedVulnerabilities{From: fromSPDX, Findings: []scan.Finding{{ID: "CVE-1", Summary: "bad", Severity: osv.Rating{Level: osv.High}, URL: "https://example.org/CVE-1"}, {ID: "CVE-2", Suppressed: &scan.Statement{}}}},
		Rules:           []policy.Result{{Rule: "identities", OK: true, Evidence: "signed"}},
	}
	bad := &audited{
		Reference: "registry.corp/b:<script>", Repository: "registry.corp/b", Tags: []string{"<script>alert(1)</script>"}, Age: -1,
		Signature: auditedSignature{State: signatureNone}, Broken: "no manifest",
		Findings: []auditedFinding{{recipes.RuleShell, "/bin/sh", "it is a shell"}}, Unknown: []string{"its origin: nobody"},
		Rules: []policy.Result{{Rule: ruleReadable, Evidence: "no <b>manifest"}, {Rule: recipes.RuleShell, Evidence: "/bin/sh: it is a shell", Hint: "leave it out"}},
	}
	out := &audit{Targets: []string{"registry.corp"}, At: made1, Images: []*audited{good, bad}, Unlisted: []unlisted{{"registry.corp/c", "refused"}}}
	out.sum(2)
	return out
}

func TestAuditSARIF(t *testing.T) {
	standard := sarifSchema(t)
	for _, out := range []*audit{{}, someAudit()} {
		var b bytes.Buffer
		if err := auditSARIF(&b, out); err != nil {
			t.Fatal(err)
		}
		checkSARIF(t, standard, b.Bytes())
	}
	var b bytes.Buffer
	if err := auditSARIF(&b, someAudit()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range regexp.MustCompile(`"ruleId": "([^"]+)",\s+"ruleIndex": \d+,\s+"level": "([^"]+)"`).FindAllStringSubmatch(b.String(), -1) {
		got = append(got, m[1]+" "+m[2])
	}
	want := []string{"outdated-security warning", "outdated note", "CVE-1 error", "readable error", "shell error", "origin note"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

// The page is whole in itself: its style is the one that its policy allows, and
// what others wrote stays text.
func TestAuditHTML(t *testing.T) {
	var b bytes.Buffer
	if err := auditHTML(&b, someAudit()); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(page)
	allowed := regexp.MustCompile(`style-src 'sha256-([^']+)'`).FindStringSubmatch(strings.ReplaceAll(page, "&#43;", "+"))
	if style == nil || allowed == nil {
		t.Fatalf("there is no style, or no policy:\n%s", page)
	}
	if sum := sha256.Sum256([]byte(style[1])); base64.StdEncoding.EncodeToString(sum[:]) != allowed[1] {
		t.Errorf("the policy allows %s, the style is another", allowed[1])
	}
	for _, wrong := range []string{"<script", "src=", "url(", `="http`, "ZgotmplZ"} {
		if strings.Contains(page, wrong) {
			t.Errorf("the page has %q", wrong)
		}
	}
	for _, want := range []string{`<html lang="en">`, "<caption>", `scope="col"`, "&lt;script&gt;", "CVE-1", "trixie-security", "<h1>", `href="#image-2"`, `id="image-2"`, "another key signed it", "2 passed"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "CVE-2") {
		t.Error("the page has what is suppressed")
	}
}

func TestAuditTable(t *testing.T) {
	var b bytes.Buffer
	if err := auditTable(&b, someAudit()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`(?m)^a:1 +linux/amd64 +yes +a 1 +3d +- +2 \(1 security\) +1 high +- +0.0 MB +ok$`,
		`(?m)^b:<script>alert\(1\)</script> +- +no +unknown +- +- +0 +0 +\? +0.0 MB +FAIL 2$`,
		`(?m)^  FAIL  readable +no <b>manifest$`, `(?m)^2 images in 2 repositories: 1 violate a rule, 1 cannot be read`,
	} {
		if !regexp.MustCompile(want).MatchString(b.String()) {
			t.Errorf("no line is like %s:\n%s", want, b.String())
		}
	}
}

func TestIsImage(t *testing.T) {
	config := v1.Descriptor{MediaType: types.OCIConfigJSON}
	child := func(kind types.MediaType, os string) v1.Descriptor {
		return v1.Descriptor{MediaType: kind, Platform: &v1.Platform{OS: os, Architecture: os}}
	}
	for _, tt := range []struct {
		name  string
		found push.Found
		want  bool
	}{
		{"an image", push.Found{Config: config}, true},
		{"Docker's", push.Found{Config: v1.Descriptor{MediaType: types.DockerConfigJSON}}, true},
		{"nothing", push.Found{}, true},
		{"a chart", push.Found{Config: v1.Descriptor{MediaType: "application/vnd.cncf.helm.config.v1+json"}}, false},
		{"an artifact", push.Found{Config: config, ArtifactType: "application/x"}, false},
		{"a referrer", push.Found{Config: config, Subject: &v1.Descriptor{}}, false},
		{"an index", push.Found{Manifests: []v1.Descriptor{child(types.OCIManifestSchema1, "linux")}}, true},
		{"an index of indexes", push.Found{Manifests: []v1.Descriptor{child(types.OCIImageIndex, "linux")}}, true},
		{"an index of statements", push.Found{Manifests: []v1.Descriptor{child(types.OCIManifestSchema1, "unknown")}}, false},
		{"a cache", push.Found{Manifests: []v1.Descriptor{child(types.OCILayer, "linux")}}, false},
		{"an empty index", push.Found{Descriptor: v1.Descriptor{MediaType: types.OCIImageIndex}}, false},
	} {
		if got := isImage(tt.found); got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}

type someVersions map[string]archive.Newer

func (s someVersions) Newer(name, _ string) (archive.Newer, bool) {
	n, ok := s[name]
	return n, ok
}

func TestFreshness(t *testing.T) {
	var mu sync.Mutex
	asked := map[string]int{}
	f := &freshness{index: func(_ context.Context, suite, arch string) (versions, error) {
		mu.Lock()
		defer mu.Unlock()
		asked[suite+" "+arch]++
		if suite == "away" {
			return nil, errors.New("no mirror")
		}
		return someVersions{"b": {Newest: recipes.Package{Version: "2", Suite: "trixie"}, Security: "trixie-security"}}, nil
	}}
	list := []recipes.Package{{Name: "c", Version: "1", Architecture: "all"}, {Name: "b", Version: "1", Architecture: "arm64"}}
	for range 2 {
		got, err := f.compare(t.Context(), "trixie", list)
		want := &policy.Packages{Count: 2, Newer: []policy.Newer{{Name: "b", Version: "1", Available: "2", Suite: "trixie", Security: "trixie-security"}}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
	if diff := cmp.Diff(map[string]int{"trixie arm64": 1}, asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	if got, err := f.compare(t.Context(), "away", list); err != nil || got.Unknown != archiveAway+"no mirror" {
		t.Errorf("got %+v, %v", got, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.compare(ended, "trixie", list); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: got %v", err)
	}
}

// Who leaves before the archive has answered leaves no failure to others.
func TestFreshnessAfterWhoLeft(t *testing.T) {
	f := &freshness{index: func(ctx context.Context, _, _ string) (versions, error) { return someVersions{}, ctx.Err() }}
	list := []recipes.Package{{Name: "b", Version: "1", Architecture: "amd64"}}
	left, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.compare(left, "trixie", list); !errors.Is(err, context.Canceled) {
		t.Errorf("who left: got %v", err)
	}
	if got, err := f.compare(t.Context(), "trixie", list); err != nil || got.Unknown != "" {
		t.Errorf("the next: got %+v, %v", got, err)
	}
}

// Who waits for what another asked for, and that one leaves, asks again.
func TestFreshnessWhileWaiting(t *testing.T) {
	asked := make(chan struct{}, 2)
	f := &freshness{index: func(ctx context.Context, _, _ string) (versions, error) {
		asked <- struct{}{}
		if len(asked) == 2 { // by who waited
			return someVersions{}, nil
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	list := []recipes.Package{{Name: "b", Version: "1", Architecture: "amd64"}}
	leaving, leave := context.WithCancel(t.Context())
	var both sync.WaitGroup
	both.Go(func() {
		if _, err := f.compare(leaving, "trixie", list); !errors.Is(err, context.Canceled) {
			t.Errorf("who left: got %v", err)
		}
	})
	for len(asked) == 0 {
		time.Sleep(time.Millisecond)
	}
	both.Go(func() {
		if got, err := f.compare(t.Context(), "trixie", list); err != nil || got.Unknown != "" {
			t.Errorf("who waits: got %+v, %v", got, err)
		}
	})
	time.Sleep(10 * time.Millisecond) // it waits
	leave()
	both.Wait()
}

// An audit that was interrupted goes on: no layer is read twice, but for those
// that were being read.
func TestAuditGoesOn(t *testing.T) {
	const images, jobs = 24, 2
	var mu sync.Mutex
	read := map[string]int{}
	var interrupt func()
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
			mu.Lock()
			if read[r.URL.Path]++; len(read) == images && interrupt != nil {
				interrupt()
			}
			mu.Unlock()
		}
		inner.ServeHTTP(w, r)
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	for n := range images {
		tag, err := name.NewTag(fmt.Sprintf("%s/x:%d", host, n))
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(tag, foreignImage("65532:65532", map[string]string{"app": tag.String()}, nil)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	interrupt = cancel
	dir := memo.Dir(t.TempDir())
	if _, err := auditOf(t, dir, jobs).auditImages(ctx, repositoriesAt(t, host)); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: got %v", err)
	}
	interrupt = nil
	out, err := auditOf(t, dir, jobs).auditImages(t.Context(), repositoriesAt(t, host))
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Images) != images || out.Summary.Broken != 0 {
		t.Errorf("got %+v", out.Summary)
	}
	twice := 0
	for _, n := range read {
		if n > 1 {
			twice++
		}
	}
	if twice > 2*jobs {
		t.Errorf("%d of %d blobs were read twice", twice, len(read))
	}
}

func auditOf(t *testing.T, dir memo.Dir, jobs int) *auditor {
	t.Helper()
	r, err := push.New(push.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return &auditor{registry: r, memo: dir, jobs: jobs, now: time.Now(), unasked: "nobody asks"}
}

func repositoriesAt(t *testing.T, host string) []name.Repository {
	t.Helper()
	repo, err := name.NewRepository(host + "/x")
	if err != nil {
		t.Fatal(err)
	}
	return []name.Repository{repo}
}

func TestCounter(t *testing.T) {
	var out bytes.Buffer
	c := newCounter(&out, "images", true)
	c.more(2)
	c.step()
	c.step()
	c.clear()
	if got := out.String(); !strings.Contains(got, "[##############################] 2 of 2 images") || !strings.HasSuffix(got, "\r\x1b[K") {
		t.Errorf("got %q", got)
	}
	out.Reset()
	c = newCounter(&out, "images", false)
	c.more(1)
	c.step()
	c.clear()
	if out.Len() > 0 {
		t.Errorf("without a terminal: got %q", out.String())
	}
}

// A registry without a catalog has its repositories named; a prefix may be one.
func TestRepositories(t *testing.T) {
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	refuse := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refuse && strings.HasSuffix(r.URL.Path, "/_catalog") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	for _, repo := range []string{"a", "a/b", "ab"} {
		tag, err := name.NewTag(host + "/" + repo + ":1")
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(tag, foreignPlain()); err != nil {
			t.Fatal(err)
		}
	}
	r, err := push.New(push.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		refuse bool
		args   []string
		want   string
		err    string
	}{
		{false, []string{""}, "a a/b ab", ""},
		{false, []string{"/a"}, "a a/b", ""},
		{false, []string{"/a/", "/ab", "/a"}, "a a/b ab", ""},
		{false, []string{"/c"}, "", "none named, or below, c"},
		{true, []string{""}, "", "the registry refuses"},
		{true, []string{"/a"}, "a", ""},
		{true, []string{"/c"}, "", "the registry refuses"},
	} {
		refuse = tt.refuse
		var args, got []string
		for _, a := range tt.args {
			args = append(args, host+a)
		}
		list, err := repositories(t.Context(), r, args)
		for _, repo := range list {
			got = append(got, repo.RepositoryStr())
		}
		if strings.Join(got, " ") != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("refuses %v, %v: got %v, %v, want %s", tt.refuse, tt.args, got, err, tt.want+tt.err)
		}
		if err != nil && hint(err) == "" {
			t.Errorf("%v has no hint", err)
		}
	}
}
