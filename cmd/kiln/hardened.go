package main

import "strings"

// hardened tells what protects the first few programs and libraries; the
// others are in the JSON.
func (b *build) hardened(p *platformResult) {
	const shown = 4
	for i, h := range p.Hardening {
		if i == shown {
			b.say("  hardened    and %d more; --output json has them all", len(p.Hardening)-shown)
			return
		}
		b.say("  hardened    %s: %s", h.Path, h.String())
	}
}

// noted tells what programs may open while they run and the image lacks, with
// the field that adds it.
func (b *build) noted(p *platformResult) {
	for _, n := range p.Notes {
		add := ""
		if len(n.Packages) > 0 {
			add = "; image.packages: [" + strings.Join(n.Packages, ", ") + "] adds it"
		}
		b.say("  note        %s: %s%s", n.Path, n.Text, add)
	}
}
