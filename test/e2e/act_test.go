//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestAction: a workflow that uses the action, run by act on this machine,
// builds kiln from the sources of the action, and with it an image that it
// pushes. So does the reusable workflow, except for what GitHub alone has.
func TestAction(t *testing.T) {
	takesLong(t, "building kiln from source")
	b := newBed(t)
	dir := b.repository(t, map[string]string{
		".github/workflows/image.yml": `
on: push
permissions: {}
jobs:
  image:
    runs-on: ubuntu-24.04
    outputs:
      digest: ${{ steps.build.outputs.digest }}
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
      - id: build
        uses: ./.github/actions/build
        with:
          file: recipes/catalog/hello
          push: true
          tags: REGISTRY/act/hello, REGISTRY/act/hello:extra
          key: KEY
          cache-to: type=local,dest=cache
          args: --registry-ca=AUTHORITY
      - run: echo "the digest is $DIGEST of $METADATA"; ls cache
        env:
          DIGEST: ${{ steps.build.outputs.digest }}
          METADATA: ${{ toJSON(fromJSON(steps.build.outputs.metadata).references) }}
  again:
    needs: image
    permissions: {contents: read, packages: write, id-token: write}
    uses: ./.github/workflows/build.yml
    with:
      file: recipes/catalog/hello
      tags: REGISTRY/act/hello:again
      keyless: false
      registry: ""
      args: |
        --key=KEY
        --registry-ca=AUTHORITY
  verify:
    needs: again
    permissions: {contents: read, packages: read}
    uses: ./.github/workflows/verify.yml
    with:
      image: REGISTRY/act/hello@${{ needs.again.outputs.digest }}
      key: PUBLIC
      registry: ""
`})
	said := b.act(t, dir)
	digest := regexp.MustCompile(`the digest is (sha256:[0-9a-f]{64}) of \[`).FindStringSubmatch(said)
	if digest == nil {
		t.Fatalf("no digest came out:\n%s", said)
	}
	for _, tag := range []string{"1.0.0", "extra", "again"} {
		r := b.must(t, "kiln", "verify", b.Addr+"/act/hello:"+tag, "--key", b.pub, "--registry-ca", b.CAFile)
		if want := b.Addr + "/act/hello@" + digest[1]; r.last() != want {
			t.Errorf("the tag %s is on %s, want %s", tag, r.last(), want)
		}
	}
	for _, want := range []string{"index.json", "Verified `" + b.Addr + "/act/hello@" + digest[1] + "`"} {
		if !strings.Contains(said, want) {
			t.Errorf("it did not say %q:\n%s", want, said)
		}
	}
}

// repository is a copy of this one, as it is, with other files besides, in
// which the places of the bed are filled in.
func (b *bed) repository(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	const copyAll = `git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$1" && cd "$1" && git init -q && git remote add origin https://github.com/acme/images && rm .github/workflows/c*.yml && git add . && git -c user.name=e2e -c user.email=e2e@example.com commit -qm images`
	b.must(t, "sh", "-c", "cd "+root()+" && "+copyAll, "sh", dir)
	r := strings.NewReplacer("REGISTRY", b.Addr, "KEY", b.key, "PUBLIC", b.pub, "AUTHORITY", b.CAFile)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(r.Replace(text)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// act runs the workflows for a push. What comes from GitHub, which this machine
// need not reach, has stand-ins: to check out puts the same tree in place, and
// nobody asks for GitHub's cache.
func (b *bed) act(t *testing.T, dir string) string {
	t.Helper()
	stand := func(name, action string) string {
		folder := filepath.Join(t.TempDir(), name)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "action.yml"), []byte(action), 0o644); err != nil {
			t.Fatal(err)
		}
		return folder
	}
	checkout := stand("checkout", `
name: checkout
inputs: {path: {}, repository: {}, ref: {}, persist-credentials: {}}
runs:
  using: composite
  steps:
    - shell: bash
      run: test -z "$PLACE" || ln -sfn . "$PLACE"
      env: {PLACE: "${{ inputs.path }}"}
`)
	script := stand("script", "name: script\nruns: {using: composite, steps: []}\n")
	args := []string{"push", "--platform", "ubuntu-24.04=-self-hosted", "--container-daemon-socket", "-", "--no-cache-server", "--action-cache-path", filepath.Join(t.TempDir(), "act"), "--env", "KILN_REGISTRY_CA=" + b.CAFile}
	uses := regexp.MustCompile(`uses: (actions/(checkout|github-script)@[0-9a-f]{40})`)
	for _, file := range []string{".github/workflows/build.yml", ".github/actions/build/action.yml"} {
		for _, m := range uses.FindAllStringSubmatch(read(t, filepath.Join(dir, file)), -1) {
			folder := checkout
			if m[2] == "github-script" {
				folder = script
			}
			args = append(args, "--local-repository", m[1]+"="+folder)
		}
	}
	c := b.command(t, "act", args...)
	c.Dir = dir
	cache := b.must(t, "go", "env", "GOCACHE") // kiln's folders are not those of go
	c.Env = append(append(c.Env, b.homes...), "GOCACHE="+cache.last())
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("act: %v\n%s", err, out)
	}
	return string(out)
}
