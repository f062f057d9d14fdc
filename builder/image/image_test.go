package image

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/kiln-build/kiln/recipes"
)

var update = flag.Bool("update", false, "write the golden files anew")

func fullRecipe() *recipes.Recipe {
	r := newRecipe()
	r.Image.Args = []string{"serve"}
	r.Image.Env = map[string]string{"ZONE": "a=b", "ADDR": ":80"}
	r.Image.Workdir = "/srv/hello"
	r.Image.Ports = []string{"8080", "53/udp"}
	r.Image.Volumes = []string{"/var/lib/hello"}
	r.Image.StopSignal = "SIGQUIT"
	r.Image.Labels = map[string]string{"org.example.team": "a"}
	r.Image.Annotations = map[string]string{"org.example.tier": "b"}
	return r
}

func content(t testing.TB, img v1.Image, p string) string {
	t.Helper()
	r := mutate.Extract(img)
	defer r.Close()
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if err != nil {
			t.Fatalf("reading %s: %v", p, err)
		}
		if "/"+strings.TrimSuffix(h.Name, "/") == p {
			b, err := io.ReadAll(tr)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
	}
}

// TestGolden holds manifest, configuration and list of files of a small image.
// `go test ./builder/image -run Golden -update` writes the file anew; then
// Format must change as well.
func TestGolden(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the golden files are of linux/amd64")
	}
	res := assemble(t, newBed(t).input(fullRecipe(), binary("/usr/bin/hello", "program"), file("/etc/hello.conf", "conf")))
	manifest, err := res.Image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	config, err := res.Image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(map[string]any{"manifest": manifest, "config": config, "content": res.Content}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "golden.json")
	if *update {
		if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil { // for the repository
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
		t.Error(diff)
	}
	if err := validate.Image(res.Image); err != nil {
		t.Error(err)
	}
}

func TestSameDigest(t *testing.T) {
	items := []item{folder("/usr/bin"), binary("/usr/bin/hello", "program"), file("/etc/hello.conf", "conf"), symlink("/usr/bin/hi", "hello"), folder("/var/lib/hello")}
	var want v1.Hash
	for i := range 25 {
		b := newBed(t)
		rand.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] }) //nolint:gosec // any order will do
		got, err := assemble(t, b.input(fullRecipe(), items...)).Image.Digest()
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			want = got
		} else if got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
}

func TestMemo(t *testing.T) {
	b := newBed(t)
	first := assemble(t, b.input(newRecipe(), binary("/usr/bin/hello", "one")))
	b.fetched = nil
	for _, p := range b.lock.Platforms[0].Image { // no deb is there any more
		if err := os.Remove(b.store.Path(p.SHA256)); err != nil {
			t.Fatal(err)
		}
	}
	second := assemble(t, b.input(newRecipe(), binary("/usr/bin/hello", "one")))
	if len(b.fetched) > 0 {
		t.Errorf("fetched %v", b.fetched)
	}
	if diff := cmp.Diff(first.Content, second.Content); diff != "" {
		t.Error(diff)
	}
	one, _ := first.Image.Digest()
	two, err := second.Image.Digest()
	if err != nil || one != two {
		t.Errorf("got %s and %s, %v", one, two, err)
	}
}

