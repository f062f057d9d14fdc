package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/sbom/osv"
	"github.com/kiln-build/kiln/sbom/scan"
)

func scanCommand() *cli.Command {
	flags := []cli.Flag{
		dbFlag(),
		&cli.StringFlag{Name: "format", Value: "table", Usage: "table, json or sarif (2.1.0)"},
		&cli.StringFlag{Name: "fail-on", Usage: "exit with 3 where a finding is at or above `SEVERITY`: low, medium, high or critical; one that nobody has rated is"},
		&cli.StringSliceFlag{Name: "vex", Usage: "apply the statements of this OpenVEX `FILE` as well"},
		&cli.StringSliceFlag{Name: "platform", Usage: "scan only for these `PLATFORMS`, such as linux/arm64"},
		&cli.BoolFlag{Name: "reachability", Usage: "of a recipe: analyse the source of its Go programs by govulncheck, in the engine, and apply what that finds"},
		&cli.StringFlag{Name: "openvex", Usage: "with --reachability: write what it finds to `FILE`, as an OpenVEX document"},
		&cli.StringFlag{Name: "product", Usage: "with --openvex: the image `REGISTRY/REPOSITORY@DIGEST` that the document is about (default: all of the recipe's name)"},
		&cli.StringFlag{Name: "progress", Value: "auto", Usage: "with --reachability: auto, plain, tty, rawjson or quiet"},
		&cli.BoolFlag{Name: "attest", Usage: "attach what was found, and the documents of --vex, to the image as signed statements"},
	}
	flags = append(flags, statementFlags("what --attest attaches")...)
	flags = append(flags, keylessFlags()...)
	flags = append(flags, archiveFlags()...)
	flags = append(flags, engineFlags()...)
	return &cli.Command{
		Name: "scan", Usage: "find known vulnerabilities of an image, an SBOM or a recipe", ArgsUsage: "IMAGE|OCI-LAYOUT|SBOM-FILE|RECIPE",
		Description: "Matches what an image's SBOM names with a folder of OSV advisories, without network but\n" +
			"for the registry. What is a path here is taken as one. VEX statements are applied: those\n" +
			"beside a recipe, those attached to an image and signed by --key, and those of --vex; what\n" +
			"they suppress is shown with the reason. Exits with 3 where --fail-on says so, and with 1\n" +
			"where the folder lacks an ecosystem, so that not all could be looked for. --attest attaches\n" +
			"a report to the image, signed with --sign-key or --keyless, which a policy can ask for.\n\n" +
			"Example: kiln scan registry.corp/platform/nats:2.15.2 --db osv --fail-on high",
		Flags: append(flags, whoFlags()...), OnUsageError: usageError,
		Action: runScan,
	}
}

// scanned is the result for one image, document or recipe, as --format json
// prints it.
type scanned struct {
	// Target is what was scanned, and Kind image, sbom or recipe.
	Target   string `json:"target"`
	Kind     string `json:"kind"`
	Platform string `json:"platform,omitempty"`
	// Digest is the image's. Verified is whether the key that was asked for
	// signed what was read of it.
	Digest   string `json:"digest,omitempty"`
	Verified bool   `json:"verified"`
	*scan.Result
	// file is the path of a document or recipe, for SARIF, and db that of the
	// advisories.
	file, db string
}

func runScan(c *cli.Context) error {
	write, threshold, err := scanFlags(c)
	if err != nil {
		return err
	}
	who, err := anyIdentity(c)
	if err != nil {
		return err
	}
	db, err := openDatabase(c.String("db"))
	if err != nil {
		return err
	}
	given, err := readVEXFiles(c.StringSlice("vex"))
	if err != nil {
		return err
	}
	reach, err := newReachability(c, db)
	if err != nil {
		return err
	}
	reporting, err := newReporting(c, who, given)
	if err != nil {
		return err
	}
	subjects, err := scanSubjects(c, who)
	if err != nil {
		return err
	}
	all, err := scanAll(db, subjects, given, reach)
	if err != nil {
		return err
	}
	if err := write(c.App.Writer, all); err != nil {
		return err
	}
	for _, s := range all {
		s.remarks(c.App.ErrWriter)
	}
	return errors.Join(scanVerdict(c, all, threshold), reporting.attach(c, subjects))
}

func scanAll(db *osv.Database, subjects []*subject, given vexFiles, reach *reachability) ([]*scanned, error) {
	var all []*scanned
	for _, s := range subjects {
		var err error
		if s.Result, err = scan.Find(db, s.inventory); err != nil {
			return nil, err
		}
		statements := append(s.statements, given.about(s)...)
		if reach != nil {
			evidence, err := reach.statements(s)
			if err != nil {
				return nil, err
			}
			statements = append(statements, evidence...)
		}
		s.Apply(statements, today())
		s.db = db.Dir()
		all = append(all, &s.scanned)
	}
	if reach == nil {
		return all, nil
	}
	return all, reach.write(*subjects[0].image)
}

func scanFlags(c *cli.Context) (write func(io.Writer, []*scanned) error, threshold osv.Level, err error) {
	formats := map[string]func(io.Writer, []*scanned) error{"table": scanTable, "json": scanJSON, "sarif": scanSARIF}
	write, ok := formats[c.String("format")]
	if !ok {
		return nil, "", usagef("--format: want table, json or sarif, got %q", c.String("format"))
	}
	threshold = osv.Level(c.String("fail-on"))
	if c.IsSet("fail-on") && !slices.Contains(osv.Levels()[1:], threshold) {
		return nil, "", usagef("--fail-on: want low, medium, high or critical, got %q", threshold)
	}
	if c.NArg() != 1 {
		return nil, "", usagef("kiln scan: want one image, SBOM or recipe, got %d arguments", c.NArg())
	}
	return write, threshold, nil
}

func openDatabase(dir string) (*osv.Database, error) {
	if dir == "" {
		return nil, withHint{usagef("kiln scan: no advisories to match with"), "--db FOLDER names them; `kiln db pull` fills such a folder"}
	}
	db, err := osv.Open(dir)
	if err != nil {
		return nil, withHint{err, "`kiln db pull --from URL --db " + dir + "` fills it"}
	}
	return db, nil
}

// scanVerdict says what the exit code is about: what was found counts more than
// what could not be looked for.
func scanVerdict(c *cli.Context, all []*scanned, threshold osv.Level) error {
	var errs []error
	bad := 0
	for _, s := range all {
		errs = append(errs, s.Complete(c.String("db")))
		if threshold != "" {
			bad += len(s.Worst(threshold))
		}
	}
	incomplete := errors.Join(slices.CompactFunc(errs, func(a, b error) bool { return a != nil && b != nil && a.Error() == b.Error() })...)
	if bad == 0 {
		return incomplete
	}
	return errors.Join(vulnerableError{bad, threshold}, incomplete)
}

// vulnerableError says that findings are as bad as --fail-on says.
type vulnerableError struct {
	count     int
	threshold osv.Level
}

func (e vulnerableError) Error() string {
	return fmt.Sprintf("scanning: %s at or above %s, or of unknown severity", plural(e.count, "finding"), e.threshold)
}

// today is the day in UTC, as statements have it.
func today() string { return time.Now().UTC().Format(time.DateOnly) }
