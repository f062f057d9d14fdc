package builder

import (
	"archive/tar"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/client/llb"
	"golang.org/x/sys/unix"

	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/builder/runner"
	"github.com/kiln-build/kiln/recipes"
)

// job describes the test to the runner.
func (t *tester) job(test recipes.Test) (*runner.Job, error) {
	uid, gid, err := numericUser(t.config.User)
	if err != nil {
		return nil, err
	}
	run := t.recipe.Runtime
	limit := test.Limit(cmp.Or(max(t.engine.TestTimeout, 0), defaultTestTimeout))
	j := &runner.Job{
		Args: test.Run, Env: environment(t.config.Env, test.Env), Dir: path.Join("/", t.config.WorkingDir),
		UID: uid, GID: gid, Capabilities: capabilityNumbers(run.Capabilities),
		Writable: append(slices.Sorted(maps.Keys(t.config.Volumes)), run.Writable...),
		Memory:   run.MemoryBytes(), Pids: run.Pids,
		Setup: test.Setup, Teardown: test.Teardown, StopSignal: signalNumber(t.config.StopSignal),
		Ready: min(test.ReadyLimit(), limit), Limit: limit,
		Trace: t.engine.Trace && t.arch == t.native,
	}
	t.emulate(j)
	if test.Kind() != recipes.KindRun {
		j.Requests = t.requests(test)
		if j.Args = test.Start; len(j.Args) == 0 {
			j.Args = append(slices.Clone(t.config.Entrypoint), t.config.Cmd...)
		}
	}
	return j, nil
}

func numericUser(user string) (uid, gid int, err error) {
	u, g, _ := strings.Cut(user, ":")
	if uid, err = strconv.Atoi(u); err == nil {
		gid, err = strconv.Atoi(g)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("the image's user %q is not uid:gid", user)
	}
	return uid, gid, nil
}

// environment is base with more, by name.
func environment(base []string, more map[string]string) []string {
	all := map[string]string{}
	for _, kv := range base {
		k, v, _ := strings.Cut(kv, "=")
		all[k] = v
	}
	maps.Copy(all, more)
	var list []string
	for _, kv := range sorted(all) {
		list = append(list, kv[0]+"="+kv[1])
	}
	return list
}

// patience is how long a service may be silent before an answer over TCP is
// taken to have ended.
const patience = 2 * time.Second

func (t *tester) requests(test recipes.Test) []runner.Request {
	port := func(n int) int { return cmp.Or(n, recipes.FirstPort(t.recipe.Image.Ports)) }
	var list []runner.Request
	for _, h := range test.HTTP {
		method := "GET"
		if h.Body != "" {
			method = "POST"
		}
		list = append(list, runner.Request{
			Port: port(h.Port), Method: cmp.Or(h.Method, method), Path: cmp.Or(h.Path, "/"), Headers: h.Headers, Body: []byte(h.Body),
			Status: cmp.Or(h.Status, http.StatusOK),
		})
	}
	for _, x := range test.TCP {
		r := runner.Request{Port: port(x.Port), Body: []byte(x.Send), Patience: patience}
		for _, e := range x.Expect {
			r.Enough = append(r.Enough, expression(e))
		}
		list = append(list, r)
	}
	return list
}

// expression is the regular expression for what a test expects.
func expression(expected string) string {
	if recipes.IsExpression(expected) {
		return expected[1 : len(expected)-1]
	}
	return regexp.QuoteMeta(expected)
}

// capabilityNumbers are those of linux/capability.h.
func capabilityNumbers(names []string) []int {
	known := map[string]int{
		"CHOWN": unix.CAP_CHOWN, "DAC_OVERRIDE": unix.CAP_DAC_OVERRIDE, "FOWNER": unix.CAP_FOWNER,
		"FSETID": unix.CAP_FSETID, "KILL": unix.CAP_KILL, "SETGID": unix.CAP_SETGID, "SETUID": unix.CAP_SETUID,
		"SETPCAP": unix.CAP_SETPCAP, "NET_BIND_SERVICE": unix.CAP_NET_BIND_SERVICE, "NET_RAW": unix.CAP_NET_RAW,
		"SYS_CHROOT": unix.CAP_SYS_CHROOT, "MKNOD": unix.CAP_MKNOD, "AUDIT_WRITE": unix.CAP_AUDIT_WRITE,
		"SETFCAP": unix.CAP_SETFCAP,
	}
	var list []int
	for _, n := range names {
		list = append(list, known[n])
	}
	return list
}

// signalNumber is the number of a signal's name, or 0.
func signalNumber(name string) int {
	if n := unix.SignalNum(name); n != 0 {
		return int(n)
	}
	// Real-time signals are counted from the first or the last (signal(7)).
	const first, last = 34, 64
	offset := func(prefix string) (int, bool) {
		rest, ok := strings.CutPrefix(name, prefix)
		n, _ := strconv.Atoi(strings.TrimLeft(rest, "+-"))
		return n, ok
	}
	if n, ok := offset("SIGRTMIN"); ok {
		return first + n
	}
	if n, ok := offset("SIGRTMAX"); ok {
		return last - n
	}
	return 0
}

func (e *Engine) runner(arch string) ([]byte, error) {
	if e.Runner == nil {
		return nil, fmt.Errorf("there is no test runner for linux/%s", arch)
	}
	return e.Runner(arch)
}

// filesImage is an image of files for the engine, by path, all of one mode.
func (e *Engine) filesImage(goos, arch, title string, mode int64, files map[string][]byte) (llb.State, error) {
	var entries []layer.Entry
	for name, data := range files { // layer.Write sorts them
		entries = append(entries, layer.Entry{
			File: recipes.File{Path: "/" + name, Type: tar.TypeReg, Mode: mode, Size: int64(len(data)), Owner: recipes.OwnerBase},
			Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil },
		})
	}
	folders := layer.Parents(entries, recipes.OwnerBase, 0, func(string) bool { return false })
	l, err := layer.Write(e.Store, slices.Concat(folders, entries), layer.None)
	if err != nil {
		return llb.State{}, err
	}
	digest, err := layer.StoreImage(e.Store, v1.Platform{OS: goos, Architecture: arch}, l)
	return input(digest, llb.Platform(ocispec(goos, arch)), llb.WithCustomName(title)), err
}

// ReadRunner returns the runner that stands beside kiln, the program self, or
// says how it comes there.
func ReadRunner(self, arch string) ([]byte, error) {
	file := path.Join(path.Dir(self), "kiln-runner-"+arch)
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, &runnerError{fmt.Errorf("reading the program that runs tests: %w", err)}
	}
	return data, nil
}

type runnerError struct{ error }

func (e *runnerError) Unwrap() error { return e.error }

// Hint is the way out.
func (e *runnerError) Hint() string {
	return "`make build` puts it beside bin/kiln; keep the programs in that folder together"
}
