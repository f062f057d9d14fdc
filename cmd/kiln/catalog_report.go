package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
)

// catalogResult is what a catalog's build has to say, as --output json prints
// it.
type catalogResult struct {
	Built     int        `json:"built"`
	Unchanged int        `json:"unchanged"`
	Failed    int        `json:"failed"`
	Skipped   int        `json:"skipped"`
	Recipes   []*outcome `json:"recipes"`
}

// tell prints what became of all recipes. It is an error that some were not
// built.
func (b *catalogBuild) tell() error {
	res := &catalogResult{Recipes: []*outcome{}}
	for _, e := range b.catalog.chosen {
		res.add(b.outcomes[e])
	}
	err := errors.Join(res.writeJUnit(b.cli.String("junit")), res.writeSummary(b.cli.String("summary")))
	if err != nil {
		return err
	}
	if err := b.print(res); err != nil {
		return err
	}
	if len(res.missing()) == 0 {
		return nil
	}
	if os.Getenv("GITHUB_ACTIONS") == "true" {
		for _, o := range res.Recipes {
			if o.err != nil {
				annotate(os.Stderr, os.Getenv("GITHUB_WORKSPACE"), o.err)
			}
		}
	}
	return withHint{
		fmt.Errorf("building the catalog: %d of %d are not built: %s", len(res.missing()), len(res.Recipes), strings.Join(res.missing(), ", ")),
		"what is built is done; the same command goes on with the rest",
	}
}

func (r *catalogResult) add(o *outcome) {
	r.Recipes = append(r.Recipes, o)
	switch o.Status {
	case statusBuilt:
		r.Built++
	case statusUnchanged:
		r.Unchanged++
	case statusFailed:
		r.Failed++
	case statusSkipped:
		r.Skipped++
	}
}

func (r *catalogResult) missing() []string {
	var names []string
	for _, o := range r.Recipes {
		if o.Status == statusFailed || o.Status == statusSkipped {
			names = append(names, o.Name)
		}
	}
	return names
}

func (r *catalogResult) counts() string {
	text := fmt.Sprintf("%d built, %d unchanged", r.Built, r.Unchanged)
	if r.Failed+r.Skipped > 0 {
		text += fmt.Sprintf(", %d failed, %d skipped", r.Failed, r.Skipped)
	}
	return text
}

func (b *catalogBuild) print(res *catalogResult) error {
	if b.cli.String("output") == "json" {
		return printJSON(b.cli.App.Writer, res)
	}
	t := tabwriter.NewWriter(b.cli.App.ErrWriter, 0, 8, 2, ' ', 0)
	for _, o := range res.Recipes {
		if o.Status != statusUnchanged {
			fmt.Fprintf(t, "%s\t%s\t%s\t%.1f s\n", o.Name, o.Version, o.Status, o.Seconds)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(b.cli.App.ErrWriter, "%s: %s  (%.1f s)\n", plural(len(res.Recipes), "recipe"), res.counts(), b.watch.total().Seconds())
	for _, o := range res.Recipes {
		for _, image := range o.Images {
			if _, err := fmt.Fprintln(b.cli.App.Writer, image.Reference); err != nil {
				return err
			}
		}
	}
	return nil
}

// The elements of JUnit's XML that CI servers read.
type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string     `xml:"name,attr"`
	Class   string     `xml:"classname,attr"`
	File    string     `xml:"file,attr"`
	Time    string     `xml:"time,attr"`
	Failure *junitText `xml:"failure"`
	Skipped *junitText `xml:"skipped"`
}

type junitText struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func (r *catalogResult) writeJUnit(file string) error {
	if file == "" {
		return nil
	}
	suite := junitSuite{Name: "kiln catalog build", Tests: len(r.Recipes), Failures: r.Failed, Skipped: r.Skipped}
	var total float64
	for _, o := range r.Recipes {
		total += o.Seconds
		c := junitCase{Name: o.Name, Class: "catalog", File: o.Recipe, Time: fmt.Sprintf("%.3f", o.Seconds)}
		switch o.Status {
		case statusFailed:
			var text strings.Builder
			report(&text, o.err)
			c.Failure = &junitText{Message: headline(message(o.err)), Text: text.String()}
		case statusSkipped:
			c.Skipped = &junitText{Message: o.Reason}
		}
		suite.Cases = append(suite.Cases, c)
	}
	suite.Time = fmt.Sprintf("%.3f", total)
	text, err := xml.MarshalIndent(suite, "", "  ")
	if err == nil {
		err = writeWhole(file, append([]byte(xml.Header), append(text, '\n')...))
	}
	if err != nil {
		return fmt.Errorf("writing --junit: %w", err)
	}
	return nil
}

// writeSummary appends a table, as GitHub shows the file of a job's step.
func (r *catalogResult) writeSummary(file string) error {
	if file == "" {
		return nil
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("writing --summary: %w", err)
	}
	_, err = f.WriteString(r.markdown())
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing --summary: %w", err)
	}
	return nil
}

// markdown is for people; what is unchanged is only counted.
func (r *catalogResult) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s: %s\n\n", plural(len(r.Recipes), "recipe"), r.counts())
	if len(r.Recipes) == r.Unchanged {
		return b.String()
	}
	b.WriteString("| Recipe | Version | | Image | Time |\n|---|---|---|---|---|\n")
	for _, o := range r.Recipes {
		if o.Status == statusUnchanged {
			continue
		}
		name, what := o.Name, o.digest()
		if o.Version == "" { // it does not load, and what it is called is what its folder is called
			name = code(name)
		}
		if o.err != nil {
			what = headline(message(o.err))
		} else if o.Reason != "" {
			what = o.Reason
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %.1f s |\n", name, o.Version, o.Status, code(what), o.Seconds)
	}
	b.WriteString("\n")
	return b.String()
}

func (o *outcome) digest() string {
	if len(o.Images) == 0 {
		return ""
	}
	return o.Images[0].Digest
}
