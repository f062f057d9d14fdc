package archive

import "slices"

// With returns an index that has the packages of another architecture besides
// those of x, whose programs cannot be run: what cross-compiling needs. Both
// are of the same release at the same time. Of the two, x is the native one
// (https://wiki.debian.org/Multiarch/Implementation).
func (x *Index) With(foreign *Index) *Index {
	both := *x
	both.foreign = foreign
	return &both
}

// all are the parts of both architectures, the native ones first.
func (x *Index) all() []part {
	if x.foreign == nil {
		return x.parts
	}
	return slices.Concat(x.parts, x.foreign.parts)
}

// of is the index of an architecture.
func (x *Index) of(arch string) *Index {
	if x.foreign != nil && x.foreign.arch == arch {
		return x.foreign
	}
	return x
}

// archOf is the architecture that an entry counts as: packages of
// Architecture: all count as native.
func (x *Index) archOf(e *entry) string {
	if e.Architecture == "all" {
		return x.arch
	}
	return e.Architecture
}

// suits reports whether an entry has the right architecture for a relation
// with this qualifier of a package that counts as of the architecture arch
// (dpkg's deparchsatisfied): its own, unless the entry is Multi-Arch: foreign;
// any for what is Multi-Arch: allowed.
func (x *Index) suits(e *entry, qualifier, arch string) bool {
	switch qualifier {
	case "":
		return e.multiArch == "foreign" || x.archOf(e) == arch
	case "any":
		return e.multiArch == "allowed"
	case "native":
		return x.archOf(e) == x.arch
	}
	return x.archOf(e) == qualifier
}

// idle reports whether an entry is of the foreign architecture where a relation
// leaves that open: the native one is chosen then, which can be run.
func (x *Index) idle(e *entry, qualifier string) bool {
	open := qualifier == "any" || qualifier == "" && e.multiArch == "foreign"
	return open && x.archOf(e) != x.arch
}

// excludes reports whether the entry other can not be installed beside e, of
// the same name: only packages that are Multi-Arch: same can, of two
// architectures and in one version.
func (x *Index) excludes(e, other *entry) bool {
	return x.archOf(e) == x.archOf(other) || e.multiArch != "same" || other.multiArch != "same" || e.Version != other.Version
}

// title is what messages call a package: its name, and its architecture where
// that is not the native one.
func (x *Index) title(e *entry) string {
	if x.archOf(e) == x.arch {
		return e.Name
	}
	return e.Name + ":" + e.Architecture
}
