// Quickstart shows kiln from a recipe to a verified image in a real registry,
// on this machine: it runs the commands that a person would type, shows each,
// and ends with what came of them. `quickstart stop` ends what it started.
//
// It needs bin/ as `make quickstart` fills it, and keeps the registry's files
// in .work/quickstart, so that a second run finds them. Start at run.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	recipe = "recipes/catalog/nats/recipe.yaml"
	work   = ".work/quickstart"
	kiln   = "bin/kiln"
)

func main() {
	log.SetFlags(0)
	if err := run(os.Args[1:]); err != nil {
		log.Fatalf("quickstart: %v", err)
	}
}

func run(args []string) error {
	if len(args) == 1 && args[0] == "stop" {
		return stop()
	}
	if err := os.MkdirAll(work, 0o755); err != nil {
		return err
	}
	host, err := startRegistry()
	if err != nil {
		return err
	}
	image, err := build(host + "/quickstart/nats")
	if err != nil {
		return err
	}
	key, err := publicKey()
	if err != nil {
		return err
	}
	if _, err := shell("verify", image.Reference, "--key", key); err != nil {
		return err
	}
	image.show(host)
	return nil
}

// image is what kiln build says of an image.
type image struct {
	Reference string          `json:"reference"`
	Digest    string          `json:"digest"`
	Unchanged bool            `json:"unchanged"`
	Platforms []platformImage `json:"platforms"`
}

type platformImage struct {
	Platform string `json:"platform"`
	Size     int64  `json:"size"`
	Packages int    `json:"packages"`
	Files    int    `json:"files"`
}

// build builds the recipe with its committed lock. Locks age as the archive
// moves on; where that one builds no more, a copy is locked afresh.
func build(repo string) (*image, error) {
	img, err := buildRecipe(recipe, repo)
	if err == nil {
		return img, nil
	}
	log.Printf("\nThe committed lock does not build: the archive may have moved on.\nLocking a copy of the recipe afresh.")
	fresh := filepath.Join(work, "recipe")
	if err := os.RemoveAll(fresh); err != nil {
		return nil, err
	}
	if err := os.CopyFS(fresh, os.DirFS(filepath.Dir(recipe))); err != nil {
		return nil, err
	}
	copied := filepath.Join(fresh, filepath.Base(recipe))
	if _, err := shell("lock", copied); err != nil {
		return nil, err
	}
	return buildRecipe(copied, repo)
}

func buildRecipe(path, repo string) (*image, error) {
	out, err := shell("build", path, "--push", repo, "--output", "json")
	if err != nil {
		return nil, err
	}
	var img image
	if err := json.Unmarshal(out, &img); err != nil {
		return nil, fmt.Errorf("reading what kiln build says: %w", err)
	}
	return &img, img.remember(out)
}

// remember keeps what was said of an image when it was built, and fills in
// what is not said again when nothing changed.
func (i *image) remember(out []byte) error {
	path := filepath.Join(work, "image.json")
	if !i.Unchanged {
		return os.WriteFile(path, out, 0o644)
	}
	before, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	var old image
	if err := json.Unmarshal(before, &old); err != nil {
		return err
	}
	if old.Digest == i.Digest {
		i.Platforms = old.Platforms
	}
	return nil
}

func (i *image) show(host string) {
	tag := strings.SplitN(i.Reference, "@", 2)[0]
	fmt.Printf("\ndigest    %s\n", i.Digest)
	for _, p := range i.Platforms {
		fmt.Printf("platform  %s\nsize      %.1f MB\npackages  %d\nfiles     %d\n", p.Platform, float64(p.Size)/1e6, p.Packages, p.Files)
	}
	fmt.Printf("registry  http://%s, image %s (`make quickstart-stop` ends it)\n", host, tag)
	fmt.Printf("\nRun it:\n  podman run --rm --read-only --cap-drop=all --security-opt=no-new-privileges \\\n"+
		"    --tls-verify=false -p 4222:4222 %s\n", i.Reference)
}

// publicKey is the development key's, which the first build made.
func publicKey() (string, error) {
	state := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "kiln", "keys", "kiln-dev.pub"), nil
}

// shell shows a command of kiln, runs it, and returns its standard output.
func shell(args ...string) ([]byte, error) {
	fmt.Fprintf(os.Stderr, "\n$ %s %s\n", kiln, strings.Join(args, " "))
	c := exec.Command(kiln, args...) //nolint:gosec // the commands of this program
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("kiln %s: %w", args[0], err)
	}
	return out, nil
}
