package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/builder/image"
	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/sbom"
	"github.com/kiln-build/kiln/sign"
)

// describe writes the statements about the job's image.
func (j *job) describe(ctx context.Context, made *image.Result) ([]sign.Statement, error) {
	files := map[string]layer.Entry{}
	for _, e := range made.Service {
		files[e.Path] = e
	}
	tools, err := builder.BuildPackages(j.recipe, j.platform)
	if err != nil {
		return nil, err
	}
	doc, coverage, err := sbom.Describe(ctx, sbom.Input{
		Recipe: j.recipe, Lock: j.lock, Platform: j.platform, Repository: j.target.repository(), Digest: j.digest,
		Content: &made.Content, Tools: tools, Version: version(),
		Open: func(p string) (sbom.File, error) { return openEntry(files, p) },
	})
	if err != nil {
		return nil, err
	}
	j.res.Files, j.res.Coverage = sbom.Summarize(doc).Files, &coverage
	if err := j.accept(coverage); err != nil {
		return nil, err
	}
	text, err := sbom.Marshal(doc)
	if err != nil {
		return nil, err
	}
	spdx := spdxStatement(text)
	j.document = sbom.IndexImage{Platform: j.platform, Digest: j.digest, Namespace: doc.DocumentNamespace, Text: spdx.Predicate}
	provenance, err := j.provenance(sign.ProvenanceInput{
		BuildKit: j.conn.Version, Platform: j.platform, Key: j.key,
	})
	if err != nil {
		return nil, err
	}
	tests, err := j.tests(sign.TestedImage{Results: j.res.Tests})
	if err != nil {
		return nil, err
	}
	return j.withVEX([]sign.Statement{spdx, provenance, tests}, j.digest.String(), j.platform)
}

// accept refuses an image that its document does not account for, except for
// what the recipe allows.
func (j *job) accept(c sbom.Coverage) error {
	var findings []image.Finding
	for _, g := range c.Gaps {
		findings = append(findings, image.Finding{Rule: recipes.RuleUnowned, Path: g.Path, Text: g.Name + ": " + g.Reason})
	}
	return image.Judge(j.recipe, findings)
}

// spdxStatement is the document as it stands in a statement, where JSON is
// escaped for HTML.
func spdxStatement(document []byte) sign.Statement {
	var escaped bytes.Buffer
	json.HTMLEscape(&escaped, document)
	return sign.Statement{PredicateType: sign.PredicateSPDX, Predicate: bytes.TrimSpace(escaped.Bytes())}
}

// describeIndex writes the statements about the index over the jobs' images.
func (b *build) describeIndex(jobs []*job, digest v1.Hash, key string) ([]sign.Statement, error) {
	in := sign.ProvenanceInput{BuildKit: jobs[0].conn.Version, Key: key}
	about := sbom.IndexInput{Recipe: b.recipe, Lock: b.lock, Repository: b.target.repository(), Digest: digest, Version: version()}
	var tested []sign.TestedImage
	for _, j := range jobs {
		tested = append(tested, sign.TestedImage{Platform: j.platform, Results: j.res.Tests})
		in.Images = append(in.Images, sign.PlatformImage{Platform: j.platform, Digest: j.digest})
		about.Images = append(about.Images, j.document)
	}
	doc, err := sbom.DescribeIndex(about)
	if err != nil {
		return nil, err
	}
	text, err := sbom.Marshal(doc)
	if err != nil {
		return nil, err
	}
	provenance, err := b.provenance(in)
	if err != nil {
		return nil, err
	}
	tests, err := b.tests(tested...)
	if err != nil {
		return nil, err
	}
	return b.withVEX([]sign.Statement{spdxStatement(text), provenance, tests}, digest.String(), "")
}

// tests says how the tests of the images ended. Files are named as seen from
// the recipe's folder.
func (b *build) tests(images ...sign.TestedImage) (sign.Statement, error) {
	in := sign.TestInput{Recipe: filepath.Base(b.recipe.File), Variant: b.recipe.Variant, Images: images}
	in.Files = map[string]string{in.Recipe: digestOf(b.recipe.Raw)}
	for _, t := range b.recipe.Tests {
		if t.StructureTest != "" {
			in.Files[path.Clean(t.StructureTest)] = digestOf(t.StructureText)
		}
	}
	predicate, err := sign.TestResult(in)
	return sign.Statement{PredicateType: sign.PredicateTestResult, Predicate: predicate}, err
}

func digestOf(text []byte) string {
	s := sha256.Sum256(text)
	return hex.EncodeToString(s[:])
}

// provenance adds what is the same for all platforms.
func (b *build) provenance(in sign.ProvenanceInput) (sign.Statement, error) {
	text, err := b.lock.Marshal()
	if err != nil {
		return sign.Statement{}, err
	}
	in.Recipe, in.Lock, in.LockText, in.Local = b.recipe, b.lock, text, map[string]string{}
	in.BuilderID, in.Kiln, in.Format = localBuilder, version(), builder.Format+"/"+image.Format
	if b.folder != nil {
		in.Folder = b.folder.Blob
	}
	for i, tree := range b.trees {
		in.Local[b.lock.Sources[i].Name] = tree
	}
	predicate, err := sign.Provenance(in)
	return sign.Statement{PredicateType: sign.PredicateProvenance, Predicate: predicate}, err
}

// localBuilder is the builder id of a build that nobody but the one who ran
// it vouches for: SLSA Build L1.
const localBuilder = "https://github.com/kiln-build/kiln/local"

func openEntry(files map[string]layer.Entry, p string) (sbom.File, error) {
	e, ok := files[p]
	if !ok {
		return nil, fmt.Errorf("opening %s: %w", p, os.ErrNotExist)
	}
	at, done, err := layer.ReaderAt(e)
	return entryFile{at, done}, err
}

type entryFile struct {
	io.ReaderAt
	done func()
}

func (f entryFile) Close() error {
	f.done()
	return nil
}
