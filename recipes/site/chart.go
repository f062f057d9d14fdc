package site

import (
	"fmt"
	"slices"
)

// chart is the drawing of sizes over versions, in units of the drawing.
type chart struct {
	Title, Platform     string
	Width, Height, Base int
	Bars                []bar
}

type bar struct {
	X, Y, Width, Height  int
	Middle, Above, Below int
	// Label says what it stands for; Value and Version are written at it.
	Label, Value, Version string
	Current               bool
}

const (
	chartBars  = 24  // the newest that are drawn
	chartRoom  = 100 // height of the tallest
	chartAbove = 18  // room for a value
	chartBelow = 20  // and for a version
)

// newChart draws the releases of the variant that the current one is of, the
// oldest first. It is nil where there are fewer than two, or none has a size.
func newChart(releases []Release) *chart {
	drawn := drawable(releases)
	if len(drawn) < 2 {
		return nil
	}
	largest := slices.MaxFunc(drawn, func(a, b Release) int { return int(min(max(a.Size()-b.Size(), -1), 1)) }).Size()
	step, width := 640/len(drawn), 0
	step = min(max(step, 26), 88)
	width = step - step/4
	c := &chart{Width: step * len(drawn), Height: chartAbove + chartRoom + chartBelow, Base: chartAbove + chartRoom, Platform: drawn[0].Platforms[0].Name}
	first, last := drawn[0], drawn[len(drawn)-1]
	c.Title = fmt.Sprintf("Size over versions: from %s in %s to %s in %s", size(first.Size()), first.Version, size(last.Size()), last.Version)
	for i, r := range drawn {
		height := max(int(float64(r.Size())/float64(largest)*chartRoom), 1)
		b := bar{
			X: i*step + step/8, Y: c.Base - height, Width: width, Height: height, Current: r.Current,
			Above: c.Base - height - 5, Below: c.Base + 15, Label: r.Version + ": " + size(r.Size()),
		}
		b.Middle = b.X + width/2
		if step >= 60 {
			b.Value = size(r.Size())
			if len(r.Version) <= step/8 {
				b.Version = r.Version
			}
		}
		c.Bars = append(c.Bars, b)
	}
	return c
}

// drawable are the releases with a size, the oldest first.
func drawable(releases []Release) []Release {
	variant := ""
	for _, r := range releases {
		if r.Current {
			variant = r.Variant
		}
	}
	var list []Release
	for _, r := range releases {
		if r.Size() > 0 && r.Variant == variant && len(list) < chartBars {
			list = append(list, r)
		}
	}
	slices.Reverse(list)
	return list
}
