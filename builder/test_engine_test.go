package builder

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kiln-build/kiln/recipes"
)

// TestRecipeTests runs tests of recipes on an image.
func TestRecipeTests(t *testing.T) {
	b := newBed(t)
	b.TestTimeout = 10 * time.Second
	const noRights = "CapInh: 0000000000000000\nCapPrm: 0000000000000000\nCapEff: 0000000000000000\nCapBnd: 0000000000000000\nCapAmb: 0000000000000000\nNoNewPrivs: 1"
	for _, c := range []struct {
		name, test string
		// want is what the error says after the place; empty is none.
		want string
	}{
		{"passes", `run: [/step, id]`, ""},
		{"expected exit code", "run: [/step, fail, \"7\"]\n    exit: 7\n    stdout: first\n    stderr: /^last/", ""},
		{"several expectations", "run: [/step, fail, \"0\"]\n    stdout: [first, line]", ""},
		{"runs as the user of the image", "run: [/step, id]\n    stdout: uid 65532 gid 65532", ""},
		{"has no rights", "run: [/step, status]\n    stdout: |\n      " + strings.ReplaceAll(noRights, "\n", "\n      "), ""},
		{"has one declared right", "run: [/step, status]\n    stdout: \"CapBnd: 0000000000000400\\nCapAmb: 0000000000000400\\nNoNewPrivs: 1\"\nruntime: {capabilities: [NET_BIND_SERVICE]}", ""},
		{"binds a low port with the right", "tcp: {port: 80, send: \"x\\r\\n\", expect: got}\n    start: [/step, answer, \"80\"]\nruntime: {capabilities: [NET_BIND_SERVICE]}", ""},
		{"binds no low port", "tcp: {port: 80}\n    start: [/step, answer, \"80\"]", `test "tcp" failed: want the service to listen at port 80, got its end, with exit code 1`},
		{"has no network", `run: [/step, dial]`, ""},
		{"has a /tmp", `run: [/step, write, /tmp/x]`, ""},
		{"has volumes", `run: [/step, write, /data/x]`, ""},
		{"has its own writable folders", "run: [/step, write, /run/step/x]\nruntime: {writable: [/run/step]}", ""},
		{"and no others", "run: [/step, write, /tmp/x]\nruntime: {writable: [/run/step]}", `test "/step write /tmp/x" failed: want exit code 0, got 1`},
		{"has a read-only root", "run: [/step, write, /own/x]\n    exit: 1\n    stderr: read-only file system", ""},
		{"does not see the expectations", "run: [/step, copy, /.kiln/job/job.json, /dev/stdout]\n    exit: 1\n    stderr: permission denied", ""},
		{"has its environment", "run: [/step, copy, /proc/self/environ, /dev/stdout]\n    env: {A: b}\n    stdout: A=b", ""},
		{"other exit code", `run: [/step, fail, "3"]`, `test "/step fail 3" failed: want exit code 0, got 3`},
		{"other output", "run: [/step, fail, \"0\"]\n    stdout: second", `test "/step fail 0" failed: want stdout with "second", got "first line\n"`},
		{"no output", "run: [/step, write, /tmp/x]\n    stderr: a", `test "/step write /tmp/x" failed: want stderr with "a", got nothing`},
		{"too slow", `run: [/step, sleep]`, `test "/step sleep" failed: want an end, got none within 10s`},
		{"a time of its own", "run: [/step, sleep]\n    timeout: 300ms", `test "/step sleep" failed: want an end, got none within 300ms`},
		{"no such program", `run: [/nonsuch]`, `test "/nonsuch" failed: want to run it, got the image has no program /nonsuch`},
		{"http", "http: {path: '/hello?a=b', body: text, headers: {x-name: me}, expect: POST a=b text, expect-headers: {X-Name: '/^me$/'}}", ""},
		{"several requests", "http:\n      - {path: /hello}\n      - {path: /hello, method: PUT, expect: PUT}", ""},
		{"http to a port of its own", "http: {port: 9000, path: /hello}\n    start: [/step, serve, \"9000\"]", ""},
		{"http to who is ready later", "http: {path: /warming}", ""},
		{"http to who never is", "http: {path: /broken, status: 503}\n    ready: 300ms", `test "http GET /broken" failed: want status 503, got 500 with "…`},
		{"a server error that is wanted", "http: {path: /broken, status: 500, expect: '/^1\\n$/'}", ""},
		{"what changes something is asked once", "http: {path: /broken, method: PUT}", `test "http PUT /broken" failed: want status 200, got 500 with "1\n"`},
		{"http with another status", "http: {path: /none, expect: x}", `test "http GET /none" failed: want status 200, got 404 with "404 page not found\n"`},
		{"http with another body", "http: {path: /hello, expect: x}", `test "http GET /hello" failed: want a body with "x", got "GET  "`},
		{"http with another header", "http: {path: /hello, expect-headers: {x-none: x}}", `test "http GET /hello" failed: want header x-none with "x", got []`},
		{"http to who ends", "http: {path: /die}", `test "http GET /die" failed: want an answer, got the service's end, with exit code 9`},
		{"a service that does not listen", "http: {path: /, port: 9999}\n    ready: 200ms", `test "http GET /" failed: want the service to listen at port 9999, got nobody there within 200ms`},
		{"a service that ends", "http: {path: /}\n    start: [/step, fail, \"4\"]", `test "http GET /" failed: want the service to listen at port 8080, got its end, with exit code 4`},
		{"tcp", "tcp: {send: \"a\\r\\n\", expect: ['got \"a\"', \"/\\r\\n$/\"]}\n    start: [/step, answer, \"8080\"]", ""},
		{"tcp with another answer", "tcp: {send: \"a\\n\", expect: b}\n    timeout: 20s\n    start: [/step, answer, \"8080\"]", `test "tcp" failed: want an answer with "b", got "got \"a\"\r\n"`},
		{"few enough processes", "run: [/step, many, \"2\"]\nruntime: {pids: 100}", ""},
		{"memory enough", "run: [/step, id]\nruntime: {memory: 64Mi, cpu: 500m}", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := recipe(t, localSource, "    - run: [/step, id]", "tests:\n  - "+c.test)
			results, err := b.Test(t.Context(), r, b.image, "linux/amd64")
			if c.want == "" {
				if err != nil || len(results) != 1 || results[0].Status != recipes.StatusPassed {
					var failed *TestError
					if errors.As(err, &failed) {
						t.Log(failed.Stdout, failed.Stderr)
					}
					t.Errorf("results %v, %v; want one that passed", results, err)
				}
				return
			}
			var failed *TestError
			if !errors.As(err, &failed) {
				t.Fatalf("error is %v, want a *TestError", err)
			}
			if want := "dir/recipe.yaml:18:5: " + c.want; err.Error() != want && !beginsWith(err.Error(), want) {
				t.Errorf("error is %q, want %q\n%s%s", err, want, failed.Stdout, failed.Stderr)
			}
			if results[0].Status != recipes.StatusFailed || results[0].Reason == "" {
				t.Errorf("result is %+v, want one that failed", results[0])
			}
		})
	}
}

