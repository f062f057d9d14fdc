package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/kiln-build/kiln/recipes"
)

// TestRuntimeManifests compares what the recipes of testdata/runtime print
// with the files beside them, which the module in test/kubernetes holds
// against Kubernetes' own types and policies.
func TestRuntimeManifests(t *testing.T) {
	files, err := filepath.Glob("testdata/runtime/*.recipe.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			r, err := recipes.Load(file)
			if err != nil {
				t.Fatal(err)
			}
			s, err := recipeService(r)
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := printManifests(&b, "yaml", s.pod(r.Vars["profile"]), s.networkPolicy()); err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(file, ".recipe.yaml") + ".yaml"
			if *update {
				if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), b.String()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", golden, diff)
			}
		})
	}
}

// TestRuntimeOfImage: an image says the same of itself as its recipe.
func TestRuntimeOfImage(t *testing.T) {
	img, err := mutate.Config(empty.Image, v1.Config{
		User: "65532:65533", ExposedPorts: map[string]struct{}{"80/tcp": {}, "53/udp": {}}, Volumes: map[string]struct{}{"/data": {}},
		Labels: map[string]string{
			"org.opencontainers.image.title": "web", "org.opencontainers.image.version": "1",
			recipes.RuntimeLabel: `{"writable":["/tmp"],"capabilities":["NET_BIND_SERVICE"],"memory":"64Mi","pids":9}`,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := imageService("r.example/web@sha256:1", img)
	if err != nil {
		t.Fatal(err)
	}
	want := &service{
		name: "web", version: "1", image: "r.example/web@sha256:1", uid: 65532, gid: 65533,
		ports: []string{"53/udp", "80/tcp"}, volumes: []string{"/data"},
		runtime: recipes.Runtime{Writable: []string{"/tmp"}, Capabilities: []string{"NET_BIND_SERVICE"}, Memory: "64Mi", Pids: 9},
	}
	if diff := cmp.Diff(want, s, cmp.AllowUnexported(service{})); diff != "" {
		t.Errorf("service (-want +got):\n%s", diff)
	}
	for label, want := range map[string]string{
		"":                               "unexpected",
		`{"writable":[],"secomp":"x"}`:   `unknown field "secomp"`,
		`{"capabilities":["SYS_ADMIN"]}`: "no capability that a container has",
	} {
		if _, err := recipes.ReadRuntime(label); err == nil || !strings.Contains(err.Error(), want) && label != "" {
			t.Errorf("ReadRuntime(%q) = %v, want an error with %q", label, err, want)
		}
	}
}

func TestVolumeNames(t *testing.T) {
	seen := map[string]bool{}
	var got []string
	for _, dir := range []string{"/tmp", "/var/lib/x", "/var/lib_x", "/", "/" + strings.Repeat("a", 80)} {
		got = append(got, volumeName(dir, seen))
	}
	want := []string{"tmp", "var-lib-x", "var-lib-x-2", "data", strings.Repeat("a", 55)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
