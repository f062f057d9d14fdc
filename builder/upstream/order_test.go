package upstream

import (
	"slices"
	"strings"
	"testing"

	"github.com/kiln-build/kiln/recipes"
)

func TestOrder(t *testing.T) {
	for _, c := range []struct {
		name      string
		order     order
		ascending string
	}{
		{"semantic versions", semantic{}, "1.0.0-alpha 1.0.0-alpha.1 1.0.0-rc.2 1.0.0-rc.10 1.0.0 1.0.1 1.9.0 1.10.0 2.0.0"},
		{"letters and dates", plain{}, "1.1.1 1.1.1a 1.1.1w 1.2 20240101 20250101"},
		{"patches behind a dash", plain{}, "6.9.13-2 6.9.13-17 6.9.14-0"},
		{"prereleases by words", plain{}, "2.0-alpha2 2.0-beta.1 2.0-rc1 2.0-rc10 2.0 2.0.1"},
		{"prereleases by letters", plain{}, "3.0a1 3.0b2 3.0rc1 3.0 3.0.1"},
		{"two numbers", plain{}, "17.2 17.11 18.0"},
	} {
		versions := strings.Fields(c.ascending)
		for i, a := range versions {
			for j, b := range versions {
				if got, want := c.order.compare(a, b), min(max(i-j, -1), 1); got != want {
					t.Errorf("%s: %s to %s is %d, want %d", c.name, a, b, got, want)
				}
			}
		}
	}
}

func TestPrerelease(t *testing.T) {
	for v, want := range map[string]bool{
		"1.0rc1": true, "1.0-RC2": true, "2.0.0-beta": true, "3.0b2": true, "1.0.dev3": true, "1.0~rc1": true,
		"1.0": false, "1.1.1b": false, "6.9.13-17": false, "1.0-arch1": false, "2025b": false, "1.0-prefix": false,
	} {
		if got := (plain{}).prerelease(v); got != want {
			t.Errorf("%s: %t, want %t", v, got, want)
		}
	}
}

func TestChoose(t *testing.T) {
	versions := func(words string) (list []Version) {
		for _, w := range strings.Fields(words) {
			list = append(list, Version{Text: w})
		}
		return list
	}
	for _, c := range []struct {
		name, present, list string
		update              recipes.Update
		want                string
		order               int
	}{
		{"the newest", "1.2.3", "1.2.3 1.10.0 1.9.0", recipes.Update{}, "1.10.0", 1},
		{"the same", "1.10.0", "1.2.3 1.10.0 1.9.0", recipes.Update{}, "1.10.0", 0},
		{"only older ones", "2.0.0", "1.2.3 1.10.0", recipes.Update{}, "1.10.0", -1},
		{"a channel", "1.2.3", "1.2.3 1.2.9 1.3.0 2.0.0", recipes.Update{Channel: "1.2.x"}, "1.2.9", 1},
		{"ignored", "1.2.3", "1.2.3 1.2.4 1.2.5", recipes.Update{Ignore: []string{"1.2.5"}}, "1.2.4", 1},
		{"an ignored malformed one", "1.2.3", "1.2.3 1.2.4 9;rm", recipes.Update{Ignore: []string{"9;rm"}}, "1.2.4", 1},
		{"no prereleases", "1.2.3", "1.2.3 1.3.0-rc.1", recipes.Update{}, "1.2.3", 0},
		{"prereleases", "1.2.3", "1.2.3 1.3.0-rc.1", recipes.Update{Prereleases: true}, "1.3.0-rc.1", 1},
		{"no tag", "1.2.3", "1.2.3 1.3.0+k3s1", recipes.Update{}, "1.2.3", 0},
	} {
		got, err := choose(c.present, c.update, versions(c.list), semantic{})
		if err != nil || got.Text != c.want || got.Order != c.order {
			t.Errorf("%s: got %+v, %v, want %s (%d)", c.name, got, err, c.want, c.order)
		}
	}
}

func TestChooseRefuses(t *testing.T) {
	for _, c := range []struct {
		list   []string
		update recipes.Update
		want   string
	}{
		{[]string{"1.2.3", "1.0;rm"}, recipes.Update{}, `"1.0;rm" is not a version`},
		{[]string{"1.0\n2.0"}, recipes.Update{}, `"1.0\n2.0" is not a version`},
		{[]string{"../1"}, recipes.Update{}, "is not a version"},
		{[]string{""}, recipes.Update{}, "is not a version"},
		{[]string{strings.Repeat("9", 200)}, recipes.Update{}, "is not a version"},
		{[]string{"-1.0"}, recipes.Update{}, "is not a version"},
		{[]string{"1.0", "1.1"}, recipes.Update{Channel: "2.x"}, "of 2 there is none that is wanted in the channel 2.x"},
		{nil, recipes.Update{}, "of 0 there is none"},
	} {
		var list []Version
		for _, v := range c.list {
			list = append(list, Version{Text: v})
		}
		if got, err := choose("1.0", c.update, list, plain{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %+v, %v, want %q", c.list, got, err, c.want)
		}
	}
}

func TestUpstreamVersion(t *testing.T) {
	for full, want := range map[string]string{
		"1.26.3-3+deb13u1": "1.26.3", "8.1.1+dfsg1-3+deb13u1": "8.1.1", "1:2.0.21-1": "2.0.21", "17.11-0+deb13u1": "17.11",
		"1.4.79-2": "1.4.79", "2.2.4~dfsg-1": "2.2.4", "3.5.3+ds1-1": "3.5.3", "2.39": "2.39", "6.9.13-17-2": "6.9.13-17",
		"1.0~rc1-1": "1.0~rc1", "4.2+deb13u1": "4.2", "1.5.1.ds-2": "1.5.1",
	} {
		if got := upstreamVersion(full); got != want {
			t.Errorf("%s: %s, want %s", full, got, want)
		}
	}
}

// FuzzChoose: what is chosen is in the list and fit to be a tag.
func FuzzChoose(f *testing.F) {
	f.Add("1.2.3 1.2.4-rc1 2.0b1", "1.2.3")
	f.Fuzz(func(t *testing.T, text, present string) {
		var list []Version
		for _, v := range strings.Split(text, " ") {
			list = append(list, Version{Text: v})
		}
		for _, o := range []order{semantic{}, plain{}} {
			got, err := choose(present, recipes.Update{}, list, o)
			if err == nil && (!slices.Contains(list, got.Version) || !taggable.MatchString(got.Text) || o.prerelease(got.Text)) {
				t.Errorf("%q: chose %q", text, got.Text)
			}
		}
	})
}
