package image

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/kiln-build/kiln/builder/layer"
)

// maxShebang is how much of a script's first line Linux reads, in bytes
// (execve(2)).
const maxShebang = 256

// withoutEnv has scripts that begin with #!/usr/bin/env NAME begin with where
// NAME is in the image, so that they need no env: it comes with a hundred
// other programs in coreutils. Where the image has an env, scripts stay.
func (a *assembly) withoutEnv(entries []layer.Entry) ([]layer.Entry, error) {
	at := map[string]bool{}
	for _, e := range entries {
		at[e.Path] = true
	}
	_, has := a.root.resolve(envPath)
	if has || at[envPath] || slices.Contains(a.Recipe.Image.Packages, "coreutils") {
		return entries, nil
	}
	find := func(name string) string { return a.find(at, name) }
	for i, e := range entries {
		if e.Type != tar.TypeReg || e.Mode&0o111 == 0 || e.Open == nil {
			continue
		}
		direct, err := withoutEnv(e, find)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", e.Path, err)
		}
		entries[i] = direct
	}
	return entries, nil
}

const envPath = "/usr/bin/env"

// find looks for a program where the image's PATH says, among the artifacts
// and in the base. What neither has is taken to come from a Debian package.
func (a *assembly) find(artifacts map[string]bool, name string) string {
	for _, kv := range a.environment(nil) {
		dirs, ok := strings.CutPrefix(kv, "PATH=")
		for _, dir := range strings.Split(dirs, ":") {
			p := path.Join(dir, name)
			if _, there := a.root.resolve(p); ok && path.IsAbs(dir) && (there || artifacts[p]) {
				return p
			}
		}
	}
	return path.Join("/usr/bin", name)
}

// withoutEnv returns the script e with another first line, or e itself where
// that does not begin with env and a name. Linux hands all that stands behind
// the interpreter over as one argument, so there may be one at most; of more,
// and of variables, env has to take care.
func withoutEnv(e layer.Entry, find func(name string) string) (layer.Entry, error) {
	line, err := firstLine(e)
	if err != nil || line == "" {
		return e, err
	}
	fields := strings.Fields(line[2:])
	if len(fields) > 2 && fields[1] == "-S" {
		fields = slices.Delete(fields, 1, 2)
	}
	if len(fields) < 2 || len(fields) > 3 || merged(fields[0]) != envPath || strings.ContainsAny(fields[1], "=/") || strings.HasPrefix(fields[1], "-") {
		return e, nil
	}
	fields[1] = find(fields[1])
	head, open, skip := []byte("#!"+strings.Join(fields[1:], " ")), e.Open, int64(len(line))
	e.Size += int64(len(head)) - skip
	e.Open = func() (io.ReadCloser, error) {
		r, err := open()
		if err != nil {
			return nil, err
		}
		if _, err := io.CopyN(io.Discard, r, skip); err != nil {
			r.Close()
			return nil, err
		}
		return struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(head), r), r}, nil
	}
	return e, nil
}

// firstLine is that of a script, without its end; "" for any other file.
func firstLine(e layer.Entry) (string, error) {
	r, err := e.Open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	head, err := io.ReadAll(io.LimitReader(r, maxShebang))
	if err != nil || !bytes.HasPrefix(head, []byte("#!")) {
		return "", err
	}
	line, _, _ := bytes.Cut(head, []byte("\n"))
	return string(line), nil
}
