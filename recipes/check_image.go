package recipes

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func checkImage(c *checker, m *Image, rootAllowed bool) {
	checkBase(c, m.Base)
	checkPackages(c, "image.packages", m.Packages)
	checkUser(c, m.User, rootAllowed)
	checkPath(c, "image.home", m.Home)
	if m.Workdir != "/" {
		checkPath(c, "image.workdir", m.Workdir)
	}
	if len(m.Entrypoint) > 0 && !isAbsolute(m.Entrypoint[0]) {
		c.bad("image.entrypoint[0]", "there is no shell to search PATH; write /usr/bin/NAME",
			"image.entrypoint %q does not begin with an absolute, clean path", clip(m.Entrypoint[0]))
	}
	checkEnv(c, "image.env", m.Env)
	checkPorts(c, m.Ports)
	checkVolumes(c, m.Volumes)
	checkSignal(c, m.StopSignal)
	checkLabels(c, "image.labels", m.Labels)
	checkLabels(c, "image.annotations", m.Annotations)
}

// A base of kiln's with a version: of Java there may be several in a suite.
var (
	versionedBase = regexp.MustCompile(`^(static|glibc|cc|python|node|java)@[0-9.]*$`)
	javaBase      = regexp.MustCompile(`^java@[1-9][0-9]{0,2}$`)
)

func checkBase(c *checker, base string) {
	switch {
	case base == "" || slices.Contains(Bases(), base) || javaBase.MatchString(base):
	case versionedBase.MatchString(base):
		name, _, _ := strings.Cut(base, "@")
		h := "the suite has one " + name + "; write base: " + name
		if name == "java" {
			h = "write java, or java@21"
		}
		c.bad("image.base", h, "unknown base %q", clip(base))
	case strings.ContainsAny(base, "@/:"):
		checkByDigest(c, "image.base", base)
	default:
		c.bad("image.base", hint(base, "bases", append(Bases(), "or an image by digest")), "unknown base %q", clip(base))
	}
}

// maxID is the last user and group id; the one above means "none".
const maxID = 1<<32 - 2

func checkUser(c *checker, user string, rootAllowed bool) {
	if user == "" {
		return
	}
	m := userForm.FindStringSubmatch(user)
	if m == nil || !isID(m[1]) || !isID(m[2]) {
		c.bad("image.user", "write the numbers, as "+DefaultUser, "image.user %q is not uid:gid", clip(user))
		return
	}
	if (m[1] == "0" || m[2] == "0") && !rootAllowed {
		c.bad("image.user", "use "+DefaultUser+", or give the reason in `allow` with rule "+RuleRootUser,
			"image.user %s is root", user)
	}
}

func isID(s string) bool {
	n, err := strconv.ParseInt(s, 10, 64)
	return err == nil && n <= maxID
}

func checkPorts(c *checker, list []string) {
	seen := map[string]bool{}
	for i, p := range list {
		m := portForm.FindStringSubmatch(p)
		if m == nil || len(m[1]) == 5 && m[1] > "65535" {
			c.bad(index("image.ports", i), "write 8080, or 8080/udp", "port %q is not 1 to 65535 with tcp or udp", clip(p))
			continue
		}
		full := strings.TrimSuffix(p, "/tcp")
		if seen[full] {
			c.bad(index("image.ports", i), "", "port %s is given twice", p)
		}
		seen[full] = true
	}
}

func checkVolumes(c *checker, list []string) {
	seen := map[string]bool{}
	for i, v := range list {
		at := index("image.volumes", i)
		checkPath(c, at, v)
		if v == "" || seen[v] {
			c.bad(at, "", "%s is empty or given twice", at)
		}
		seen[v] = true
	}
}

func checkSignal(c *checker, s string) {
	known := []string{
		"SIGHUP", "SIGINT", "SIGQUIT", "SIGABRT", "SIGKILL", "SIGUSR1", "SIGUSR2", "SIGPIPE", "SIGALRM",
		"SIGTERM", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGIO", "SIGWINCH", "SIGPWR",
	}
	if s == "" || slices.Contains(known, s) || realTime.MatchString(s) {
		return
	}
	h := "write its name, such as SIGTERM"
	if near := Nearest("SIG"+strings.TrimPrefix(strings.ToUpper(s), "SIG"), known); near != "" {
		h = "did you mean " + strconv.Quote(near) + "?"
	}
	c.bad("image.stop-signal", h, "unknown signal %q", clip(s))
}

// reserved are the keys that kiln sets, and what it takes them from
// (image-spec, annotations.md, "Pre-Defined Annotation Keys").
func reserved(key string) string {
	return map[string]string{
		"title":       "`name`",
		"description": "`summary`",
		"version":     "`version`",
		"revision":    "the sources",
		"source":      "the sources",
		"url":         "`homepage`",
		"licenses":    "`license`",
		"created":     "the lock's epoch",
		"base.name":   "`image.base`",
		"base.digest": "`image.base`",
		"ref.name":    "the reference that is pushed to",
	}[strings.TrimPrefix(key, "org.opencontainers.image.")]
}

// annotationPrefix begins the keys of kiln's own labels and annotations.
const annotationPrefix = "io.github.kiln-build."

func checkLabels(c *checker, at string, labels map[string]string) {
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		switch from := reserved(k); {
		case strings.HasPrefix(k, annotationPrefix):
			c.bad(at+"."+k, "leave it out", "%s is set by kiln", k)
		case strings.HasPrefix(k, "org.opencontainers.image.") && from != "":
			c.bad(at+"."+k, "leave it out; kiln takes it from "+from, "%s is set by kiln", k)
		case k == "" || strings.ContainsAny(k, " \t\n="):
			c.bad(at+"."+k, "", "%q cannot be the key of a label", clip(k))
		}
	}
}
