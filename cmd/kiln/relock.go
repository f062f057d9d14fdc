package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/builder/push"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom/osv"
	"github.com/kiln-build/kiln/sbom/scan"
	"github.com/kiln-build/kiln/sign"
)

func relockCommand() *cli.Command {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "image", Usage: "the recipe's published `IMAGE` (default: by kiln.yaml's `catalog`, with the recipe's version)"},
		&cli.BoolFlag{Name: "check", Usage: "exit with 1 where a lock would change"},
		&cli.BoolFlag{Name: "write", Usage: "write the locks that changed"},
		&cli.BoolFlag{Name: "attest", Usage: "attach a signed statement to images whose locks are the same"},
		&cli.StringFlag{Name: "db", EnvVars: []string{"KILN_DB"}, Usage: "say which vulnerabilities a new lock closes and opens, by the OSV advisories in `FOLDER`"},
		&cli.StringFlag{Name: "output", Value: "markdown", Usage: "what stdout gets: markdown (the text of a pull request) or json"},
	}
	flags = slices.Concat(flags, statementFlags("what --attest attaches"), keylessFlags(), whoFlags(),
		archiveFlags(), engineFlags(), mirrorFlags())
	return &cli.Command{
		Name: "relock", Usage: "lock again, and compare with the locks of the published images", ArgsUsage: "[RECIPE|FOLDER...]",
		Description: "Takes the lock of each recipe, and of its variants, from the provenance of its published\n" +
			"image, which must verify, and locks the recipe afresh. Where that comes to the same, nothing\n" +
			"is to be done. Where not, the text of a pull request says what differs: packages, licenses,\n" +
			"vulnerabilities, size. The exit code is 0 either way, unless --check is given; 1 where a\n" +
			"recipe failed, and 4 where the image of one does not verify, which stops no other.",
		Flags: flags, OnUsageError: usageError,
		Action: runRelock,
	}
}

// What came of relocking a recipe.
const (
	relockSame    = "same"
	relockChanged = "changed"
	relockFailed  = "failed"
)

// relocked is what came of one recipe or variant, as --output json prints it.
type relocked struct {
	Recipe  string `json:"recipe"`
	Name    string `json:"name"`
	Variant string `json:"variant,omitempty"`
	Version string `json:"version,omitempty"`
	Status  string `json:"status"`
	// Changed is whether the image is to be built again: its recipe or its lock
	// is another now.
	Changed       bool `json:"changed"`
	RecipeChanged bool `json:"recipeChanged"`
	// Image names the published image by its digest.
	Image string          `json:"image,omitempty"`
	Lock  *lockDifference `json:"lock,omitempty"`
	// Licenses are those that changed with packages of the image.
	Licenses []licenseChange `json:"licenses,omitempty"`
	// Vulnerabilities are set where --db asks for them.
	Vulnerabilities *vulnerabilityChange `json:"vulnerabilities,omitempty"`
	// Written is the lock's file, where it was written.
	Written string `json:"written,omitempty"`
	// SignedBy is who signed the statement that was attached.
	SignedBy string `json:"signedBy,omitempty"`
	// Body is the text of a pull request, in Markdown.
	Body  string `json:"body,omitempty"`
	Error string `json:"error,omitempty"`

	err    error
	recipe *recipes.Recipe
}

// relocking is one run of kiln relock.
type relocking struct {
	cli      *cli.Context
	env      *environment
	registry *push.Registry
	who      sign.Identity
	signer   *signer // nil without --attest
	db       *osv.Database
}

func runRelock(c *cli.Context) error {
	all, err := relockSubjects(c)
	if err != nil {
		return err
	}
	k, err := newRelocking(c, filepath.Dir(all[0].Recipe))
	if err != nil {
		return err
	}
	for _, res := range all {
		if res.err == nil {
			res.err = k.relock(res)
		}
		if c.Err() != nil {
			return c.Err()
		}
		if res.err != nil {
			res.Status, res.Error, res.Body = relockFailed, message(res.err), ""
		}
	}
	if err := tellRelocked(c, all); err != nil {
		return err
	}
	return relockVerdict(c, all)
}

