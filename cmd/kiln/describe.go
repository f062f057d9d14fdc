package main

import (
	"fmt"
	"io"
	"os"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/builder/image"
	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/sbom"
	"github.com/kiln-build/kiln/sign"
)

// describe writes the SBOM and the provenance of the job's image.
func (j *job) describe(made *image.Result) ([]sign.Statement, error) {
	files := map[string]layer.Entry{}
	for _, e := range made.Service {
		files[e.Path] = e
	}
	tools, err := builder.BuildPackages(j.recipe, j.platform)
	if err != nil {
		return nil, err
	}
	doc, err := sbom.Describe(sbom.Input{
		Recipe: j.recipe, Lock: j.lock, Platform: j.platform, Repository: j.target.repository(), Digest: j.digest,
		Content: &made.Content, Tools: tools, Version: version(),
		Open: func(p string) (sbom.File, error) { return openEntry(files, p) },
	})
	if err != nil {
		return nil, err
	}
	j.res.Files = sbom.Summarize(doc).Files
	spdx, err := sbom.Marshal(doc)
	if err != nil {
		return nil, err
	}
	provenance, err := j.provenance(sign.ProvenanceInput{
		BuildKit: j.conn.Version, Platform: j.platform, Key: j.key, Tests: j.res.Tests,
	})
	return []sign.Statement{{PredicateType: sign.PredicateSPDX, Predicate: spdx}, provenance}, err
}

// describeIndex writes the provenance of the index over the jobs' images.
func (b *build) describeIndex(jobs []*job, key string) ([]sign.Statement, error) {
	in := sign.ProvenanceInput{BuildKit: jobs[0].conn.Version, Key: key}
	for _, j := range jobs {
		in.Images = append(in.Images, sign.PlatformImage{Platform: j.platform, Digest: j.digest})
	}
	provenance, err := b.provenance(in)
	return []sign.Statement{provenance}, err
}

// provenance adds what is the same for all platforms.
func (b *build) provenance(in sign.ProvenanceInput) (sign.Statement, error) {
	text, err := b.lock.Marshal()
	if err != nil {
		return sign.Statement{}, err
	}
	in.Recipe, in.Lock, in.LockText, in.Local = b.recipe, b.lock, text, map[string]string{}
	in.BuilderID, in.Kiln, in.Format = localBuilder, version(), builder.Format+"/"+image.Format
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
