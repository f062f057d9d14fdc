package main

import (
	"fmt"
	"io"
	"os"

	"github.com/kiln-build/kiln/builder"
	"github.com/kiln-build/kiln/builder/engine"
	"github.com/kiln-build/kiln/builder/image"
	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/sbom"
	"github.com/kiln-build/kiln/sign"
)

// describe writes the SBOM and the provenance.
func (b *build) describe(conn *engine.Engine, made *image.Result, trees builder.Trees, res *result) ([]sign.Statement, error) {
	digest, err := made.Image.Digest()
	if err != nil {
		return nil, err
	}
	b.place(res, digest)
	files := map[string]layer.Entry{}
	for _, e := range made.Service {
		files[e.Path] = e
	}
	tools, err := builder.BuildPackages(b.recipe)
	if err != nil {
		return nil, err
	}
	doc, err := sbom.Describe(sbom.Input{
		Recipe: b.recipe, Lock: b.lock, Platform: b.platform, Repository: b.target.repository(), Digest: digest,
		Content: &made.Content, Tools: tools, Version: version(),
		Open: func(p string) (sbom.File, error) { return openEntry(files, p) },
	})
	if err != nil {
		return nil, err
	}
	spdx, err := sbom.Marshal(doc)
	if err != nil {
		return nil, err
	}
	lockText, err := b.lock.Marshal()
	if err != nil {
		return nil, err
	}
	local := map[string]string{}
	for i, tree := range trees {
		local[b.lock.Sources[i].Name] = tree
	}
	provenance, err := sign.Provenance(sign.ProvenanceInput{
		BuilderID: localBuilder, Kiln: version(), BuildKit: conn.Version, Recipe: b.recipe, Lock: b.lock, LockText: lockText,
		Platform: b.platform, Key: res.Key, Format: builder.Format + "/" + image.Format, Local: local, Tests: res.Tests,
	})
	if err != nil {
		return nil, err
	}
	stats := sbom.Summarize(doc)
	res.Packages, res.Files, res.Added = len(made.Content.Packages), stats.Files, made.Added
	res.Statements = statements
	return []sign.Statement{
		{PredicateType: sign.PredicateSPDX, Predicate: spdx},
		{PredicateType: sign.PredicateProvenance, Predicate: provenance},
	}, nil
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