// beginsWith reports whether text begins with want, where that ends in "…".
func beginsWith(text, want string) bool {
	begin, cut := strings.CutSuffix(want, "…")
	return cut && strings.HasPrefix(text, begin)
}

// TestRuntimeLimits has programs pass the limits of the contract.
func TestRuntimeLimits(t *testing.T) {
	b := newBed(t)
	for _, c := range []struct{ name, run, runtime, want string }{
		{"processes", `[/step, many, "40"]`, "pids: 30", "got pids: it had "},
		{"memory", "[/step, eat]", "memory: 64Mi", "got memory: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := recipe(t, localSource, "    - run: [/step, id]", "runtime: {"+c.runtime+"}\ntests:\n  - run: "+c.run)
			_, err := b.Test(t.Context(), r, b.image, "linux/amd64")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestCancelledRecipeTest(t *testing.T) {
	b := newBed(t)
	r := recipe(t, localSource, "    - run: [/step, id]", "tests:\n  - run: [/step, sleep]")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 2*time.Second, errors.New("enough"))
	defer cancel()
	if _, err := b.Test(ctx, r, b.image, "linux/amd64"); err == nil || err.Error() != "enough" {
		t.Errorf("error is %v, want the context's cause", err)
	}
}

// TestEveryFailureIsTold runs all tests, whichever fail.
func TestEveryFailureIsTold(t *testing.T) {
	b := newBed(t)
	r := recipe(t, localSource, "    - run: [/step, id]", `tests:
  - run: [/step, fail, "3"]
  - run: [/step, id]
  - files: {path: /nonsuch}`)
	results, err := b.Test(t.Context(), r, b.image, "linux/amd64")
	want := `dir/recipe.yaml:18:5: test "/step fail 3" failed: want exit code 0, got 3
dir/recipe.yaml:20:5: test "files /nonsuch" failed: want something at /nonsuch, got nothing`
	if err == nil || err.Error() != want {
		t.Errorf("error is\n%v\nwant\n%s", err, want)
	}
	var got []string
	for _, r := range results {
		got = append(got, r.Kind+" "+r.Status)
	}
	if s := strings.Join(got, ", "); s != "run failed, run passed, files failed" {
		t.Errorf("results are %s", s)
	}
}

// TestTracedSyscalls has tests note what their programs, and those that these
// start, call.
func TestTracedSyscalls(t *testing.T) {
	b := newBed(t)
	b.Trace = true
	r := recipe(t, localSource, "    - run: [/step, id]", `tests:
  - run: [/step, id]
  - http: {path: /hello}
  - run: [/step, many, "2"]
  - run: [/step, fail, "7"]
    exit: 7`)
	results, err := b.Test(t.Context(), r, b.image, "linux/amd64")
	check(t, err)
	for i, c := range []struct{ has, hasNot []string }{
		{[]string{"write", "getuid", "exit_group"}, []string{"socket", "bind", "setresuid", "capset"}},
		{[]string{"write", "socket", "bind", "listen", "accept4"}, []string{"getuid", "setresuid"}},
		{[]string{"pipe2", "execve", "nanosleep"}, []string{"socket"}},
		{[]string{"write"}, []string{"socket"}},
	} {
		got := results[i].Syscalls
		for _, name := range c.has {
			if !slices.Contains(got, name) {
				t.Errorf("test %d did not call %s: %v", i, name, got)
			}
		}
		for _, name := range c.hasNot {
			if slices.Contains(got, name) {
				t.Errorf("test %d called %s: %v", i, name, got)
			}
		}
	}
}
