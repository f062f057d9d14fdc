package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sign"
)

func signCommand() *cli.Command {
	return &cli.Command{
		Name: "sign", Usage: "sign an image that is in a registry or an OCI layout", ArgsUsage: "IMAGE@DIGEST|FOLDER",
		Description: "Attaches a signature to the image, and of an index to each image that it lists. What the\n" +
			"same key or identity signed before is left as it is, and so is what others signed.\n" +
			"With --tag the image gets the tag, once all that kiln attaches is there and verifies.",
		Flags: append(append([]cli.Flag{
			&cli.StringSliceFlag{Name: "tag", Usage: "a `TAG` for the image in its registry, given where it verifies as kiln's"},
		}, signerFlags()...), registryFlags()...),
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			a, err := newAttaching(c)
			if err != nil {
				return err
			}
			signed := func(ctx context.Context, subject v1.Descriptor, existing recipes.Attached) ([]recipes.Attachment, error) {
				return a.signer.sign(ctx, subject, a.repository, nil, existing)
			}
			if err := a.attach(c.Context, a.manifests, signed); err != nil {
				return err
			}
			return a.finish(c)
		},
	}
}

func attestCommand() *cli.Command {
	return &cli.Command{
		Name: "attest", Usage: "attach a signed statement to an image in a registry or an OCI layout", ArgsUsage: "IMAGE@DIGEST|FOLDER",
		Description: "Signs what the file says about the image, as an in-toto statement of the type, and attaches\n" +
			"it. The same statement is not attached twice.",
		Flags: append(append([]cli.Flag{
			&cli.StringFlag{Name: "predicate", Usage: "`FILE` with the statement's predicate, a JSON object"},
			&cli.StringFlag{Name: "type", Usage: "`TYPE` of the predicate: a URI, or " + strings.Join(predicateNames(), ", ")},
		}, signerFlags()...), registryFlags()...),
		OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			statement, err := readPredicate(c)
			if err != nil {
				return err
			}
			a, err := newAttaching(c)
			if err != nil {
				return err
			}
			if err := a.attach(c.Context, a.manifests[:1], a.signer.attest(a.repository, statement)); err != nil {
				return err
			}
			return a.finish(c)
		},
	}
}

// predicateTypes are those that have names, by cosign's for them.
func predicateTypes() map[string]string {
	return map[string]string{
		"spdxjson": sign.PredicateSPDX, "slsaprovenance1": sign.PredicateProvenance, "test-result": sign.PredicateTestResult,
		"cyclonedx": "https://cyclonedx.org/bom", "openvex": sign.PredicateVEX, "vulns": sign.PredicateScan, "vuln": "https://cosign.sigstore.dev/attestation/vuln/v1",
	}
}

func predicateNames() []string { return slices.Sorted(maps.Keys(predicateTypes())) }

// readPredicate reads the statement that flags name.
func readPredicate(c *cli.Context) (sign.Statement, error) {
	kind, file := c.String("type"), c.String("predicate")
	if kind == "" || file == "" {
		return sign.Statement{}, usagef("kiln attest: want --predicate FILE and --type TYPE")
	}
	if uri, ok := predicateTypes()[kind]; ok {
		kind = uri
	} else if !strings.Contains(kind, "://") {
		h := "it is a URI, or one of " + strings.Join(predicateNames(), ", ")
		if near := recipes.Nearest(kind, predicateNames()); near != "" {
			h = fmt.Sprintf("did you mean %q?", near)
		}
		return sign.Statement{}, withHint{usagef("--type: unknown predicate type %q", kind), h}
	}
	if kind == sign.PredicateSignature {
		return sign.Statement{}, usagef("--type: a signature has no predicate; `kiln sign` makes one")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return sign.Statement{}, fmt.Errorf("reading --predicate: %w", err)
	}
	if !json.Valid(text) || !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return sign.Statement{}, fmt.Errorf("reading --predicate %s: it is no JSON object", file)
	}
	return sign.Statement{PredicateType: kind, Predicate: bytes.TrimSpace(text)}, nil
}

// attaching is one run of kiln sign or kiln attest.
type attaching struct {
	signer *signer
	// folder is that of an OCI layout, whose image is stored; otherwise it is
	// published.
	folder     string
	stored     *push.Stored
	published  *published
	repository string
	found      push.Found
	// manifests are the image, and those that it lists.
	manifests []v1.Descriptor
	tags      []string
}

