package failed

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
)

// below is where the step's mounts are while they are read.
const below = "/.kiln-failed"

// save reads the files with tar, from a container of its own: its root is an
// environment that is whole, and the step's mounts lie below a folder, so that
// nothing else is mounted within them.
func (l *Left) save(ctx context.Context, w io.Writer, progress func(int64)) error {
	res, err := l.client.Solve(ctx, gateway.SolveRequest{Definition: l.tools.ToPB(), Evaluate: true})
	if err != nil {
		return fmt.Errorf("saving the failed step: the build environment, whose tar would read its files, could not be made: %w", err)
	}
	ref, err := res.SingleRef()
	if err != nil {
		return fmt.Errorf("saving the failed step: %w", err)
	}
	reader := &place{client: l.client, step: &Step{Cwd: "/", Env: l.step.Env}, platform: l.platform, mounts: []gateway.Mount{{Dest: "/", Ref: ref}}}
	args := []string{"tar", "--create", "--file=-", "--numeric-owner", "--directory=" + below}
	for i, m := range l.step.Mounts {
		if m.Kind != Files {
			continue
		}
		name := strconv.Itoa(i)
		mount := l.mounts[i]
		mount.Dest, mount.Readonly, mount.Selector = path.Join(below, name), true, ""
		reader.mounts = append(reader.mounts, mount)
		args = append(args, name)
	}
	pr, pw := io.Pipe()
	read := make(chan error, 1)
	go func() {
		err := writeBundle(w, *l.step, &counted{r: pr, report: progress})
		pr.CloseWithError(err)
		read <- err
	}()
	var said bytes.Buffer
	code, err := reader.run(ctx, args, Terminal{Stdin: strings.NewReader(""), Stdout: pw, Stderr: &said})
	if err == nil && code > 1 { // 1 is for files that are no files, such as sockets
		err = fmt.Errorf("tar ended with exit code %d: %s", code, strings.TrimSpace(said.String()))
	}
	pw.CloseWithError(err)
	if err := errors.Join(err, <-read); err != nil {
		return fmt.Errorf("saving the failed step: %w", err)
	}
	return nil
}

// counted tells how much was read.
type counted struct {
	r      io.Reader
	n      int64
	report func(int64)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if c.report != nil {
		c.report(c.n)
	}
	return n, err
}

// writeBundle writes a tar file that holds an OCI image layout with an image
// for the files of each mount, and failed.json. The stream r has the mounts in
// their order, each below its number.
func writeBundle(w io.Writer, s Step, r io.Reader) error {
	b := &bundle{w: tar.NewWriter(w), platform: s.Platform, there: map[string]bool{}}
	in := tar.NewReader(r)
	h, err := in.Next()
	for i := range s.Mounts {
		if s.Mounts[i].Kind != Files {
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		var l *layerFile
		if l, h, err = b.layer(strconv.Itoa(i), h, in); l == nil {
			return err
		}
		image, ierr := b.image(l)
		if ierr != nil {
			return ierr
		}
		s.Mounts[i].Image = image
	}
	if err == nil {
		return fmt.Errorf("reading files of the step: %s is of no mount", h.Name)
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	return b.end(s)
}

func (b *bundle) end(s Step) error {
	record, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	index, err := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": b.manifests})
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		data []byte
	}{{"oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`)}, {"index.json", index}, {recordFile, append(record, '\n')}} {
		if err := b.file(f.name, int64(len(f.data)), bytes.NewReader(f.data)); err != nil {
			return err
		}
	}
	return b.w.Close()
}
