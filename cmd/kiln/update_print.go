package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"
)

func tellUpdates(c *cli.Context, all []*updated) error {
	if c.String("output") == "json" {
		return printJSON(c.App.Writer, all)
	}
	w := tabwriter.NewWriter(c.App.Writer, 0, 8, 2, ' ', 0)
	for _, res := range all {
		versions, more := res.From, ""
		switch res.Status {
		case updateNewer, updateDone, updateProposed:
			versions += " → " + res.To
			more = res.Changelog
		case updateAhead:
			more = "upstream has nothing newer than " + res.To
		case updateCurrent:
			more = res.Tracked
		case updateFailed:
			more = "see below"
			if res.To != "" {
				versions += " → " + res.To
			}
		}
		fmt.Fprintln(w, strings.TrimRight(strings.Join([]string{cmp.Or(res.Name, res.Recipe), versions, res.Status, more}, "\t"), "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, res := range all {
		res.remarks(c)
	}
	return nil
}

// remarks say on what word digests are taken.
func (res *updated) remarks(c *cli.Context) {
	for _, d := range res.Downloaded {
		if d.Compared != "" && res.Status != updateFailed {
			fmt.Fprintf(c.App.ErrWriter, "%s: %s is what %s says\n", res.Name, d.URL, d.Compared)
		}
	}
}

// updateVerdict is the error of the whole run: each one that there was, or that
// something is newer.
func updateVerdict(all []*updated) error {
	var errs []error
	newer := 0
	for _, res := range all {
		if res.err != nil {
			errs = append(errs, res.err)
		}
		if res.Status == updateNewer {
			newer++
		}
	}
	if newer > 0 {
		errs = append(errs, withHint{fmt.Errorf("looking for newer versions: %s out of date", are(newer, "recipe")),
			"`kiln update` takes recipes there"})
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// are is "1 recipe is" or "2 recipes are".
func are(n int, noun string) string {
	if n == 1 {
		return plural(n, noun) + " is"
	}
	return plural(n, noun) + " are"
}
