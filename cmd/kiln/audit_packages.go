package main

import (
	"context"
	"fmt"
	"time"

	"github.com/kiln-build/kiln/recipes"
)

// readPackages compares the image's packages with the archive: those of the
// signed document, or else those of the database in the image.
func (a *auditor) readPackages(ctx context.Context, i *audited) error {
	if i.Index {
		return nil
	}
	var list []recipes.Package
	switch {
	case i.inventory != nil:
		list, i.Packages.From = i.inventory.Debian(), fromSPDX
	case i.contents != nil && i.contents.Unread != "":
		i.Packages.Unknown = "reading dpkg's database in it: " + i.contents.Unread
		return nil
	case i.contents != nil && len(i.contents.Packages) > 0:
		list, i.Packages.From = i.contents.Packages, fromDpkg
	default:
		i.Packages.Unknown = "no signed SBOM and no dpkg database says what packages it has"
		return nil
	}
	i.Packages.Count = len(list)
	suite, why := i.suiteOf()
	switch {
	case len(list) == 0:
		return nil
	case why != "":
		i.Packages.Unknown = why
		return nil
	case a.archive == nil:
		i.Packages.Unknown = a.unasked
		return nil
	}
	facts, err := a.archive.compare(ctx, suite, list)
	if err != nil {
		return err
	}
	i.Packages.Newer, i.Packages.Unknown = append(i.Packages.Newer, facts.Newer...), facts.Unknown
	return nil
}

// date works out how old it is, and fills in when its support ends.
func (i *audited) date(now time.Time) {
	since := i.Dated
	if since == nil {
		since = i.Created
	}
	if since != nil {
		i.Age = int(now.Sub(*since) / (24 * time.Hour))
	}
}

// unknowns says what cannot be known.
func (i *audited) unknowns() {
	say := func(format string, args ...any) { i.Unknown = append(i.Unknown, fmt.Sprintf(format, args...)) }
	if i.Origin == nil {
		switch i.Signature.State {
		case signatureVerified:
			say("its origin: what is signed has no provenance of kiln's")
		case signatureUnasked:
			say("its origin and who signed it: nobody is named who must have")
		default:
			say("its origin: nobody who counts has signed where it is from")
		}
	}
	if i.Base == "" && !i.Index {
		say("its base")
	}
	if i.Age < 0 && !i.Index {
		say("its age: its configuration has no date")
	}
	if i.Packages.Unknown != "" {
		say("newer packages: %s", i.Packages.Unknown)
	}
}
