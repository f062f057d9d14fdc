package main

import (
	"fmt"
	"os"

	"github.com/kiln-build/kiln/sbom/scan"
	"github.com/kiln-build/kiln/sbom/vex"
	"github.com/kiln-build/kiln/sign"
)

// vexFiles are the OpenVEX documents that --vex names.
type vexFiles []vexFile

type vexFile struct {
	name     string
	text     []byte
	document *vex.Document
}

func readVEXFiles(names []string) (vexFiles, error) {
	var list vexFiles
	for _, n := range names {
		text, err := os.ReadFile(n)
		if err != nil {
			return nil, fmt.Errorf("reading --vex: %w", err)
		}
		d, err := vex.Read(text)
		if err != nil {
			return nil, fmt.Errorf("reading --vex %s: %w", n, err)
		}
		list = append(list, vexFile{n, text, d})
	}
	return list, nil
}

// about are the statements of the files that are about what is scanned. Who
// names a file for a document says that it is about that.
func (files vexFiles) about(s *subject) []scan.Statement {
	var products []string
	if s.image != nil {
		products = s.image.Products()
	}
	var list []scan.Statement
	for _, f := range files {
		list = append(list, f.document.About(products, f.name)...)
	}
	return list
}

// attachedVEX are the statements about an image in those that verified. Of
// one author's documents the newest counts.
func attachedVEX(all []sign.Statement, image *vex.Image) ([]scan.Statement, error) {
	var documents []*vex.Document
	for _, s := range sign.OpenVEX(all) {
		d, err := vex.Read(s.Predicate)
		if err != nil {
			return nil, err
		}
		documents = append(documents, d)
	}
	var list []scan.Statement
	for _, d := range vex.Newest(documents) {
		list = append(list, d.About(image.Products(), "attached by "+d.Author)...)
	}
	return list, nil
}
