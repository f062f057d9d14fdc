package push

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// ErrNoEngine says that neither Docker nor podman answers.
var ErrNoEngine = errors.New("neither docker nor podman answers on this machine")

// Load puts an image into Docker or podman under the name ref: into the first
// of the two that is in PATH and answers. It returns which one that was, and
// [ErrNoEngine] where none is.
func Load(ctx context.Context, img v1.Image, ref name.Tag) (engine string, err error) {
	var reasons []error
	for _, engine := range []string{"docker", "podman"} {
		if err := answers(ctx, engine); err != nil {
			reasons = append(reasons, err)
			continue
		}
		if err := loadInto(ctx, engine, img, ref); err != nil {
			return engine, &Error{Op: "loading", Ref: ref.String(), Err: err}
		}
		return engine, nil
	}
	return "", &Error{Op: "loading", Ref: ref.String(), Err: errors.Join(append([]error{ErrNoEngine}, reasons...)...)}
}

// answers asks an engine for its version: a client without a daemon is no
// engine.
func answers(ctx context.Context, engine string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	format := map[string]string{"docker": "{{.Server.Version}}", "podman": "{{.Version}}"}[engine]
	out, err := exec.CommandContext(ctx, engine, "version", "--format", format).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w%s", engine, err, said(out))
	}
	return nil
}

func loadInto(ctx context.Context, engine string, img v1.Image, ref name.Tag) error {
	cmd := exec.CommandContext(ctx, engine, "load", "--quiet")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", engine, err)
	}
	writeErr := Archive(stdin, img, ref)
	closeErr := stdin.Close()
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%s load: %w%s", engine, err, said(out.Bytes()))
	}
	return errors.Join(writeErr, closeErr)
}

// Archive writes the image as a Docker archive, as `docker load` reads it.
// The same image and name give the same bytes.
func Archive(w io.Writer, img v1.Image, ref name.Tag) error {
	return tarball.Write(ref, img, w)
}

// said is the last line of a program's output.
func said(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return ": " + last
	}
	return ""
}
