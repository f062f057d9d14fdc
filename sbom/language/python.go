package language

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"net/textproto"
	"os"
	"path"
	"strings"

	"github.com/kiln-build/kiln/recipes"
)

const pypi = "pypi"

// python reads the metadata of an installed distribution, or of those in a
// wheel or egg.
func (f *finder) python(ctx context.Context, file recipes.File, r *io.SectionReader) ([]Component, error) {
	found, err := f.extract(ctx, pypi, file, r)
	if err == nil && len(found) == 0 {
		err = ErrNameless
	}
	var all []Component
	for _, p := range found {
		all = append(all, Component{Ecosystem: pypi, Name: p.name, Version: p.version, Path: file.Path})
	}
	if ext := path.Ext(file.Path); ext == ".whl" || ext == ".egg" {
		if len(all) == 1 {
			all[0].Whole = true
		}
		return all, err
	}
	for i := range all {
		all[i].License, all[i].Author = pythonFields(io.NewSectionReader(r, 0, r.Size()))
		if all[i].Files, err = f.record(path.Dir(file.Path)); err != nil {
			return nil, err
		}
	}
	return all, err
}

// pythonFields are license and author of core metadata (packaging.python.org,
// "Core metadata specifications").
func pythonFields(r io.Reader) (license, author string) {
	h, err := textproto.NewReader(bufio.NewReader(r)).ReadMIMEHeader()
	if err != nil && len(h) == 0 {
		return "", ""
	}
	for _, field := range []string{"Author", "Author-Email", "Maintainer", "Maintainer-Email"} {
		if v := h.Get(field); v != "" && v != "UNKNOWN" && author == "" {
			author = v
		}
	}
	return pythonLicense(h), author
}

// pythonLicense is the expression, or else the text of the older field or the
// names of classifiers.
func pythonLicense(h textproto.MIMEHeader) string {
	if e := h.Get("License-Expression"); e != "" {
		return e
	}
	if l := h.Get("License"); l != "" && l != "UNKNOWN" && len(l) < maxLicenseName {
		return l
	}
	var all []string
	for _, c := range h.Values("Classifier") {
		if strings.HasPrefix(c, "License :: ") && c != "License :: OSI Approved" {
			all = append(all, c[strings.LastIndex(c, " :: ")+len(" :: "):])
		}
	}
	return strings.Join(all, " AND ")
}

// maxLicenseName is how long a name may be; some projects have the whole text
// of their license in its place.
const maxLicenseName = 200

// record lists the files of an installed distribution, from the RECORD in its
// dist-info folder; none where it has no such file.
func (f *finder) record(dist string) ([]string, error) {
	at, err := f.open(path.Join(dist, "RECORD"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer at.Close()
	lines := csv.NewReader(io.NewSectionReader(at, 0, maxRecord))
	lines.FieldsPerRecord = -1
	var all []string
	for {
		l, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		if len(l) > 0 && l[0] != "" {
			all = append(all, path.Join(path.Dir(dist), l[0]))
		}
	}
}

const maxRecord = 64 << 20