func newAttaching(c *cli.Context) (*attaching, error) {
	if c.NArg() != 1 {
		return nil, usagef("kiln %s: want one image, got %d arguments", c.Command.Name, c.NArg())
	}
	env, err := newEnvironment(c)
	if err != nil {
		return nil, err
	}
	a := &attaching{}
	if a.tags, err = tagsOf(c, "1.0.0"); err != nil {
		return nil, err
	}
	if err := a.open(c); err != nil {
		return nil, err
	}
	a.manifests = []v1.Descriptor{a.found.Descriptor}
	for _, d := range a.found.Manifests {
		a.manifests = append(a.manifests, v1.Descriptor{MediaType: d.MediaType, Size: d.Size, Digest: d.Digest})
	}
	a.signer, err = env.signer(c)
	return a, err
}

// open finds the image: a folder, if that is what is there.
func (a *attaching) open(c *cli.Context) error {
	arg := c.Args().First()
	folder, digest, err := layoutOf(arg)
	if err != nil {
		return err
	}
	if folder != "" {
		return a.openLayout(folder, digest)
	}
	ref, err := name.ParseReference(arg)
	if err != nil {
		return usagef("kiln %s: %w", c.Command.Name, err)
	}
	if _, ok := ref.(name.Digest); !ok {
		return withHint{usagef("kiln %s: %s has no digest", c.Command.Name, ref), "a tag may be moved meanwhile: name the image as IMAGE@sha256:…"}
	}
	registry, err := newRegistry(c, nil)
	if err != nil {
		return err
	}
	if a.published, err = findPublished(c, registry, arg); err != nil {
		return err
	}
	a.repository, a.found = a.published.repo.Name(), a.published.found
	return nil
}

func (a *attaching) openLayout(folder, digest string) error {
	if len(a.tags) > 0 {
		return usagef("kiln sign: --tag is for an image in a registry")
	}
	var err error
	if a.stored, a.found, err = readLayout(folder, digest); err != nil {
		return err
	}
	a.folder = folder
	a.repository = strings.TrimSuffix(filepath.Base(filepath.Clean(folder)), ".oci")
	return nil
}

// attach adds what f makes for the manifests.
func (a *attaching) attach(ctx context.Context, manifests []v1.Descriptor, f push.Attach) error {
	if a.folder == "" {
		return a.published.attach(ctx, manifests, f)
	}
	return attachStored(ctx, a.folder, a.stored, manifests, f)
}

// attachStored adds what f makes for manifests of a folder's image.
func attachStored(ctx context.Context, folder string, stored *push.Stored, manifests []v1.Descriptor, f push.Attach) error {
	_, err := push.WriteLayout(ctx, folder, stored.Top, func(ctx context.Context, subject v1.Descriptor, existing recipes.Attached) ([]recipes.Attachment, error) {
		if !slices.ContainsFunc(manifests, func(d v1.Descriptor) bool { return d.Digest == subject.Digest }) {
			return nil, nil
		}
		return f(ctx, subject, existing)
	}, stored.Tags)
	return err
}

// finish gives the image its tags, where everything verifies, and says what it
// is.
func (a *attaching) finish(c *cli.Context) error {
	fmt.Fprintf(c.App.ErrWriter, "  signed      %s\n", a.signer.people)
	if a.folder != "" {
		_, err := fmt.Fprintln(c.App.Writer, a.folder+"@"+a.found.Descriptor.Digest.String())
		return err
	}
	if len(a.tags) > 0 {
		if err := a.verified(c.Context); err != nil {
			return fmt.Errorf("not tagged: %w", err)
		}
		if err := a.published.registry.Tag(c.Context, a.published.reference(), a.tags); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(c.App.Writer, a.published.reference())
	return err
}

// verified makes sure that all that is required verifies.
func (a *attaching) verified(ctx context.Context) error {
	who, err := a.signer.who(ctx)
	if err != nil {
		return err
	}
	seen, err := inspect(ctx, a.found, a.published.statements, who)
	if err != nil {
		return err
	}
	return seen.verdict()
}
