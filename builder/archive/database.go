package archive

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
)

// database is the part of a root's dpkg database that unpacking a package
// makes (dpkg(1), "FILES"): the package's paragraph in the status file, its
// control files and its list of files, and what triggers it waits for.
type database struct {
	// info is the name of its files in var/lib/dpkg/info, without an ending.
	info    string
	status  string
	control map[string][]byte // by ending
	list    []string
}

// infoFile are the control files that dpkg keeps (deb(5)).
var infoFile = regexp.MustCompile(`^(preinst|postinst|prerm|postrm|config|templates|shlibs|symbols|triggers|conffiles|md5sums)$`)

// newDatabase reads the control archive.
func newDatabase(d *Deb) (*database, error) {
	db := &database{info: d.Control.Package, control: map[string][]byte{}, list: []string{"/."}}
	if d.Control.MultiArch == "same" {
		db.info += ":" + d.Control.Architecture
	}
	z, err := decompress(d.control.name, io.NewSectionReader(d.control, 0, d.control.Size()))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	t := tar.NewReader(io.LimitReader(z, maxControlTar))
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return db, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading control archive of %s: %w", d.name, err)
		}
		name := path.Clean(h.Name)
		if h.Typeflag != tar.TypeReg || name != "control" && !infoFile.MatchString(name) {
			continue
		}
		text, err := readLimited(t, maxControlFile, int(min(h.Size, maxControlFile)))
		if err != nil {
			return nil, fmt.Errorf("reading %s of %s: %w", name, d.name, err)
		}
		if name == "control" {
			db.status = statusOf(string(text))
		} else {
			db.control[name] = text
		}
	}
}

// statusOf is a control file as the status file has it, of a package that is
// unpacked and not yet configured.
func statusOf(control string) string {
	first, rest, _ := strings.Cut(strings.TrimSpace(control), "\n")
	return first + "\nStatus: install ok unpacked\n" + rest + "\n\n"
}

// addDatabase writes the database of the packages into the tree.
func (t *rootTree) addDatabase(packages []*database) error {
	slices.SortFunc(packages, func(a, b *database) int { return strings.Compare(a.info, b.info) })
	var status bytes.Buffer
	triggers := map[string][]byte{}
	for _, db := range packages {
		status.WriteString(db.status)
		db.addTriggers(triggers)
		for ending, text := range db.control {
			mode := int64(0o644)
			if strings.HasPrefix(ending, "p") || ending == "config" {
				mode = 0o755
			}
			if err := t.addFileMode("var/lib/dpkg/info/"+db.info+"."+ending, text, mode); err != nil {
				return err
			}
		}
		if err := t.addFile("var/lib/dpkg/info/"+db.info+".list", []byte(strings.Join(db.list, "\n")+"\n")); err != nil {
			return err
		}
	}
	for name, text := range triggers {
		if err := t.addFile("var/lib/dpkg/triggers/"+name, text); err != nil {
			return err
		}
	}
	if err := t.addFile("var/lib/dpkg/info/format", []byte("1\n")); err != nil {
		return err
	}
	return t.addFile("var/lib/dpkg/status", status.Bytes())
}

// addTriggers adds what the package waits for (deb-triggers(5)): a trigger that
// is a path to the file File, any other to a file of its own name.
func (db *database) addTriggers(triggers map[string][]byte) {
	for _, line := range strings.Split(string(db.control["triggers"]), "\n") {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) != 2 || !strings.HasPrefix(f[0], "interest") {
			continue
		}
		name, wait := db.info, ""
		if f[0] == "interest-noawait" {
			wait = "/noawait"
		}
		if strings.HasPrefix(f[1], "/") {
			triggers["File"] = append(triggers["File"], f[1]+" "+name+wait+"\n"...)
		} else if checkName(f[1]) == nil {
			triggers[f[1]] = append(triggers[f[1]], name+wait+"\n"...)
		}
	}
}
