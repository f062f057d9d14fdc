package sbom

import (
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
)

// Stats count what a document says is in the image.
type Stats struct {
	// Packages are those the image contains, the service among them.
	Packages int
	// Modules are what the service is linked with or brings along: Go modules
	// and other components.
	Modules int
	// Build are the tools and dependencies of the build.
	Build int
	// Files are the regular files, and Owned those of them that a package
	// contains.
	Files, Owned int
}

// Summarize counts what is in a document that [Describe] made.
func Summarize(doc *v2_3.Document) Stats {
	s := Stats{Files: len(doc.Files)}
	isOwned := make(map[common.ElementID]bool, len(doc.Files))
	for _, f := range doc.Files {
		isOwned[f.FileSPDXIdentifier] = false
	}
	image := described(doc)
	for _, r := range doc.Relationships {
		switch r.Relationship {
		case common.TypeRelationshipDependsOn:
			s.Modules++
		case common.TypeRelationshipBuildToolOf, common.TypeRelationshipBuildDependencyOf:
			s.Build++
		case common.TypeRelationshipContains:
			owned, isFile := isOwned[r.RefB.ElementRefID]
			if r.RefA.ElementRefID == image {
				s.Packages++
			} else if isFile && !owned {
				s.Owned++
				isOwned[r.RefB.ElementRefID] = true
			}
		}
	}
	return s
}

// described is what a document is about.
func described(doc *v2_3.Document) common.ElementID {
	for _, r := range doc.Relationships {
		if r.Relationship == common.TypeRelationshipDescribe {
			return r.RefB.ElementRefID
		}
	}
	return ""
}