func TestStaticBase(t *testing.T) {
	res := assemble(t, newBed(t).input(newRecipe(), binary("/usr/bin/hello", "program")))
	for p, want := range map[string]string{
		"/etc/ssl/certs/ca-certificates.crt": "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nB\n-----END CERTIFICATE-----\n",
		"/usr/share/zoneinfo/Zulu":           "TZif2",
		"/usr/share/doc/tzdata/copyright":    "Copyright of tzdata\n",
		"/etc/passwd": "root:x:0:0:root:/root:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n" +
			"nonroot:x:65532:65532:nonroot:/home/nonroot:/usr/sbin/nologin\n",
		"/etc/group": "root:x:0:\nnogroup:x:65534:\nnonroot:x:65532:\n",
		"/var/lib/dpkg/status.d/tzdata": "Package: tzdata\nStatus: install ok installed\nMaintainer: Someone <someone@example.org>\nArchitecture: " + runtime.GOARCH +
			"\nSource: src-tzdata (1.0)\nVersion: 1.0-2\nDescription: the package\n and more about it\n .\n the end\n",
	} {
		if diff := cmp.Diff(want, content(t, res.Image, p)); diff != "" {
			t.Errorf("%s:\n%s", p, diff)
		}
	}
	if got := content(t, res.Image, "/usr/lib/os-release"); !strings.Contains(got, "ID=debian\n") || !strings.Contains(got, "VERSION_CODENAME=trixie\n") || !strings.Contains(got, "VERSION_ID=\"13\"\n") {
		t.Errorf("os-release is\n%s", got)
	}
	for _, p := range []string{"/usr/share/man/man5/tzfile.5.gz", "/usr/share/doc/tzdata/changelog.gz", "/usr/sbin/update-ca-certificates", "/usr/share/ca-certificates/mozilla/A.crt"} {
		if _, ok := find(res, p); ok {
			t.Errorf("%s is in the image", p)
		}
	}
	for _, f := range res.Content.Files {
		if f.Owner == "" || f.Type == tar.TypeReg && (len(f.SHA1) != 40 || len(f.SHA256) != 64) {
			t.Errorf("%+v is not accounted for", f)
		}
	}
	if f, _ := find(res, "/tmp"); f.Mode != 0o1777 {
		t.Errorf("/tmp has mode %o", f.Mode)
	}
	if f, _ := find(res, "/usr/share/zoneinfo/UTC"); f.Owner != "deb:tzdata" || f.SHA256 != sum("TZif2") {
		t.Errorf("got %+v", f)
	}
}

