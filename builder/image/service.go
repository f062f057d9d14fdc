package image

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/kiln-build/kiln/builder/layer"
	"github.com/kiln-build/kiln/recipes"
)

// service returns the entries of the last layer: the artifacts, owned by root
// and dated with the lock's epoch, the user, and the folders that are the
// user's own. What it holds overrides what the base has at the same path.
func (a *assembly) service() ([]layer.Entry, error) {
	entries, err := a.artifacts()
	if err != nil {
		return nil, err
	}
	uid, gid, err := userIDs(a.Recipe.Image.User)
	if err != nil {
		return nil, err
	}
	have := map[string]bool{}
	for _, e := range entries {
		have[e.Path] = true
	}
	entries = a.volumes(entries, uid, gid)
	users, err := a.users(uid, gid)
	if err != nil {
		return nil, err
	}
	for _, e := range users {
		if !have[e.Path] {
			entries = append(entries, e)
		}
	}
	r := a.Recipe.Image
	for _, dir := range append([]string{r.Home, r.Workdir}, r.Volumes...) {
		dir = a.root.realDir(dir)
		if dir == "" || dir == "/" || have[dir] || a.root.has(dir) {
			continue
		}
		have[dir] = true
		entries = append(entries, layer.Entry{Time: a.Lock.Epoch.Seconds, File: recipes.File{
			Path: dir, Type: tar.TypeDir, Mode: 0o755, UID: uid, GID: gid, Owner: recipes.OwnerBase,
		}})
	}
	return append(entries, layer.Parents(entries, recipes.OwnerBase, a.Lock.Epoch.Seconds, a.root.has)...), nil
}

// volumes makes the user the owner of those folders that are volumes. Base
// folders that anyone may write to, as /tmp, stay as they are.
func (a *assembly) volumes(entries []layer.Entry, uid, gid int) []layer.Entry {
	for _, v := range a.Recipe.Image.Volumes {
		v = a.root.realDir(v)
		i := slices.IndexFunc(entries, func(e layer.Entry) bool { return e.Path == v && e.Type == tar.TypeDir })
		if old, ok := a.root.byPath[v]; i < 0 && ok && old.Type == tar.TypeDir && v != "/" && old.Mode&0o002 == 0 {
			old.Time = a.Lock.Epoch.Seconds
			entries = append(entries, old)
			i = len(entries) - 1
		}
		if i >= 0 {
			entries[i].UID, entries[i].GID = uid, gid
		}
	}
	return entries
}

func userIDs(user string) (uid, gid int, err error) {
	u, g, _ := strings.Cut(user, ":")
	if uid, err = strconv.Atoi(u); err == nil {
		gid, err = strconv.Atoi(g)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("image.user: %q is not uid:gid", user)
	}
	return uid, gid, nil
}

// artifacts are the build's files as they go into the image.
func (a *assembly) artifacts() ([]layer.Entry, error) {
	byPath := map[string]layer.Entry{}
	var entries []layer.Entry
	for _, e := range a.Artifacts {
		e.Path, e.UID, e.GID, e.Time = a.place(e), 0, 0, a.Lock.Epoch.Seconds
		if e.Type == tar.TypeLink {
			target, ok := byPath[a.root.real(path.Join("/", e.Linkname))]
			if !ok {
				return nil, fmt.Errorf("%s is a hard link to %s, which is not there", e.Path, e.Linkname)
			}
			e.Type, e.Linkname, e.Size, e.Open, e.Mode = target.Type, target.Linkname, target.Size, target.Open, target.Mode
			e.Capability = target.Capability
		}
		byPath[e.Path] = e
		old, there := a.root.byPath[e.Path]
		if there && (old.Type == tar.TypeDir) != (e.Type == tar.TypeDir) {
			return nil, fmt.Errorf("%s is a folder in one of the base and $DESTDIR, and something else in the other", e.Path)
		}
		if there && e.Type == tar.TypeDir {
			continue // /usr, /etc, …: the base's
		}
		entries = append(entries, e)
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("%s: the steps left nothing in $DESTDIR, so there is no service to put into the image", a.Recipe.File)
	}
	return a.withoutEnv(unique(entries))
}

// place is where an artifact is in the image: below what the base's links,
// such as /bin and /lib, lead to.
func (a *assembly) place(e layer.Entry) string {
	if e.Type == tar.TypeDir {
		return a.root.realDir(e.Path)
	}
	return a.root.real(e.Path)
}

// unique drops folders that merging /bin and the like into /usr made double.
func unique(entries []layer.Entry) []layer.Entry {
	seen := map[string]bool{}
	kept := entries[:0]
	for _, e := range entries {
		if e.Type == tar.TypeDir && seen[e.Path] {
			continue
		}
		seen[e.Path] = true
		kept = append(kept, e)
	}
	return kept
}

// users are passwd(5) and group(5) with root, nobody and the image's user.
func (a *assembly) users(uid, gid int) ([]layer.Entry, error) {
	passwd, err := a.text("/etc/passwd", "root:x:0:0:root:/root:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n")
	if err != nil {
		return nil, err
	}
	group, err := a.text("/etc/group", "root:x:0:\nnogroup:x:65534:\n")
	if err != nil {
		return nil, err
	}
	name := "nonroot"
	if hasName(passwd, name) || hasName(group, name) {
		name = fmt.Sprintf("user%d", uid)
	}
	if !hasID(passwd, uid) {
		passwd += fmt.Sprintf("%s:x:%d:%d:%s:%s:/usr/sbin/nologin\n", name, uid, gid, name, a.Recipe.Image.Home)
	}
	if !hasID(group, gid) {
		group += fmt.Sprintf("%s:x:%d:\n", name, gid)
	}
	file := func(p, text string) layer.Entry {
		return fileEntry(p, []byte(text), a.Lock.Epoch.Seconds, recipes.OwnerBase)
	}
	return []layer.Entry{file("/etc/passwd", passwd), file("/etc/group", group)}, nil
}

// hasName reports whether a line's first field is name.
func hasName(text, name string) bool {
	return strings.HasPrefix(text, name+":") || strings.Contains(text, "\n"+name+":")
}

// text is the content of a small file of the base, or otherwise.
func (a *assembly) text(p, otherwise string) (string, error) {
	e, ok := a.root.byPath[p]
	if !ok || e.Open == nil {
		return otherwise, nil
	}
	r, err := e.Open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if len(b) > 0 && !bytes.HasSuffix(b, []byte("\n")) {
		b = append(b, '\n')
	}
	return string(b), err
}

// hasID reports whether a line's third field is id.
func hasID(text string, id int) bool {
	for _, line := range strings.Split(text, "\n") {
		if f := strings.Split(line, ":"); len(f) > 2 && f[2] == strconv.Itoa(id) {
			return true
		}
	}
	return false
}
