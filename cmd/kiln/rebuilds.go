package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/kiln-build/kiln/sign"
)

// rebuilds are the builders whose rebuilds of an image count, and how many of
// them are required.
type rebuilds struct {
	by    []sign.Identity
	least int
}

// askedRebuilds are those of the flags. Where a log must have recorded all
// signatures, that is said of theirs as well.
func askedRebuilds(c *cli.Context, trusted *sign.Root) (rebuilds, error) {
	r := rebuilds{least: c.Int("rebuilds")}
	if trusted != nil && !trusted.Logs() {
		trusted = nil // it certifies identities, and these are keys
	}
	for _, file := range c.StringSlice("rebuilder") {
		key, err := publicKey(c.Context, file)
		if err != nil {
			return r, err
		}
		r.by = append(r.by, sign.Identity{Key: key, Root: trusted})
	}
	if r.least < 0 || r.least > len(r.by) {
		return r, withHint{usagef("--rebuilds: %d are asked for, of %d rebuilders", r.least, len(r.by)), "--rebuilder FILE names one, and can be given several times"}
	}
	return r, nil
}

// of are the ids of those who rebuilt the image. It is an error where they are
// too few.
func (r rebuilds) of(ctx context.Context, seen *inspection) ([]string, error) {
	if len(r.by) == 0 {
		return nil, nil
	}
	ids, err := sign.Rebuilders(ctx, seen.digest, seen.attached, seen.key(), seen.report.Identity.String(), r.by)
	if err == nil && len(ids) < r.least {
		err = &sign.Error{Subject: seen.digest, PredicateType: sign.PredicateRebuild, Reason: fmt.Errorf(
			"%w: %d of %d, want %d", sign.ErrRebuilds, len(ids), len(r.by), r.least)}
	}
	return ids, err
}
