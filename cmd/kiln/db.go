package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/sbom/osv"
)

func dbCommand() *cli.Command {
	return &cli.Command{
		Name: "db", Usage: "mirror the advisories that kiln scan matches with", OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return unknownCommand(c)
			}
			return cli.ShowSubcommandHelp(c)
		},
		Subcommands: []*cli.Command{dbPullCommand(), dbPushCommand()},
	}
}

func dbFlag() cli.Flag {
	return &cli.StringFlag{Name: "db", EnvVars: []string{"KILN_DB"}, Usage: "`FOLDER` of OSV advisories, as ECOSYSTEM/all.zip; `kiln db pull` fills it"}
}

func dbPullCommand() *cli.Command {
	return &cli.Command{
		Name: "pull", Usage: "fill a folder with OSV advisories from a server or a registry",
		Description: "Of a URL it takes URL/ECOSYSTEM/all.zip, as OSV's bucket has them; anything else is an\n" +
			"artifact that `kiln db push` made. What has not changed is not sent again, and nothing is\n" +
			"replaced before everything is there and readable.\n\n" +
			"Example: kiln db pull --from https://osv.corp/bucket --db osv --ecosystem Go --ecosystem Debian",
		Flags: append([]cli.Flag{
			dbFlag(),
			&cli.StringFlag{Name: "from", Usage: "`URL` of the bucket, or REGISTRY/REPOSITORY[:TAG][@DIGEST] of an artifact"},
			&cli.StringFlag{Name: "exploited", Usage: "of a URL: `URL` of CISA's catalog of known exploited vulnerabilities; an artifact has it"},
			&cli.StringSliceFlag{Name: "ecosystem", Usage: "only `NAME`, as Go or Debian (default: all that kiln matches, or that the artifact has)"},
		}, registryFlags()...),
		OnUsageError: usageError, Action: runDBPull,
	}
}

// matched are the ecosystems that kiln finds components of.
func matched() []string { return []string{"Debian", "Go", "Maven", "PyPI", "crates.io", "npm"} }

func runDBPull(c *cli.Context) error {
	dir, from := c.String("db"), c.String("from")
	if dir == "" || from == "" || c.Args().Present() {
		return usagef("kiln db pull: want --from and --db, and no arguments")
	}
	var done []osv.Update
	var err error
	if scheme, _, isURL := strings.Cut(from, "://"); isURL {
		if scheme != "https" && scheme != "http" {
			return usagef("--from: want an https URL or an image reference, got the scheme %q", scheme)
		}
		done, err = pullURL(c, from, dir)
	} else {
		if c.IsSet("exploited") {
			return usagef("--exploited: says nothing with an artifact, which has the catalog or has it not")
		}
		done, err = pullArtifact(c, from, dir)
	}
	if err != nil {
		return err
	}
	return printUpdates(c, done)
}

func pullURL(c *cli.Context, from, dir string) ([]osv.Update, error) {
	ecosystems := c.StringSlice("ecosystem")
	if len(ecosystems) == 0 {
		ecosystems = matched()
	}
	env, err := newEnvironment(c)
	if err != nil {
		return nil, err
	}
	return osv.Pull(c.Context, env.http(), dir, osv.Mirrored{Base: from, Ecosystems: ecosystems, Exploited: c.String("exploited")})
}

func pullArtifact(c *cli.Context, from, dir string) ([]osv.Update, error) {
	registry, err := newRegistry(c, nil)
	if err != nil {
		return nil, err
	}
	p, err := findPublished(c, registry, from)
	if err != nil {
		return nil, err
	}
	img, err := p.image(c.Context, p.digest())
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(c.App.ErrWriter, p.reference())
	return osv.Unpack(img, dir, c.StringSlice("ecosystem"))
}

func printUpdates(c *cli.Context, done []osv.Update) error {
	for _, u := range done {
		state := ""
		if u.Unchanged {
			state = ", unchanged"
		}
		what := "advisories"
		if u.Ecosystem == osv.ExploitedName {
			what = "vulnerabilities"
		}
		if _, err := fmt.Fprintf(c.App.ErrWriter, "%s: %s %s, the newest of %s%s\n", u.Ecosystem, thousands(u.Records), what, u.Modified, state); err != nil {
			return err
		}
	}
	return nil
}

func dbPushCommand() *cli.Command {
	return &cli.Command{
		Name: "push", Usage: "store a folder of OSV advisories as an artifact in a registry", ArgsUsage: "FOLDER REGISTRY/REPOSITORY[:TAG]",
		Description: "Prints the reference with its digest, by which `kiln db pull --from` takes no other.",
		Flags:       registryFlags(), OnUsageError: usageError, Action: runDBPush,
	}
}

func runDBPush(c *cli.Context) error {
	if c.NArg() != 2 {
		return usagef("kiln db push: want a folder and a repository, got %d arguments", c.NArg())
	}
	dir := c.Args().Get(0)
	if fi, err := os.Stat(dir); err != nil || !fi.IsDir() {
		return usagef("kiln db push: %s is no folder", dir)
	}
	tag, err := name.NewTag(c.Args().Get(1))
	if err != nil {
		return usagef("kiln db push: %w", err)
	}
	registry, err := newRegistry(c, nil)
	if err != nil {
		return err
	}
	img, updates, err := osv.Artifact(dir)
	if err != nil {
		return err
	}
	ref, err := registry.Push(c.Context, tag.Context(), img, nil, []string{tag.TagStr()})
	if err != nil {
		return err
	}
	if err := printUpdates(c, updates); err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.App.Writer, ref)
	return err
}
