package archive

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"sort"
	"strings"
)

// table is a parsed index in the form it is kept on disk: rows of tab-separated
// fields, sorted by their first field, the name, and then newest version first.
// Nothing is decoded until a row is asked for, so that opening one costs no
// more than reading the file.
//
// The layout is a magic, the number of rows and of aliases, the offsets of the
// rows, the aliases, the text of the rows, and a CRC-32C of it all. Numbers are
// 32-bit and little-endian.
type table struct {
	data    string
	rows    int
	aliases int
	text    int // where the text of the rows begins
}

// alias is a second name of a row: a virtual package that it provides.
type alias struct {
	name string
	row  int
}

// tableMagic changes with the layout and with the meaning of the rows' fields.
const tableMagic = "kilntbl1"

const tableHeader = len(tableMagic) + 8

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errTable says that a kept table is damaged; it is then made anew.
var errTable = errors.New("index file is damaged")

// maxTable keeps offsets within 32 bits.
const maxTable = 1 << 30

// makeTable sorts rows and lays out the table. aliasesOf yields the further
// names of a row; nil is none.
func makeTable(rows []string, aliasesOf func(row string) []string) ([]byte, error) {
	slices.SortStableFunc(rows, compareRows)
	var aliases []alias
	size := 0
	for i, r := range rows {
		size += len(r)
		if aliasesOf != nil {
			for _, name := range aliasesOf(r) {
				aliases = append(aliases, alias{name, i})
			}
		}
	}
	slices.SortStableFunc(aliases, func(a, b alias) int { return strings.Compare(a.name, b.name) })
	for _, a := range aliases {
		size += len(a.name)
	}
	if size > maxTable {
		return nil, fmt.Errorf("index is larger than %d bytes", maxTable)
	}
	return layTable(rows, aliases, size), nil
}

func layTable(rows []string, aliases []alias, size int) []byte {
	le := binary.LittleEndian
	b := make([]byte, 0, tableHeader+4*len(rows)+4+12*len(aliases)+size+4)
	b = append(b, tableMagic...)
	b = le.AppendUint32(b, uint32(len(rows)))    //nolint:gosec // below maxTable
	b = le.AppendUint32(b, uint32(len(aliases))) //nolint:gosec // below maxTable
	at := 0
	for _, r := range rows {
		b = le.AppendUint32(b, uint32(at))
		at += len(r)
	}
	b = le.AppendUint32(b, uint32(at))
	for _, a := range aliases {
		b = le.AppendUint32(b, uint32(at))
		b = le.AppendUint32(b, uint32(len(a.name))) //nolint:gosec // below maxTable
		b = le.AppendUint32(b, uint32(a.row))       //nolint:gosec // below maxTable
		at += len(a.name)
	}
	for _, r := range rows {
		b = append(b, r...)
	}
	for _, a := range aliases {
		b = append(b, a.name...)
	}
	return le.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func compareRows(a, b string) int {
	an, arest, _ := strings.Cut(a, "\t")
	bn, brest, _ := strings.Cut(b, "\t")
	if c := cmp.Compare(an, bn); c != 0 {
		return c
	}
	av, _, _ := strings.Cut(arest, "\t")
	bv, _, _ := strings.Cut(brest, "\t")
	return CompareVersions(bv, av)
}

// openTable checks what makeTable made.
func openTable(b []byte) (*table, error) {
	end := len(b) - 4
	if end < tableHeader || string(b[:len(tableMagic)]) != tableMagic {
		return nil, errTable
	}
	if crc32.Checksum(b[:end], castagnoli) != binary.LittleEndian.Uint32(b[end:]) {
		return nil, errTable
	}
	t := &table{data: string(b[:end])}
	t.rows, t.aliases = t.number(len(tableMagic)), t.number(len(tableMagic)+4)
	t.text = tableHeader + 4*t.rows + 4 + 12*t.aliases
	if t.text > len(t.data) {
		return nil, errTable
	}
	return t, nil
}

func (t *table) number(at int) int {
	d := t.data[at : at+4]
	return int(d[0]) | int(d[1])<<8 | int(d[2])<<16 | int(d[3])<<24
}

func (t *table) row(i int) string {
	at := tableHeader + 4*i
	return t.data[t.text+t.number(at) : t.text+t.number(at+4)]
}

func (t *table) name(i int) string {
	name, _, _ := strings.Cut(t.row(i), "\t")
	return name
}

func (t *table) alias(i int) alias {
	at := tableHeader + 4*t.rows + 4 + 12*i
	from := t.text + t.number(at)
	return alias{t.data[from : from+t.number(at+4)], t.number(at + 8)}
}

// named returns the rows of a name, newest version first.
func (t *table) named(name string) []string {
	var out []string
	i := sort.Search(t.rows, func(i int) bool { return t.name(i) >= name })
	for ; i < t.rows && t.name(i) == name; i++ {
		out = append(out, t.row(i))
	}
	return out
}

// aliased returns the rows that have the alias name, by their names.
func (t *table) aliased(name string) []string {
	var out []string
	i := sort.Search(t.aliases, func(i int) bool { return t.alias(i).name >= name })
	for ; i < t.aliases; i++ {
		a := t.alias(i)
		if a.name != name {
			break
		}
		out = append(out, t.row(a.row))
	}
	return out
}
