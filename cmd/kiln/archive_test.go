package main

import (
	"cmp"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kiln-build/kiln/builder/archive/archivetest"
)

// debianArchive AGE [NAME=VERSION[,LICENSE]...] [source:NAME=VERSION...]
// [security:NAME=VERSION...]: an archive with these packages in its suite trixie,
// and in that of security updates, as it was that long ago, served at a loopback
// address, which is the only mirror from then on.
func debianArchive(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: debianarchive AGE [NAME=VERSION...]")
	}
	ago, err := time.ParseDuration(args[0])
	ts.Check(err)
	a, err := archivetest.New(ts.MkAbs("bucket"), time.Now())
	ts.Check(err)
	var packages, sources strings.Builder
	for _, arg := range args[1:] {
		name, version, _ := strings.Cut(arg, "=")
		if source, ok := strings.CutPrefix(name, "source:"); ok {
			sources.WriteString(archivetest.Source(source, version))
			continue
		}
		version, license, _ := strings.Cut(version, ",")
		name, security := strings.CutPrefix(name, "security:")
		entry, err := a.Package(name, version, cmp.Or(license, "MIT"))
		ts.Check(err)
		if security {
			a.Security += entry
			continue
		}
		packages.WriteString(entry)
	}
	ts.Check(a.Publish(packages.String(), sources.String(), ago))
	keyring, err := a.Keyring()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("archive.pgp"), keyring, 0o600))
	ts.Check(os.RemoveAll(ts.MkAbs("xdg_cache_home/kiln/archive"))) // what was read is believed for minutes
	bucket := ts.Getenv("BUCKET")
	ts.Setenv("KILN_MIRROR", bucket+"/debian,debian-security="+bucket+"/debian-security")
	ts.Setenv("KILN_KEYRING", ts.MkAbs("archive.pgp"))
}
