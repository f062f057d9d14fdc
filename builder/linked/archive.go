package linked

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	arMagic = "!<arch>\n"
	// maxMember is the limit on an object, in bytes.
	maxMember = 1 << 30
)

// errMalformed is of what no linker takes either.
var errMalformed = errors.New("it is no static library")

// ReadArchive reads the static library at path from r (ar(5), in the form of
// System V and GNU). What is named like one and is none has no members: a
// linker script, an archive that only names files, other files of that name.
// The error is r's.
func ReadArchive(r io.Reader, path string, machine elf.Machine) (Archive, error) {
	a := Archive{Path: path}
	magic := make([]byte, len(arMagic))
	if _, err := io.ReadFull(r, magic); err != nil || string(magic) != arMagic {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = nil
		}
		return a, err
	}
	m := members{r: r}
	for {
		name, data, err := m.next()
		switch {
		case errors.Is(err, io.EOF):
			return a, nil
		case errors.Is(err, errMalformed):
			return Archive{Path: path}, nil
		case err != nil:
			return a, fmt.Errorf("reading static library %s: %w", path, err)
		}
		codes, object := codesOf(bytes.NewReader(data), name, machine)
		if object {
			a.Members++
		}
		a.Codes = append(a.Codes, codes...)
	}
}

// members reads one member after the other.
type members struct {
	r     io.Reader
	names []byte // the long ones
}

// next returns the next member that is neither the table of symbols nor that
// of long names. At the end it is io.EOF.
func (m *members) next() (name string, data []byte, err error) {
	for {
		if name, data, err = m.any(); err != nil {
			return "", nil, err
		}
		switch {
		case name == "//":
			m.names = data
		case name == "/" || name == "/SYM64/":
		case strings.HasPrefix(name, "/"):
			name, err = m.long(name[1:])
			return name, data, err
		default:
			return strings.TrimSuffix(name, "/"), data, nil
		}
	}
}

// any returns the next member, by the name that its header has.
func (m *members) any() (name string, data []byte, err error) {
	var h [60]byte
	if _, err := io.ReadFull(m.r, h[:]); err != nil {
		return "", nil, early(err)
	}
	name = strings.TrimRight(string(h[:16]), " ")
	size, err := strconv.ParseInt(strings.TrimRight(string(h[48:58]), " "), 10, 64)
	if err != nil || size < 0 || size > maxMember || string(h[58:]) != "`\n" {
		return "", nil, errMalformed
	}
	var b bytes.Buffer
	n, err := io.CopyN(&b, m.r, size+size%2)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if n == size {
		err = nil // some leave out the padding of the last
	}
	if err != nil {
		return "", nil, early(err)
	}
	return name, b.Bytes()[:size], nil
}

// early is the error for a member that ends before it should.
func early(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errMalformed
	}
	return err
}

// long is the name at a place in the table of long names.
func (m *members) long(at string) (string, error) {
	n, err := strconv.Atoi(at)
	if err != nil || n < 0 || n >= len(m.names) {
		return "", errMalformed
	}
	name, _, _ := bytes.Cut(m.names[n:], []byte("\n"))
	return strings.TrimSuffix(string(name), "/"), nil
}
