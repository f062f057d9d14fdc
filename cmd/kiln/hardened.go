package main

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
