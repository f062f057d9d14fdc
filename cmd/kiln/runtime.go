package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/recipes"
)

func runtimeCommand() *cli.Command {
	return &cli.Command{
		Name: "runtime", Usage: "print the pod and the network policy that a service needs in Kubernetes", ArgsUsage: "RECIPE|IMAGE",
		Description: "Prints a Pod with security contexts, limits and volumes, and a NetworkPolicy for the\n" +
			"declared ports, from the `runtime` and `image` of a recipe, or from what an image in a\n" +
			"registry or an OCI layout says of itself. The image is not verified: see kiln verify.\n\n" +
			"Example: kiln runtime registry.corp/platform/hello:1.0.0 | kubectl apply -f -",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "seccomp-profile", Usage: "`PATH` of a profile below the kubelet's seccomp folder (default: the container engine's own profile)"},
			&cli.StringFlag{Name: "output", Value: "yaml", Usage: "yaml or json (a List)"},
		}, append(registryFlags(), mirrorFlags()...)...),
		OnUsageError: usageError,
		Action:       runRuntime,
	}
}

// service is what a cluster has to know of a service.
type service struct {
	name, version, image string
	uid, gid             int64
	ports                []string
	volumes              []string
	runtime              recipes.Runtime
}

func runRuntime(c *cli.Context) error {
	if c.NArg() != 1 {
		return usagef("kiln runtime: want one recipe or image, got %d arguments", c.NArg())
	}
	if out := c.String("output"); out != "yaml" && out != "json" {
		return usagef("--output: want yaml or json, got %q", out)
	}
	profile := c.String("seccomp-profile")
	if profile != "" && (!filepath.IsLocal(profile) || strings.HasPrefix(profile, "/")) {
		return usagef("--seccomp-profile: want a path below the kubelet's folder, got %q", profile)
	}
	s, err := findService(c, c.Args().First())
	if err != nil {
		return err
	}
	for _, note := range s.notes() {
		fmt.Fprintln(c.App.ErrWriter, "note: "+note)
	}
	return printManifests(c.App.Writer, c.String("output"), s.pod(profile), s.networkPolicy())
}

// findService takes what is there for a recipe, unless it is an OCI layout, and
// what is not there for an image.
func findService(c *cli.Context, arg string) (*service, error) {
	_, err := os.Stat(arg)
	switch {
	case isLayout(arg):
	case err == nil:
		r, err := loadRecipe(arg)
		if err != nil {
			return nil, err
		}
		return recipeService(r)
	case strings.HasPrefix(arg, ".") || strings.HasPrefix(arg, "/") || strings.HasSuffix(arg, ".yaml"):
		return nil, fmt.Errorf("reading recipe: %w", err)
	}
	s, err := findImage(c, arg)
	var wrong usage
	if errors.As(err, &wrong) {
		return nil, withHint{err, "there is no such file either, that it could be a recipe"}
	}
	if err != nil {
		return nil, err
	}
	// The contract is the same for all platforms.
	digest := s.found.Descriptor.Digest
	if listed := s.listed(); len(listed) > 0 {
		digest = listed[0].Digest
	}
	img, err := s.image(c.Context, digest)
	if err != nil {
		return nil, err
	}
	return imageService(s.reference, img)
}

func imageService(ref string, img v1.Image) (*service, error) {
	file, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", ref, err)
	}
	c := file.Config
	label, ok := c.Labels[recipes.RuntimeLabel]
	if !ok {
		return nil, withHint{fmt.Errorf("reading %s: it does not say what it needs while it runs", ref),
			"images of this kiln have the label " + recipes.RuntimeLabel + "; build it anew, or name its recipe"}
	}
	run, err := recipes.ReadRuntime(label)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", ref, err)
	}
	const prefix = "org.opencontainers.image."
	s := &service{
		name: c.Labels[prefix+"title"], version: c.Labels[prefix+"version"], image: ref,
		ports: slices.Sorted(maps.Keys(c.ExposedPorts)), volumes: slices.Sorted(maps.Keys(c.Volumes)), runtime: run,
	}
	return s, s.setUser(c.User)
}

func recipeService(r *recipes.Recipe) (*service, error) {
	s := &service{
		name: r.Name, version: r.Version, image: r.Name + ":" + r.Version,
		ports: r.Image.Ports, volumes: r.Image.Volumes, runtime: r.Runtime,
	}
	return s, s.setUser(r.Image.User)
}

func (s *service) setUser(user string) error {
	if _, err := fmt.Sscanf(user, "%d:%d", &s.uid, &s.gid); err != nil {
		return fmt.Errorf("reading %s: its user %q is not uid:gid", s.image, user)
	}
	return nil
}

// notes are what a manifest cannot say.
func (s *service) notes() []string {
	var list []string
	for _, v := range s.volumes {
		list = append(list, v+" keeps data: put a persistentVolumeClaim in the place of its emptyDir")
	}
	if s.runtime.Pids > 0 {
		list = append(list, fmt.Sprintf("no pod can limit its processes; %d are enough for the kubelet's podPidsLimit", s.runtime.Pids))
	}
	if s.uid == 0 || s.gid == 0 {
		list = append(list, "it runs as root, which the restricted Pod Security Standard refuses")
	}
	for _, c := range s.runtime.Capabilities {
		if c != "NET_BIND_SERVICE" {
			list = append(list, "the restricted Pod Security Standard refuses the capability "+c)
		}
	}
	return list
}
