package recipes

import (
	"slices"
	"strings"
)

// leastMemory is what an engine needs to start a container at all.
const leastMemory = 16 << 20

func checkRuntime(c *checker, r *Runtime, volumes []string) {
	checkWritable(c, r.Writable, volumes)
	seen := map[string]bool{}
	for i, name := range r.Capabilities {
		at := index("runtime.capabilities", i)
		switch {
		case strings.HasPrefix(name, "CAP_"):
			c.bad(at, "write "+strings.TrimPrefix(name, "CAP_"), "%s begins with CAP_", at)
		case !slices.Contains(Capabilities(), name):
			c.bad(at, hint(name, "capabilities", Capabilities()), "%q is no capability that a container has", clip(name))
		case seen[name]:
			c.bad(at, "", "capability %s is given twice", name)
		}
		seen[name] = true
	}
	if r.Memory != "" && (!memoryForm.MatchString(r.Memory) || r.MemoryBytes() < leastMemory) {
		c.bad("runtime.memory", "write it as 256Mi or 1Gi", "runtime.memory %q is not a size of at least 16Mi", clip(r.Memory))
	}
	if r.CPU != "" && r.MilliCPU() < 10 {
		c.bad("runtime.cpu", "write it as 0.5 or 500m", "runtime.cpu %q is not a share of at least 10m", clip(r.CPU))
	}
	if r.Pids < 0 || r.Pids > 1<<22 {
		c.bad("runtime.pids", "leave it out for no limit", "runtime.pids %d is not from 1 to %d", r.Pids, 1<<22)
	}
}

// checkWritable: no folder lies in another that is written to, so that each
// is one volume.
func checkWritable(c *checker, list, volumes []string) {
	for i, p := range list {
		at := index("runtime.writable", i)
		checkPath(c, at, p)
		if p == "" {
			c.bad(at, "", "%s is empty", at)
		}
		for _, other := range append(slices.Clone(volumes), list[:i]...) {
			switch {
			case p == other:
				c.bad(at, "leave it out", "%s is writable already", p)
			case strings.HasPrefix(p, other+"/"), strings.HasPrefix(other, p+"/"):
				c.bad(at, "name only the upper one", "of %s and %s one lies in the other", p, other)
			}
		}
	}
}
