package image

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"io"
)

// optional is one entry of a file's own list of libraries that it opens while
// it runs (systemd.io/ELF_DLOPEN_METADATA).
type optional struct {
	Sonames     []string `json:"soname"`
	Description string   `json:"description"`
	Priority    string   `json:"priority"`
}

// readOptional reads the lists: notes of the owner FDO with a type of their
// own, each a JSON array. What cannot be read says nothing.
func readOptional(f *elf.File) []optional {
	s := f.Section(".note.dlopen")
	const longest = 1 << 20
	if s == nil || s.Size > longest {
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(s.Open(), longest))
	if err != nil {
		return nil
	}
	return parseOptional(f.ByteOrder, data)
}

// dlopenKind is the type of such a note.
const dlopenKind = 0x407c0c0a

// parseOptional reads notes: sizes of name and content, a type, the name, the
// content, each aligned to 4 bytes.
func parseOptional(order interface{ Uint32([]byte) uint32 }, data []byte) []optional {
	const head, align = 12, 4
	up := func(n uint64) uint64 { return (n + align - 1) / align * align }
	var all []optional
	for len(data) >= head {
		name, size := uint64(order.Uint32(data)), uint64(order.Uint32(data[4:]))
		from := head + up(name)
		to := from + size
		if to > uint64(len(data)) {
			break
		}
		var list []optional
		if order.Uint32(data[8:]) == dlopenKind && bytes.Equal(data[head:head+name], []byte("FDO\x00")) &&
			json.Unmarshal(bytes.TrimRight(data[from:to], "\x00"), &list) == nil {
			all = append(all, list...)
		}
		data = data[min(up(to), uint64(len(data))):]
	}
	return all
}
