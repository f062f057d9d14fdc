package docs

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func pages(t *testing.T) []*Page {
	t.Helper()
	all, err := Read(Root)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 5 || !slices.ContainsFunc(all, func(p *Page) bool { return p.File == "README.md" }) {
		t.Fatalf("got %d pages, want README.md and its guides", len(all))
	}
	return all
}

// TestLinks: links within the repository lead to files, and to headings.
func TestLinks(t *testing.T) {
	all := pages(t)
	for _, p := range all {
		for _, link := range p.Links {
			if strings.Contains(link, ":") {
				continue // leads elsewhere
			}
			to, anchor, _ := strings.Cut(link, "#")
			target := p.File
			if to != "" {
				target = path.Join(path.Dir(p.File), to)
			}
			if _, err := os.Stat(filepath.Join(Root, target)); err != nil {
				t.Errorf("%s: the link %s leads nowhere: %v", p.File, link, err)
				continue
			}
			i := slices.IndexFunc(all, func(o *Page) bool { return o.File == target })
			if anchor != "" && (i < 0 || !slices.Contains(all[i].Anchors, anchor)) {
				t.Errorf("%s: %s has no heading for the link %s", p.File, target, link)
			}
		}
	}
}

// TestBlocks: each block says what it is in, so that none is left out of those
// that are run.
func TestBlocks(t *testing.T) {
	for _, p := range pages(t) {
		for _, b := range p.Blocks {
			switch {
			case b.Language == "":
				t.Errorf("%s:%d: the block has no language: sh, console, yaml, text…", p.File, b.Line)
			case slices.Contains([]string{"bash", "shell", "shell-session"}, b.Language):
				t.Errorf("%s:%d: the block is run as sh or console, not as %s", p.File, b.Line, b.Language)
			case b.Language == "text" && strings.Contains("\n"+b.Text, "\n$ "):
				t.Errorf("%s:%d: the block shows commands: make it console", p.File, b.Line)
			}
		}
	}
}

// TestMap: README's map has each package.
func TestMap(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(Root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, architecture, _ := strings.Cut(string(readme), "\n## ARCHITECTURE\n")
	_, after, _ := strings.Cut(architecture, "\ncmd/kiln/ ")
	drawn, _, _ := strings.Cut(after, "```")
	named := names("cmd/kiln/ " + drawn)
	for _, top := range []string{"builder", "recipes", "sbom", "sign", "test", "cmd"} {
		err := filepath.WalkDir(filepath.Join(Root, top), func(file string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return err
			}
			if slices.Contains([]string{"testdata", "src", "catalog"}, d.Name()) {
				return fs.SkipDir
			}
			rel, err := filepath.Rel(Root, file)
			if err != nil {
				return err
			}
			if held, _ := filepath.Glob(filepath.Join(file, "*.go")); len(held) > 0 && !named[filepath.ToSlash(rel)] {
				t.Errorf("README's ARCHITECTURE does not say what %s is for", rel)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name := range named {
		if _, err := os.Stat(filepath.Join(Root, name)); err != nil {
			t.Errorf("README's ARCHITECTURE names %s, which is not there", name)
		}
	}
}

// names are the packages that a map's lines begin with: "builder/blobs, memo"
// are two.
func names(drawn string) map[string]bool {
	found := map[string]bool{}
	for line := range strings.Lines(drawn) {
		left, _, _ := strings.Cut(line, "  ")
		if i := strings.Index(line, " "); !strings.Contains(left, ", ") && i > 0 {
			left = line[:i]
		}
		folder := ""
		for one := range strings.SplitSeq(strings.TrimSpace(left), ", ") {
			if strings.Contains(one, "/") {
				folder = path.Dir(strings.TrimSuffix(one, "/"))
			}
			if one != "" {
				found[path.Join(folder, path.Base(one))] = true
			}
		}
	}
	return found
}

func TestParse(t *testing.T) {
	const page = "<!-- before\nexec x\n-->\n<!-- exit: 3 -->\n```console\n$ a \\\n> b\nsaid 12 s\n$ c\n```\n\n# `A` b\n\n## It's 1.0\n[l](x#y)\n\n<!-- not run: a cluster -->\n```sh\nd\n```\n"
	p, err := parse("x.md", []byte(page))
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Blocks[0]; got.Before != "exec x" || got.Exit != "3" || got.Line != 6 ||
		got.Commands() != "a \\\nb\nc\n" || got.Output() != "said 12 s\n" {
		t.Errorf("got %+v", got)
	}
	if got := p.Blocks[1]; got.NotRun != "a cluster" || got.Commands() != "d\n" {
		t.Errorf("got %+v", got)
	}
	if !slices.Equal(p.Anchors, []string{"a-b", "its-10"}) || !slices.Equal(p.Links, []string{"x#y"}) {
		t.Errorf("got anchors %q, links %q", p.Anchors, p.Links)
	}
	for _, wrong := range []string{"<!-- not run: -->", "<!-- skip -->"} {
		if _, err := parse("x.md", []byte(wrong+"\n```sh\nx\n```\n")); err == nil {
			t.Errorf("%s: got no error", wrong)
		}
	}
}

func TestMissing(t *testing.T) {
	for _, c := range []struct{ shown, got, want string }{
		{"made 5.0 MB  at registry.corp/x@sha256:08c9…\n", "made 17.3 MB   at 127.0.0.1:81/x@sha256:9f", ""},
		{"…\nb\na\n", "a\nb", "a"},
		{"failed\n", "done\n", "failed"},
	} {
		if got := Missing(c.shown, c.got, "127.0.0.1:81"); got != c.want {
			t.Errorf("Missing(%q, %q): got %q, want %q", c.shown, c.got, got, c.want)
		}
	}
}
