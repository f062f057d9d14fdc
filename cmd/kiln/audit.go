package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/recipes"
)

func auditCommand() *cli.Command {
	flags := []cli.Flag{
		&cli.StringSliceFlag{Name: "repository", Usage: "audit this `REPOSITORY` (REGISTRY/PATH), without asking for the registry's catalog"},
		&cli.StringFlag{Name: "catalog", Value: ".", Usage: "a `FOLDER` of the catalog of recipes that images are from"},
		&cli.StringFlag{Name: "policy", Usage: "hold images to the policy in `FILE`, in place of --key (default: that of kiln.yaml)"},
		&cli.StringFlag{Name: "db", EnvVars: []string{"KILN_DB"}, Usage: "look for known vulnerabilities in this `FOLDER` of advisories (see kiln db)"},
		&cli.StringFlag{Name: "format", Value: "table", Usage: "table, json, sarif (2.1.0) or html (one file)"},
		&cli.StringFlag{Name: "matrix", Usage: "write the recipes to build again to `FILE`, as kiln catalog matrix prints them"},
		&cli.IntFlag{Name: "jobs", Value: 8, Usage: "look at `N` images at once"},
		&cli.BoolFlag{Name: "offline", Usage: "do not ask the Debian archive for newer packages"},
	}
	flags = append(flags, archiveFlags()...)
	return &cli.Command{
		Name: "audit", Usage: "look at all images of a registry, whoever made them", ArgsUsage: "[REGISTRY[/PREFIX]...]",
		Description: "Looks at every tag of the repositories, and at the images that indexes list: who signed them,\n" +
			"what is attached, how old they are and how long supported, packages that the archive has\n" +
			"newer, known vulnerabilities (--db), what runs as root, shells, setuid programs, and which\n" +
			"recipe and lock made them. Without an argument they are the repositories of the catalog.\n" +
			"Images are held to the policy, or to --key alone: exits with 3 where one violates a rule, or\n" +
			"cannot be read. What was found is remembered, and an interrupted audit goes on.\n\n" +
			"Example: kiln audit registry.corp/platform --policy policy.yaml --db osv --format html > audit.html",
		Flags: append(flags, whoFlags()...), OnUsageError: usageError,
		Action: runAudit,
	}
}

func runAudit(c *cli.Context) error {
	write, err := auditFlags(c)
	if err != nil {
		return err
	}
	a, err := newAuditor(c)
	if err != nil {
		return err
	}
	repos, err := a.repositories(c)
	if err != nil {
		return err
	}
	out, err := a.auditImages(c.Context, repos)
	a.progress.clear()
	if err != nil {
		return err
	}
	out.describe(c, a)
	if err := writeMatrix(c.String("matrix"), out.Rebuild); err != nil {
		return err
	}
	if err := write(c.App.Writer, out); err != nil {
		return err
	}
	out.remarks(c.App.ErrWriter, a)
	return out.verdict()
}

func auditFlags(c *cli.Context) (func(io.Writer, *audit) error, error) {
	formats := map[string]func(io.Writer, *audit) error{"table": auditTable, "json": auditJSON, "sarif": auditSARIF, "html": auditHTML}
	write, ok := formats[c.String("format")]
	if !ok {
		return nil, usagef("--format: want table, json, sarif or html, got %q", c.String("format"))
	}
	if c.Int("jobs") < 1 {
		return nil, usagef("--jobs: want 1 or more")
	}
	return write, checkFiles(c, "matrix")
}

// newAuditor sets up what an audit asks.
func newAuditor(c *cli.Context) (*auditor, error) {
	env, err := newEnvironment(c)
	if err != nil {
		return nil, err
	}
	a := &auditor{jobs: c.Int("jobs"), now: time.Now(), memo: env.verdicts()}
	if a.registry, err = newRegistry(c, nil); err != nil {
		return nil, err
	}
	var none *recipes.NoCatalogError
	if a.catalog, err = recipes.OpenCatalog(c.String("catalog")); errors.As(err, &none) {
		a.catalog = nil
	} else if err != nil {
		return nil, err
	}
	if err := a.readHeld(c); err != nil {
		return nil, err
	}
	a.archive = newFreshness(env)
	if c.Bool("offline") {
		a.archive, a.unasked = nil, "the archive was not asked (--offline)"
	}
	if c.String("db") != "" {
		if a.db, err = openDatabase(c.String("db")); err != nil {
			return nil, err
		}
	}
	a.progress = newCounter(os.Stderr, "manifests", stderrTerminal())
	return a, nil
}

// describe says what was asked of whom.
func (out *audit) describe(c *cli.Context, a *auditor) {
	out.Targets = append(c.Args().Slice(), c.StringSlice("repository")...)
	if len(out.Targets) == 0 {
		out.Targets = []string{a.catalog.Config.Catalog.Repository}
	}
	out.Advisories = c.String("db")
	if a.held != nil {
		out.Policy = a.held.file
		if out.Policy == "" {
			out.Identity = a.held.identities[0].String()
		}
	}
}

func writeMatrix(file string, m matrix) error {
	if file == "" {
		return nil
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if err := writeWhole(file, append(text, '\n')); err != nil {
		return fmt.Errorf("writing the matrix: %w", err)
	}
	return nil
}

// violationError says that images violate rules.
type violationError struct{ images, all int }

func (e violationError) Error() string {
	return fmt.Sprintf("auditing: %d of %s violate a rule", e.images, plural(e.all, "image"))
}

// verdict says what the exit code is about: what was found counts more than what
// could not be asked.
func (out *audit) verdict() error {
	if n := out.Summary.Violating; n > 0 {
		return violationError{n, len(out.Images)}
	}
	if len(out.Unlisted) > 0 {
		return fmt.Errorf("auditing: %d of the repositories cannot be listed", len(out.Unlisted))
	}
	return nil
}

func auditJSON(w io.Writer, out *audit) error { return printJSON(w, out) }

// title is how people are told which image it is: by a tag, where it has one.
func (i *audited) title() string {
	_, path, _ := strings.Cut(i.Repository, "/")
	path = cmp.Or(path, i.Repository)
	switch {
	case len(i.Tags) > 0:
		return path + ":" + strings.Join(i.Tags, ",")
	case i.Digest != "":
		return path + "@" + i.Digest[:min(len(i.Digest), len("sha256:")+12)]
	}
	return path
}