func TestConfig(t *testing.T) {
	res := assemble(t, newBed(t).input(fullRecipe(), binary("/usr/bin/hello", "program")))
	c, err := res.Image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	described := map[string]string{
		"org.opencontainers.image.title": "hello", "org.opencontainers.image.version": "1.2.3", "org.opencontainers.image.description": "Says hello",
		"org.opencontainers.image.licenses": "Apache-2.0", "org.opencontainers.image.url": "https://example.org/hello",
		"org.opencontainers.image.created": "2023-11-14T22:13:20Z", "org.opencontainers.image.source": "https://github.com/example/hello",
	}
	with := func(more ...string) map[string]string {
		m := map[string]string{}
		for k, v := range described {
			m[k] = v
		}
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	want := v1.Config{
		User: "65532:65532", Entrypoint: []string{"/usr/bin/hello"}, Cmd: []string{"serve"}, WorkingDir: "/srv/hello", StopSignal: "SIGQUIT",
		Env:          []string{"ADDR=:80", "HOME=/home/nonroot", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "ZONE=a=b"},
		ExposedPorts: map[string]struct{}{"8080/tcp": {}, "53/udp": {}}, Volumes: map[string]struct{}{"/var/lib/hello": {}},
		Labels: with("org.example.team", "a", recipes.RuntimeLabel, `{"writable":["/tmp"],"memory":"64Mi"}`),
	}
	if diff := cmp.Diff(want, c.Config); diff != "" {
		t.Error(diff)
	}
	if c.OS != "linux" || c.Architecture != runtime.GOARCH || c.Created.Unix() != epoch {
		t.Errorf("it is for %s/%s, created %v", c.OS, c.Architecture, c.Created)
	}
	m, err := res.Image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(with("org.example.tier", "b", KeyAnnotation, strings.Repeat("ab", 32)), m.Annotations); diff != "" {
		t.Error(diff)
	}
	for _, p := range []string{"/home/nonroot", "/srv/hello", "/var/lib/hello"} {
		if f, ok := find(res, p); !ok || f.UID != 65532 || f.GID != 65532 || f.Mode != 0o755 {
			t.Errorf("%s: got %+v, %v", p, f, ok)
		}
	}
}

func TestArtifacts(t *testing.T) {
	r := newRecipe()
	r.Image.Volumes = []string{"/var/lib/hello", "/tmp", "/usr/share/zoneinfo"}
	res := assemble(t, newBed(t).input(r,
		folder("/bin"), binary("/bin/hello", "program"), folder("/usr/bin"), hardlink("/usr/bin/hallo", "/bin/hello"), symlink("/usr/bin/soft", "hello"), hardlink("/usr/bin/soft2", "/usr/bin/soft"),
		file("/lib/hello/data", "data"), folder("/var/lib/hello"), item{name: "/etc/nsswitch.conf", body: "mine", mode: 0o640}, item{name: "/tmp", kind: tar.TypeDir, mode: 0o700}))
	for p, want := range map[string]recipes.File{
		"/usr/bin/hello":      {Path: "/usr/bin/hello", Type: tar.TypeReg, Mode: 0o755, Size: 7, Owner: "service"},
		"/usr/bin/hallo":      {Path: "/usr/bin/hallo", Type: tar.TypeReg, Mode: 0o755, Size: 7, Owner: "service"},
		"/usr/bin/soft2":      {Path: "/usr/bin/soft2", Type: tar.TypeSymlink, Mode: 0o777, Linkname: "hello", Owner: "service"},
		"/usr/lib/hello/data": {Path: "/usr/lib/hello/data", Type: tar.TypeReg, Mode: 0o644, Size: 4, Owner: "service"},
		"/etc/nsswitch.conf":  {Path: "/etc/nsswitch.conf", Type: tar.TypeReg, Mode: 0o640, Size: 4, Owner: "service"},
		"/bin":                {Path: "/bin", Type: tar.TypeSymlink, Mode: 0o777, Linkname: "usr/bin", Owner: "base"},
		"/var/lib/hello":      {Path: "/var/lib/hello", Type: tar.TypeDir, Mode: 0o755, UID: 65532, GID: 65532, Owner: "service"},
		"/tmp":                {Path: "/tmp", Type: tar.TypeDir, Mode: 0o1777, Owner: "base"},
		"/usr/share/zoneinfo": {Path: "/usr/share/zoneinfo", Type: tar.TypeDir, Mode: 0o755, UID: 65532, GID: 65532, Owner: "base"},
	} {
		got, ok := find(res, p)
		got.SHA1, got.SHA256 = "", ""
		if diff := cmp.Diff(want, got); !ok || diff != "" {
			t.Errorf("%s, %v:\n%s", p, ok, diff)
		}
	}
}

func TestAssembleRefuses(t *testing.T) {
	hello := binary("/usr/bin/hello", "program")
	for _, c := range []struct {
		name   string
		change func(*recipes.Recipe, *bed)
		items  []item
		want   string
	}{
		{"nothing built", nil, nil, "recipe.yaml: the steps left nothing in $DESTDIR"},
		{"only folders of the base", nil, []item{folder("/usr"), folder("/usr/bin")}, "left nothing in $DESTDIR"},
		{"file in the place of a folder", nil, []item{hello, file("/etc", "x")}, "/etc is a folder in one of the base and $DESTDIR"},
		{"folder in the place of a file", nil, []item{hello, folder("/etc/nsswitch.conf"), file("/etc/nsswitch.conf/x", "x")}, "/etc/nsswitch.conf is a folder in one"},
		{"one path twice", nil, []item{binary("/bin/hello", "a"), hello}, "/usr/bin/hello is there twice"},
		{"hard link to nothing", nil, []item{hello, hardlink("/usr/bin/x", "/usr/bin/y")}, "/usr/bin/x is a hard link to /usr/bin/y, which is not there"},
		{"setuid", nil, []item{{name: "/usr/bin/hello", mode: 0o4755}}, "setuid: /usr/bin/hello: it is setuid or setgid (mode 4755)"},
		{"capability through a hard link", nil, []item{{name: "/usr/bin/hello", mode: 0o755, capability: "\x01"}, hardlink("/usr/bin/x", "/usr/bin/hello")}, "file-capability: /usr/bin/x: "},
		{"unknown base", func(r *recipes.Recipe, _ *bed) { r.Image.Base = "musl" }, []item{hello}, `there is no base "musl"; there are static, glibc, cc, python, node, java`},
		{"base lacks a package", func(r *recipes.Recipe, _ *bed) { r.Image.Base = "cc" }, []item{hello}, "the lock has no package libc6 for the image; run `kiln lock`"},
		{"package not locked", func(r *recipes.Recipe, _ *bed) { r.Image.Packages = []string{"nano"} }, []item{hello}, "the lock has no package nano for the image"},
		{"platform not locked", func(_ *recipes.Recipe, b *bed) { b.lock.Platforms = nil }, []item{hello}, "nothing is locked for the platform"},
		{"user", func(r *recipes.Recipe, _ *bed) { r.Image.User = "app" }, []item{hello}, `image.user: "app" is not uid:gid`},
		{"root", func(r *recipes.Recipe, _ *bed) { r.Image.User = "0:0" }, []item{hello}, "root-user: image.user: the image would run as 0:0"},
		{"secret", func(r *recipes.Recipe, _ *bed) { r.Image.Env = map[string]string{"DB_PASSWORD": "x"} }, []item{hello}, "env-secret: DB_PASSWORD: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, r := newBed(t), newRecipe()
			if c.change != nil {
				c.change(r, b)
			}
			_, err := Assemble(t.Context(), b.input(r, c.items...))
			if err == nil || !strings.HasPrefix(err.Error(), "assembling image: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestAllowedFinding(t *testing.T) {
	r := newRecipe()
	r.Allow = []recipes.Allow{{Rule: recipes.RuleSetuid, Path: "/usr/bin/hello", Reason: "it is asked for"}}
	assemble(t, newBed(t).input(r, item{name: "/usr/bin/hello", body: "x", mode: 0o4755}))
}

func TestFetchFails(t *testing.T) {
	in := newBed(t).input(newRecipe(), binary("/usr/bin/hello", "x"))
	in.Fetch = func(context.Context, []recipes.Package) error { return errors.New("no mirror has tzdata") }
	if _, err := Assemble(t.Context(), in); err == nil || !strings.Contains(err.Error(), "no mirror has tzdata") {
		t.Errorf("got %v", err)
	}
}

func TestImagePackages(t *testing.T) {
	b := newBed(t)
	b.image(t, "plugin", copyright("plugin"), file("/usr/lib/plugin/x.dat", "x"), file("/usr/lib/plugin/doc", "shared"), hardlink("/usr/share/man/man1/x.1", "/usr/lib/plugin/doc"),
		file("/usr/share/doc/plugin/big", "kept"), hardlink("/usr/lib/plugin/kept", "/usr/share/doc/plugin/big"))
	r := newRecipe()
	r.Image.Packages = []string{"plugin", "tzdata"} // tzdata is in the base
	res := assemble(t, b.input(r, binary("/usr/bin/hello", "x")))
	if got := content(t, res.Image, "/usr/lib/plugin/kept"); got != "kept" {
		t.Errorf("a hard link to what is left out holds %q", got)
	}
	if f, ok := find(res, "/usr/lib/plugin/x.dat"); !ok || f.Owner != "deb:plugin" {
		t.Errorf("got %+v, %v", f, ok)
	}
	m, err := res.Image.Manifest()
	if err != nil || len(m.Layers) != 3 {
		t.Errorf("got %d layers, %v; want those of base, packages and service", len(m.Layers), err)
	}
}

func TestPackagesConflict(t *testing.T) {
	b := newBed(t)
	b.image(t, "one", copyright("one"), file("/usr/lib/x", "1"))
	b.image(t, "two", copyright("two"), file("/usr/lib/x", "2"))
	r := newRecipe()
	r.Image.Packages = []string{"one", "two"}
	if _, err := Assemble(t.Context(), b.input(r, binary("/usr/bin/hello", "x"))); err == nil || !strings.Contains(err.Error(), "/usr/lib/x is in deb:one and in deb:two") {
		t.Errorf("got %v", err)
	}
}

func TestCopyright(t *testing.T) {
	for want, items := range map[string][]item{
		"adding package odd: it has no copyright file":                                        {file("/usr/lib/x", "x")},
		"its copyright file is in the package odd-base, which is not locked; run `kiln lock`": {symlink("/usr/share/doc/odd", "odd-base")},
	} {
		b := newBed(t)
		b.image(t, "odd", items...)
		r := newRecipe()
		r.Image.Packages = []string{"odd"}
		if _, err := Assemble(t.Context(), b.input(r, binary("/usr/bin/hello", "x"))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// registryBase is an image as a registry has it: Docker's media types, a user
// database of its own, and folders that are not merged into /usr.
func registryBase(t testing.TB, more ...item) v1.Image {
	t.Helper()
	items := append([]item{
		folder("/bin"), folder("/lib"), folder("/etc"), file("/etc/passwd", "root:x:0:0::/:/none\nnonroot:x:999:999::/:/none"),
		file("/etc/group", "root:x:0:\n"), file("/lib/data", "of the base"), hardlink("/lib/data2", "/lib/data"), {name: "/tmp", kind: tar.TypeDir, mode: 0o1777},
	}, more...)
	raw := tarOf(t, items)
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil })
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.Append(empty.Image, mutate.Addendum{
		Layer: l, MediaType: types.DockerLayer, History: v1.History{CreatedBy: "ADD rootfs"},
	}, mutate.Addendum{History: v1.History{CreatedBy: "ENV LANG=C", EmptyLayer: true}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c = c.DeepCopy()
	c.OS, c.Architecture, c.Author = "linux", runtime.GOARCH, "somebody"
	c.Config = v1.Config{User: "root", Env: []string{"LANG=C", "PATH=/bin"}, Cmd: []string{"/bin/x"}, Labels: map[string]string{"of": "base"}}
	if img, err = mutate.ConfigFile(img, c); err != nil {
		t.Fatal(err)
	}
	return img
}

func onRegistryBase(t testing.TB, base v1.Image, items ...item) (Input, *recipes.Recipe) {
	t.Helper()
	r := newRecipe()
	digest, err := base.Digest()
	if err != nil {
		t.Fatal(err)
	}
	r.Image.Base = "registry.example.org/base:1@" + digest.String()
	in := newBed(t).input(r, items...)
	in.Base = base
	return in, r
}

func TestRegistryBase(t *testing.T) {
	base := registryBase(t)
	in, _ := onRegistryBase(t, base, binary("/bin/hello", "x"), binary("/usr/bin/other", "y"))
	res := assemble(t, in)
	for p, want := range map[string]recipes.File{
		"/lib/data":      {Path: "/lib/data", Type: tar.TypeReg, Mode: 0o644, Size: 11, Owner: "image"},
		"/lib/data2":     {Path: "/lib/data2", Type: tar.TypeReg, Mode: 0o644, Size: 11, Owner: "image"},
		"/bin/hello":     {Path: "/bin/hello", Type: tar.TypeReg, Mode: 0o755, Size: 1, Owner: "service"},
		"/usr/bin/other": {Path: "/usr/bin/other", Type: tar.TypeReg, Mode: 0o755, Size: 1, Owner: "service"},
	} {
		got, ok := find(res, p)
		if p == "/lib/data2" && got.SHA256 != sum("of the base") {
			t.Errorf("%s has sha256 %s", p, got.SHA256)
		}
		got.SHA1, got.SHA256 = "", ""
		if diff := cmp.Diff(want, got); !ok || diff != "" {
			t.Errorf("%s, %v:\n%s", p, ok, diff)
		}
	}
	if diff := cmp.Diff("root:x:0:0::/:/none\nnonroot:x:999:999::/:/none\nuser65532:x:65532:65532:user65532:/home/nonroot:/usr/sbin/nologin\n", content(t, res.Image, "/etc/passwd")); diff != "" {
		t.Error(diff)
	}
	m, err := res.Image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	digest, _ := base.Digest()
	if m.Annotations["org.opencontainers.image.base.digest"] != digest.String() || m.Annotations["org.opencontainers.image.base.name"] != "registry.example.org/base:1" {
		t.Errorf("got annotations %v", m.Annotations)
	}
	var got []types.MediaType
	for _, d := range append([]v1.Descriptor{m.Config}, m.Layers...) {
		got = append(got, d.MediaType)
	}
	if diff := cmp.Diff([]types.MediaType{types.OCIConfigJSON, types.OCILayer, types.OCILayer}, got); diff != "" || m.MediaType != types.OCIManifestSchema1 {
		t.Errorf("%s\n%s", m.MediaType, diff)
	}
	c, err := res.Image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"HOME=/home/nonroot", "LANG=C", "PATH=/bin"}, c.Config.Env); diff != "" {
		t.Error(diff)
	}
	if c.Config.User != "65532:65532" || c.Author != "" || c.Config.Cmd != nil || c.Config.Labels["of"] != "" {
		t.Errorf("got config %+v", c)
	}
	var history []string
	for _, h := range c.History {
		history = append(history, h.CreatedBy)
	}
	if diff := cmp.Diff([]string{"ADD rootfs", "ENV LANG=C", "kiln: service hello 1.2.3"}, history); diff != "" {
		t.Error(diff)
	}
	if err := validate.Image(res.Image); err != nil {
		t.Error(err)
	}
}

func TestRulesApplyToRegistryBase(t *testing.T) {
	base := registryBase(t, binary("/bin/busybox", "x"), symlink("/bin/sh", "busybox"), item{name: "/bin/su", mode: 0o4755}, item{name: "/dev/null", kind: tar.TypeChar, mode: 0o600})
	c, err := base.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c = c.DeepCopy()
	c.Config.Env = append(c.Config.Env, "API_TOKEN=x")
	if base, err = mutate.ConfigFile(base, c); err != nil {
		t.Fatal(err)
	}
	in, r := onRegistryBase(t, base, binary("/usr/bin/hello", "x"))
	_, err = Assemble(t.Context(), in)
	var refused *RefusedError
	if !errors.As(err, &refused) {
		t.Fatalf("got %v", err)
	}
	var got []string
	for _, f := range refused.Findings {
		got = append(got, f.Rule+" "+f.Path)
	}
	want := []string{"env-secret API_TOKEN", "shell /bin/busybox", "shell /bin/sh", "setuid /bin/su", "device /dev/null"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, rule := range []string{recipes.RuleEnvSecret, recipes.RuleShell, recipes.RuleSetuid, recipes.RuleDevice} {
		r.Allow = append(r.Allow, recipes.Allow{Rule: rule, Reason: "as the base has it"})
	}
	assemble(t, in)
}

func TestHistoryThatDoesNotFit(t *testing.T) {
	adds := []mutate.Addendum{{MediaType: "a"}, {MediaType: "b"}}
	full := func(s string) v1.History { return v1.History{CreatedBy: s} }
	for _, c := range []struct {
		name    string
		history []v1.History
		want    []string
	}{
		{"none", nil, []string{"a ", "b "}},
		{"fits", []v1.History{full("1"), {CreatedBy: "e", EmptyLayer: true}, full("2")}, []string{"a 1", " e", "b 2"}},
		{"too short", []v1.History{full("1")}, []string{"a 1", "b "}},
		{"too long", []v1.History{full("1"), full("2"), full("3")}, []string{"a ", "b "}},
	} {
		var got []string
		for _, add := range withHistory(adds, c.history) {
			got = append(got, string(add.MediaType)+" "+add.History.CreatedBy)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

func TestSourceAnnotation(t *testing.T) {
	for src, want := range map[string]string{
		"github.com/a/b/v2@v2.0.0": "https://github.com/a/b", "gitlab.com/a/b/c@v1.0.0": "https://gitlab.com/a/b", "example.org/x@v1.0.0": "", "github.com/a@v1.0.0": "",
	} {
		if got := goRepository(src); got != want {
			t.Errorf("%s: got %q, want %q", src, got, want)
		}
	}
}

func TestBasePackages(t *testing.T) {
	static, _ := BasePackages("static")
	for _, base := range recipes.Bases() {
		got, ok := BasePackages(base)
		if !ok || !slices.Equal(got[:len(static)], static) {
			t.Errorf("%s: got %v, %v", base, got, ok)
		}
	}
	if got, ok := BasePackages("registry.example.org/x@sha256:1"); ok || got != nil {
		t.Errorf("got %v, %v", got, ok)
	}
}