// relockSubjects are the recipes and their variants that arguments name.
func relockSubjects(c *cli.Context) ([]*relocked, error) {
	if out := c.String("output"); out != "markdown" && out != "json" {
		return nil, usagef("--output: want markdown or json, got %q", out)
	}
	files, err := recipeFiles(c.Args().Slice())
	if err != nil {
		return nil, err
	}
	var all []*relocked
	for _, file := range files {
		r, err := loadRecipe(file)
		if err != nil {
			all = append(all, &relocked{Recipe: file, err: err})
			continue
		}
		list, err := withVariants(r)
		if err != nil {
			all = append(all, &relocked{Recipe: file, Name: r.Name, err: err})
		}
		for _, v := range list {
			all = append(all, &relocked{Recipe: file, Name: v.Name, Variant: v.Variant, Version: v.Version, recipe: v})
		}
	}
	if c.String("image") != "" && len(all) != 1 {
		return nil, usagef("--image: names one image, and there are %d recipes and variants", len(all))
	}
	return all, nil
}

func newRelocking(c *cli.Context, dir string) (*relocking, error) {
	config, err := recipes.FindConfig(dir)
	if err != nil {
		return nil, err
	}
	if err := useCatalog(c, config.Catalog); err != nil {
		return nil, err
	}
	k := &relocking{cli: c}
	if k.who, err = identity(c); err != nil {
		return nil, err
	}
	if k.env, err = newEnvironment(c); err != nil {
		return nil, err
	}
	if k.registry, err = newRegistry(c, nil); err != nil {
		return nil, err
	}
	if c.String("db") != "" {
		if k.db, err = openDatabase(c.String("db")); err != nil {
			return nil, err
		}
	}
	r, err := newReporting(c, &k.who, nil)
	if r != nil {
		k.signer = r.signer
	}
	return k, err
}

// useCatalog gives flags that nobody set what the catalog says of how its images
// are verified, and who signs.
func useCatalog(c *cli.Context, catalog *recipes.CatalogConfig) error {
	if _, said := certificateFlags(c); said || c.String("key") != "" || catalog == nil {
		return nil
	}
	s := catalog.Sign
	if err := useVerifier(c, s); err != nil {
		return err
	}
	if !c.Bool("attest") || c.IsSet("sign-key") || c.IsSet("keyless") {
		return nil
	}
	flags := map[string]string{"sign-key": s.Key, "signing-config": s.SigningConfig}
	if s.Keyless {
		flags["keyless"] = "true"
	}
	return setUnset(c, flags)
}

// imageOf is what the recipe's published image is called.
func (k *relocking) imageOf(res *relocked) (string, error) {
	if image := k.cli.String("image"); image != "" {
		return image, nil
	}
	config, err := recipes.FindConfig(filepath.Dir(res.Recipe))
	if err != nil {
		return "", err
	}
	if config.Catalog == nil {
		return "", withHint{fmt.Errorf("relocking %s: nobody says where its image is", res.recipe.Title()),
			"--image names it, and so does `catalog: {repository: …}` in kiln.yaml"}
	}
	return config.Catalog.RepositoryOf(res.Name) + ":" + res.recipe.Tag(), nil
}

// relockVerdict is the error of the whole run.
func relockVerdict(c *cli.Context, all []*relocked) error {
	var errs []error
	changed := 0
	for _, res := range all {
		if res.err != nil {
			errs = append(errs, res.err)
		}
		if res.Changed {
			changed++
		}
	}
	if changed > 0 && c.Bool("check") {
		errs = append(errs, fmt.Errorf("relocking: %s out of date", are(changed, "image")))
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// vulnerabilityChange are the findings that only one of two locks has.
type vulnerabilityChange struct {
	Closed []scan.Finding `json:"closed"`
	Opened []scan.Finding `json:"opened"`
	// Missing are ecosystems that nothing is known of.
	Missing []string `json:"missing,omitempty"`
}

// licenseChange is what a package's license was and is; empty where nobody
// knows.
type licenseChange struct {
	Package string `json:"package"`
	From    string `json:"from"`
	To      string `json:"to"`
}
