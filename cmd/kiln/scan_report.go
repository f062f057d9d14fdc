package main

import (
	"bytes"
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/sbom/scan"
	"github.com/kiln-build/kiln/sign"
)

// reporting attaches what a scan found to the image, where --attest asks for
// it.
type reporting struct {
	signer  *signer
	vex     vexFiles
	started time.Time
}

// newReporting is nil where nothing is asked for. Nothing is signed about an
// SBOM that anyone can have written.
func newReporting(c *cli.Context, who *sign.Identity, given vexFiles) (*reporting, error) {
	identityOnly := []string{"signing-config", "identity-token", "oidc-flow", "oidc-issuer", "oidc-client-id"}
	if !c.Bool("attest") {
		return nil, needs(c, "attest", append(identityOnly, "keyless", "tlog"))
	}
	if who == nil {
		return nil, withHint{usagef("--attest: nobody is named who must have signed the image's SBOM"),
			"--key FILE names the public key, --certificate-identity and --certificate-oidc-issuer an identity"}
	}
	env, err := newEnvironment(c)
	if err != nil {
		return nil, err
	}
	r := &reporting{vex: given, started: time.Now()}
	if c.Bool("keyless") {
		r.signer, err = env.keyless(c)
	} else if err = needs(c, "keyless", identityOnly); err == nil {
		r.signer, err = env.keyed(c.String("sign-key"), c.String("tlog"), &sigstore{})
	}
	return r, err
}

// attach attaches the report of each image, and of an index that was scanned
// as a whole that of all its images. A scan that could not look for everything
// is not attached: its report would look like a better one.
func (r *reporting) attach(c *cli.Context, subjects []*subject) error {
	if r == nil {
		return nil
	}
	finished := time.Now()
	for _, s := range subjects {
		if len(s.Missing) > 0 {
			return fmt.Errorf("attaching report to %s: the scan could not look for everything", s.Target)
		}
	}
	var results []*scan.Result
	for _, s := range subjects {
		results = append(results, s.Result)
		if err := r.attest(c, s.shelf, s.manifest, finished, s.Result); err != nil {
			return fmt.Errorf("attaching report to %s: %w", s.Target, err)
		}
	}
	at := subjects[0].shelf
	if top := at.found.Descriptor; len(at.found.Manifests) > 0 && len(c.StringSlice("platform")) == 0 {
		if err := r.attest(c, at, top, finished, results...); err != nil {
			return fmt.Errorf("attaching report to %s: %w", at.target(top.Digest), err)
		}
	}
	return nil
}

func (r *reporting) attest(c *cli.Context, at *shelf, manifest v1.Descriptor, finished time.Time, results ...*scan.Result) error {
	report, err := scan.Report(scan.ReportInput{Kiln: version(), Started: r.started, Finished: finished, Results: results})
	if err != nil {
		return err
	}
	statements := []sign.Statement{{PredicateType: sign.PredicateScan, Predicate: report}}
	for _, f := range r.vex {
		statements = append(statements, sign.Statement{PredicateType: sign.PredicateVEX, Predicate: bytes.TrimSpace(f.text)})
	}
	who, err := r.signer.who(c.Context)
	if err != nil {
		return err
	}
	subject := v1.Descriptor{MediaType: manifest.MediaType, Size: manifest.Size, Digest: manifest.Digest}
	if err := at.attach(c.Context, []v1.Descriptor{subject}, r.signer.attest(at.repository, statements...)); err != nil {
		return err
	}
	for _, s := range statements {
		fmt.Fprintf(c.App.ErrWriter, "  attached    %s, signed by %s\n", s.PredicateType, who)
	}
	return nil
}
