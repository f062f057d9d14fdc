package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/recipes/site"
)

func catalogSiteCommand() *cli.Command {
	return &cli.Command{
		Name: "site", Usage: "write the catalog's pages: what there is, what is in it, and how to verify it",
		Description: "Writes an index that one can search and a page for each image, from the recipes and from what\n" +
			"the registry has. Only what verifies is told: what --key, or else kiln.yaml's catalog or policy,\n" +
			"names must have signed it. The pages are plain files that ask nothing of any network.\n\n" +
			"Example: kiln catalog site -o public",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Usage: "`FOLDER` to write the pages to"},
		}, siteFlags()...),
		OnUsageError: usageError,
		Action:       runCatalogSite,
	}
}

// siteFlags say of which catalog pages are, and what of the registry is believed.
func siteFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "catalog", Value: ".", Usage: "a `FOLDER` of the catalog"},
		dbFlag(),
	}, append(whoFlags(), mirrorFlags()...)...)
}

func runCatalogSite(c *cli.Context) error {
	switch {
	case c.Args().Present():
		return usagef("kiln catalog site: want no arguments, got %d", c.NArg())
	case c.String("out") == "":
		return withHint{usagef("kiln catalog site: nowhere to write the pages to"), "-o FOLDER names a folder, which is made"}
	}
	facts, err := newSiteFacts(c)
	if err != nil {
		return err
	}
	catalog, err := facts.gather(c.Context)
	if err != nil {
		return err
	}
	files, err := catalog.Files()
	if err != nil {
		return err
	}
	dir := c.String("out")
	if err := writeSite(c.Context, dir, files); err != nil {
		return fmt.Errorf("writing pages: %w", err)
	}
	tell(c, catalog)
	_, err = fmt.Fprintln(c.App.Writer, filepath.Join(dir, site.Index))
	return err
}

func newSiteFacts(c *cli.Context) (*siteFacts, error) {
	catalog, err := recipes.OpenCatalog(c.String("catalog"))
	if err != nil {
		return nil, err
	}
	s := &siteFacts{catalog: catalog, now: time.Now()}
	if s.signers, err = newSiteSigners(c, catalog.Config); err != nil {
		return nil, err
	}
	env, err := newEnvironment(c)
	if err != nil {
		return nil, err
	}
	s.memo = env.verdicts()
	if c.String("db") != "" {
		if s.db, err = openDatabase(c.String("db")); err != nil {
			return nil, err
		}
	}
	s.registry, err = newRegistry(c, nil)
	return s, err
}

// tell says in short what the pages say.
func tell(c *cli.Context, catalog *site.Catalog) {
	if catalog.Signer == "" {
		fmt.Fprintln(c.App.ErrWriter, "nothing is verified: --key FILE, or `catalog: {sign: …}` in kiln.yaml, says whose signatures count")
	}
	for _, img := range catalog.Images {
		for _, r := range img.Verdict.Reasons {
			if line, _, _ := strings.Cut(r.Text, "\n"); r.Level == site.Bad {
				fmt.Fprintf(c.App.ErrWriter, "%s: %s\n", img.Name, line)
			}
		}
	}
	fmt.Fprintf(c.App.ErrWriter, "%s\n", plural(len(catalog.Images), "page"))
}

// writeSite writes each file in one piece, and removes pages of images that are
// no more. A folder with an index of something else is left alone.
func writeSite(ctx context.Context, dir string, files []site.File) error {
	text, err := os.ReadFile(filepath.Join(dir, site.Index))
	if err == nil && !written(text) {
		return withHint{fmt.Errorf("%s has an %s that kiln did not write", dir, site.Index), "name a folder of its own"}
	}
	if err := os.MkdirAll(filepath.Join(dir, site.Folder), 0o755); err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, f := range files { // the index is the last: it leads to the others
		if err := ctx.Err(); err != nil {
			return err
		}
		path := filepath.Join(dir, filepath.FromSlash(f.Path))
		wanted[path] = true
		if err := replaceFile(path, f.Data); err != nil {
			return err
		}
	}
	return removeOthers(filepath.Join(dir, site.Folder), wanted)
}

// written reports whether a page is kiln's.
func written(page []byte) bool {
	return bytes.Contains(page, []byte(`<meta name="generator" content="`+site.Generator+`">`))
}

// replaceFile leaves a file that is the same as it is, with its time.
func replaceFile(path string, data []byte) error {
	if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, data) {
		return nil
	}
	return writeWhole(path, data)
}

func removeOthers(dir string, wanted map[string]bool) error {
	list, err := filepath.Glob(filepath.Join(dir, "*.html"))
	if err != nil {
		return err
	}
	for _, path := range list {
		if wanted[path] {
			continue
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if written(text) {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}
