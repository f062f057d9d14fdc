package site

import (
	"slices"
	"strings"
)

type indexPage struct {
	page
	Images []Image
}

// levelCount is how many images stand so.
type levelCount struct {
	Level Level
	Count int
}

// Tally counts the images by how they stand, where there are any.
func (p indexPage) Tally() []levelCount {
	var list []levelCount
	for _, l := range Levels() {
		n := 0
		for _, img := range p.Images {
			if img.Verdict.Level == l {
				n++
			}
		}
		if n > 0 {
			list = append(list, levelCount{l, n})
		}
	}
	return list
}

// Categories are those of all images.
func (p indexPage) Categories() []string {
	return p.all(func(img Image) []string { return img.Categories })
}

// Platforms are those of all images.
func (p indexPage) Platforms() []string { return p.all(Image.PlatformNames) }

func (p indexPage) all(of func(Image) []string) []string {
	var list []string
	for _, img := range p.Images {
		list = append(list, of(img)...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// searched is what the script searches, by the images' places in the table.
type searched struct {
	Images []searchedImage `json:"images"`
	// Packages are the places of the images that hold each.
	Packages map[string][]int `json:"packages"`
}

type searchedImage struct {
	Name string `json:"name"`
	// Text is all that a word may be found in, in lower case.
	Text       string   `json:"text"`
	Version    string   `json:"version"`
	Status     Level    `json:"status"`
	Rank       int      `json:"rank"`
	Categories []string `json:"categories"`
	Platforms  []string `json:"platforms"`
	Built      string   `json:"built"`
	Size       int64    `json:"size"`
	// Open weighs the vulnerabilities: the more and the worse, the more.
	Open int `json:"open"`
}

// Data is what the index's script needs.
func (p indexPage) Data() searched {
	s := searched{Images: []searchedImage{}, Packages: map[string][]int{}}
	for i, img := range p.Images {
		words := []string{img.Name, img.Version(), img.Summary, img.License}
		words = slices.Concat(words, img.Categories, img.Owners)
		x := searchedImage{
			Name: img.Name, Text: strings.ToLower(strings.Join(words, "\n")), Version: img.Version(),
			Status: img.Verdict.Level, Rank: rank(img.Verdict.Level), Size: img.Size(), Open: img.Scanned().weight(),
			Categories: img.Categories, Platforms: img.PlatformNames(),
		}
		if b := img.Built(); b != nil {
			x.Built = day(*b)
		}
		s.Images = append(s.Images, x)
		for _, name := range img.packageNames() {
			s.Packages[name] = append(s.Packages[name], i)
		}
	}
	return s
}

func (img Image) packageNames() []string {
	if img.Current == nil {
		return nil
	}
	var list []string
	for _, p := range img.Current.Packages.List {
		list = append(list, strings.ToLower(p.Name))
	}
	slices.Sort(list)
	return slices.Compact(list)
}
