package site

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

var update = flag.Bool("update", false, "write the golden files anew: go test ./recipes/site -update")

// made are facts that nobody has found out: among them strings that mean harm.
func made(t testing.TB) *Catalog {
	t.Helper()
	text, err := os.ReadFile("testdata/catalog.json")
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var c Catalog
	if err := dec.Decode(&c); err != nil {
		t.Fatal(err)
	}
	return &c
}

func files(t testing.TB, c *Catalog) []File {
	t.Helper()
	list, err := c.Files()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestFiles(t *testing.T) {
	for _, f := range files(t, made(t)) {
		golden := filepath.Join("testdata", "site", f.Path)
		got := without(f.Data)
		if *update {
			if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", f.Path, diff)
		}
	}
}

// without is a page without style and script, which are files of their own, and
// their digests.
func without(page []byte) []byte {
	for _, r := range [][2]string{{style, "STYLE"}, {script, "SCRIPT"}, {escaped(style), "STYLE-DIGEST"}, {escaped(script), "SCRIPT-DIGEST"}} {
		page = bytes.ReplaceAll(page, []byte(r[0]), []byte(r[1]))
	}
	return page
}

// escaped is a text's digest as it stands in an attribute.
func escaped(text string) string { return strings.ReplaceAll(digest(text), "+", "&#43;") }

func TestFilesAreTheSameEachTime(t *testing.T) {
	want := files(t, made(t))
	for range 25 {
		c := made(t)
		slices.Reverse(c.Images) // whoever gathers need not sort
		for i, f := range files(t, c) {
			if f.Path != want[i].Path || !bytes.Equal(f.Data, want[i].Data) {
				t.Fatalf("%s is another each time", f.Path)
			}
		}
	}
}

func TestFilesOfNoImages(t *testing.T) {
	list := files(t, &Catalog{Title: "Empty"})
	if len(list) != 1 || list[0].Path != Index {
		t.Fatalf("got %d files, want the index alone", len(list))
	}
	for _, want := range []string{"The catalog has no recipes yet.", "No fact on these pages has a date.", "nothing is verified"} {
		if !strings.Contains(string(list[0].Data), want) {
			t.Errorf("the index does not say %q", want)
		}
	}
}

func TestNamesThatAreNoFiles(t *testing.T) {
	for _, names := range [][]string{{""}, {"../index"}, {"a/b"}, {".hidden"}, {`a"b`}, {"nats", "nats"}, {"nats", "NATS"}, {strings.Repeat("a", 200)}} {
		var c Catalog
		for _, n := range names {
			c.Images = append(c.Images, Image{Name: n})
		}
		if list, err := c.Files(); err == nil {
			t.Errorf("%q: got %d files, want an error", names, len(list))
		}
	}
}

// TestForeignTextStaysText parses the pages as browsers do, and looks for what
// the made-up facts try to be: elements and attributes of their own.
func TestForeignTextStaysText(t *testing.T) {
	for _, f := range files(t, made(t)) {
		root, err := html.Parse(bytes.NewReader(f.Data))
		if err != nil {
			t.Fatal(err)
		}
		counts := map[string]int{}
		for n := range root.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			counts[n.Data]++
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "src" {
					t.Errorf("%s: <%s %s=%q>", f.Path, n.Data, a.Key, a.Val)
				}
				if a.Key == "href" && n.Data == "a" && !wayOut.MatchString(a.Val) {
					t.Errorf("%s links to %q", f.Path, a.Val)
				}
			}
		}
		scripts := map[bool]int{true: 2, false: 1}[f.Path == Index]
		if counts["script"] != scripts || counts["style"] != 1 || counts["iframe"]+counts["img"]+counts["object"] > 0 {
			t.Errorf("%s has the elements %v", f.Path, counts)
		}
	}
}

// wayOut is where links lead: to pages of the site, and by http and https.
var wayOut = regexp.MustCompile(`^(#|https?://|image/|\.\./index\.html(#|$))`)

func TestPolicy(t *testing.T) {
	for _, f := range files(t, made(t)) {
		for _, element := range []struct{ name, text string }{{"style", style}, {"script", script}} {
			if !bytes.Contains(f.Data, []byte("<"+element.name+">"+element.text+"</"+element.name+">")) {
				t.Errorf("%s: its %s is not the one whose digest is in the policy", f.Path, element.name)
			}
		}
		if bytes.Contains(f.Data, []byte(" style=")) || bytes.Contains(f.Data, []byte("src=")) {
			t.Errorf("%s styles an element, or loads something", f.Path)
		}
	}
	if p := Policy(); strings.Contains(p, "unsafe") || !strings.HasPrefix(p, "default-src 'none'; ") {
		t.Errorf("the policy is lax: %s", p)
	}
}

func TestCounted(t *testing.T) {
	statement := &Statement{Status: "not_affected"}
	for _, test := range []struct {
		name string
		scan Scan
		want Tallied
	}{
		{"not scanned", Scan{Why: "no report"}, Tallied{Word: "not scanned"}},
		{"nothing known", Scan{}, Tallied{Word: "none known"}},
		{"an ecosystem is missing", Scan{Missing: []string{"Debian:13"}}, Tallied{Word: "scanned in part"}},
		{"all suppressed", Scan{Findings: []Finding{{ID: "A", Severity: "high", Suppressed: statement}}}, Tallied{Word: "none known"}},
		{
			"worst first", Scan{Findings: []Finding{{Severity: "low"}, {Severity: "odd"}, {Severity: "critical"}, {Severity: "low"}}},
			Tallied{Word: "none known", Counts: []SeverityCount{{"critical", 1}, {"unknown", 1}, {"low", 2}}},
		},
	} {
		if diff := cmp.Diff(test.want, counted(test.scan)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestVerdict(t *testing.T) {
	var v Verdict
	for _, l := range []Level{Attention, Bad, Good} {
		v.Add(l, "x")
	}
	if v.Level != Bad || len(v.Reasons) != 3 {
		t.Errorf("got %s with %d reasons, want the worst, bad, with 3", v.Level, len(v.Reasons))
	}
	if sorted := v.Sorted(); sorted[0].Level != Bad || sorted[1].Level != Attention {
		t.Errorf("got %v, want the worst first", sorted)
	}
}

func TestChart(t *testing.T) {
	release := func(version string, bytes int64, variant string) Release {
		return Release{Version: version, Variant: variant, Platforms: []Platform{{Name: "linux/amd64", Size: bytes}}}
	}
	if c := newChart([]Release{release("1", 10, "")}); c != nil {
		t.Error("one release makes a chart, want none")
	}
	many := []Release{release("3", 300, ""), release("2-debug", 900, "debug"), release("2", 150, ""), {Version: "gone"}, release("1", 75, "")}
	c := newChart(many)
	var got []string
	for _, b := range c.Bars {
		got = append(got, b.Label)
		if b.X < 0 || b.X+b.Width > c.Width || b.Y < 0 || b.Y+b.Height != c.Base {
			t.Errorf("the bar %+v is not within the drawing", b)
		}
	}
	if diff := cmp.Diff([]string{"1: 75 bytes", "2: 150 bytes", "3: 300 bytes"}, got); diff != "" {
		t.Errorf("bars (-want +got):\n%s", diff)
	}
	if c.Bars[0].Height*4 != c.Bars[2].Height {
		t.Errorf("heights %d and %d, want them to be as 75 to 300", c.Bars[0].Height, c.Bars[2].Height)
	}
}
