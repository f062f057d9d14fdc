package builder

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/kiln-build/kiln/builder/runner"
	"github.com/kiln-build/kiln/recipes"
)

// outcome is what a program did.
type outcome struct {
	runner.Outcome
	job *runner.Job
}

// judge compares the outcome with what the test expects; nil is that all is
// well.
func (o *outcome) judge(t recipes.Test) *finding {
	switch {
	case o.Trouble != "":
		return &finding{want: "to run it", got: o.Trouble}
	case o.Excess != "":
		return &finding{want: "the limits of `runtime` to be enough", got: o.Excess}
	case o.Silent != 0 && o.Ended:
		return &finding{want: fmt.Sprintf("the service to listen at port %d", o.Silent), got: fmt.Sprintf("its end, with exit code %d", o.Exit)}
	case o.Silent != 0 && !o.Late:
		return &finding{want: fmt.Sprintf("the service to listen at port %d", o.Silent), got: fmt.Sprintf("nobody there within %v", o.job.Ready)}
	case o.Late:
		return &finding{want: "an end", got: fmt.Sprintf("none within %v", o.job.Limit)}
	case t.Kind() == recipes.KindRun:
		return o.judgeRun(t)
	}
	for i, r := range o.Replies {
		if f := o.judgeReply(t, i, r); f != nil {
			return f
		}
	}
	return nil
}

func (o *outcome) judgeRun(t recipes.Test) *finding {
	if o.Exit != t.Exit {
		return &finding{want: fmt.Sprintf("exit code %d", t.Exit), got: strconv.Itoa(o.Exit)}
	}
	for _, s := range []struct {
		name        string
		data        []byte
		want, avoid []string
	}{{"stdout", o.Stdout, t.Stdout, t.NotStdout}, {"stderr", o.Stderr, t.Stderr, t.NotStderr}} {
		if f := compare(s.name, s.data, s.want, s.avoid); f != nil {
			return f
		}
	}
	return nil
}

// compare looks for what must occur in a text and for what must not.
func compare(name string, data []byte, want, avoid []string) *finding {
	for _, w := range want {
		if !recipes.Matches(w, data) {
			return &finding{want: name + " with " + strconv.Quote(w), got: excerpt(data)}
		}
	}
	for _, a := range avoid {
		if recipes.Matches(a, data) {
			return &finding{want: name + " without " + strconv.Quote(a), got: excerpt(data)}
		}
	}
	return nil
}

func (o *outcome) judgeReply(t recipes.Test, i int, r runner.Reply) *finding {
	var f *finding
	var pos recipes.Pos
	switch {
	case r.Error != "" && o.Ended:
		f = &finding{want: "an answer", got: fmt.Sprintf("the service's end, with exit code %d", o.Exit)}
	case r.Error != "":
		f = &finding{want: "an answer", got: r.Error}
	case t.HTTP != nil:
		f = judgeHTTP(t.HTTP[i], r)
	default:
		f = compare("an answer", r.Body, t.TCP[i].Expect, nil)
	}
	if t.HTTP != nil {
		pos = t.HTTP[i].Pos
	} else {
		pos = t.TCP[i].Pos
	}
	if f != nil && i > 0 { // of the first, the test's place says enough
		f.about = pos
	}
	return f
}

func judgeHTTP(h recipes.HTTPTest, r runner.Reply) *finding {
	if want := cmp.Or(h.Status, 200); r.Status != want {
		return &finding{want: fmt.Sprintf("status %d", want), got: fmt.Sprintf("%d with %s", r.Status, excerpt(r.Body))}
	}
	for _, kv := range sorted(h.ExpectHeaders) {
		values := values(r.Headers, kv[0])
		if !slices.ContainsFunc(values, func(v string) bool { return recipes.Matches(kv[1], []byte(v)) }) {
			return &finding{want: fmt.Sprintf("header %s with %q", kv[0], kv[1]), got: fmt.Sprintf("%q", values)}
		}
	}
	return compare("a body", r.Body, h.Expect, nil)
}

// excerpt is the beginning of what a program wrote, in one line; the rest is
// in the error's Stdout and Stderr.
func excerpt(b []byte) string {
	const most = 80
	if len(b) == 0 {
		return "nothing"
	}
	if len(b) > most {
		return strconv.Quote(string(b[:most])) + "…"
	}
	return strconv.Quote(string(b))
}
