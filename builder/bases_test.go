package builder

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kiln-build/kiln/recipes"
)

func TestGoProxies(t *testing.T) {
	for _, c := range []struct {
		goproxy, want string
		bases         []string
	}{
		{"https://proxy.example.org,direct", "http://go-0.kiln.invalid", []string{"https://proxy.example.org"}},
		{"https://a.example.org/go/|https://b.example.org:443,off", "http://go-0.kiln.invalid|http://go-1.kiln.invalid,off",
			[]string{"https://a.example.org/go", "https://b.example.org"}},
		{"https://me:secret@a.example.org", "https://me:secret@go-0.kiln.invalid", []string{"https://a.example.org"}},
		{"direct", "", nil},
		{"off", "off", nil},
		{"", "", nil},
	} {
		got, list, err := goProxies(c.goproxy)
		check(t, err)
		var urls []string
		for _, b := range list {
			urls = append(urls, b.url)
		}
		if got != c.want || !cmp.Equal(urls, c.bases) {
			t.Errorf("GOPROXY=%s: got %s and %v, want %s and %v", c.goproxy, got, urls, c.want, c.bases)
		}
	}
	for _, wrong := range []string{"file:///srv/go", "proxy.example.org", "https://"} {
		if _, _, err := goProxies(wrong); err == nil {
			t.Errorf("GOPROXY=%s: no error", wrong)
		}
	}
}

func TestLockedNames(t *testing.T) {
	var all bases
	for _, c := range [][2]string{{"go", "https://corp.example.org/api/go"}, {"npm", "https://corp.example.org/api"}, {"pypi", "http://127.0.0.1:8080"}} {
		b, err := newBase(c[0], 0, c[1])
		check(t, err)
		all = append(all, b)
	}
	for _, c := range []struct {
		url, real string
		want      recipes.FetchedFile
	}{
		{"http://go-0.kiln.invalid/x/!y/@v/v1.zip", "https://corp.example.org/api/go/x/!y/@v/v1.zip", recipes.FetchedFile{Ecosystem: "go", Path: "x/!y/@v/v1.zip"}},
		{"https://npm-0.kiln.invalid/@a%2fb?c=d", "https://corp.example.org/api/@a%2fb?c=d", recipes.FetchedFile{Ecosystem: "npm", Path: "@a%2fb?c=d"}},
		{"https://corp.example.org:443/api/go/x", "https://corp.example.org/api/go/x", recipes.FetchedFile{Ecosystem: "go", Path: "x"}},
		{"https://corp.example.org/api/x", "https://corp.example.org/api/x", recipes.FetchedFile{Ecosystem: "npm", Path: "x"}},
		{"https://corp.example.org/apix", "https://corp.example.org/apix", recipes.FetchedFile{Ecosystem: "url", Path: "https://corp.example.org/apix"}},
		{"http://127.0.0.1:8080/six/", "http://127.0.0.1:8080/six/", recipes.FetchedFile{Ecosystem: "pypi", Path: "six/"}},
		{"https://s3.example.org/a?X-Amz-Signature=1&b=c", "https://s3.example.org/a?X-Amz-Signature=1&b=c",
			recipes.FetchedFile{Ecosystem: "url", Path: "https://s3.example.org/a", Signed: true}},
		{"https://corp.example.org/api/a?X-Amz-Signature=1&b=c", "https://corp.example.org/api/a?X-Amz-Signature=1&b=c",
			recipes.FetchedFile{Ecosystem: "npm", Path: "a", Signed: true}},
		{"http://go-7.kiln.invalid/x", "http://go-7.kiln.invalid/x", recipes.FetchedFile{Ecosystem: "url", Path: "http://go-7.kiln.invalid/x"}},
	} {
		got, real := all.file(c.url)
		if got != c.want || real != c.real {
			t.Errorf("%s: got %+v at %s, want %+v at %s", c.url, got, real, c.want, c.real)
		}
	}
}

// TestSameBase has two ecosystems with one base: which of them a file counts
// as is in the lock.
func TestSameBase(t *testing.T) {
	e := &Fetcher{Engine: &Engine{Bases: func() (map[string][]string, error) {
		return map[string][]string{
			"npm": {"https://corp.example.org"}, "pypi": {"https://corp.example.org"}, "maven": {"https://corp.example.org"},
		}, nil
	}}}
	for range 25 {
		g, _, err := e.gate(nil)
		check(t, err)
		if got, _ := g.bases.file("https://corp.example.org/x"); got.Ecosystem != "maven" {
			t.Fatalf("the file is of %s, want the first by name, maven", got.Ecosystem)
		}
	}
}

func TestErrorWithoutSignature(t *testing.T) {
	f := &Fetch{plan: &Plan{recipe: &recipes.Recipe{File: "recipe.yaml"}}, spec: fetch{title: "get"}}
	f.step.Pos = recipes.Pos{Line: 3, Col: 7}
	err := f.fail("https://s3.example.org/a?X-Amz-Signature=secret", "is not in the lock", "")
	if want := `recipe.yaml:3:7: step "get": https://s3.example.org/a is not in the lock`; err.Error() != want {
		t.Errorf("error is %q, want %q", err, want)
	}
}
