// Package spool keeps the files of a stream for random access: what a tar
// stream yields once, in its order, can be read again, in any order, and as an
// io.ReaderAt. The bytes lie in one unnamed temporary file.
package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Spool is a temporary file that holds many. It is for one goroutine while
// files are added, and for any number afterwards.
type Spool struct {
	file *os.File
	size int64
}

// New returns an empty spool in the folder dir; empty is the system's folder
// for temporary files. Nothing is left behind, whatever happens to the
// process.
func New(dir string) (*Spool, error) {
	f, err := os.CreateTemp(dir, "kiln-spool-*")
	if err != nil {
		return nil, fmt.Errorf("making temporary file: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close() // the removal's error says more
		return nil, fmt.Errorf("making temporary file: %w", err)
	}
	return &Spool{file: f}, nil
}

// Close frees the spool. Its files cannot be read afterwards.
func (s *Spool) Close() error { return s.file.Close() }

// File is one file in a spool.
type File struct {
	spool     *Spool
	off, size int64
}

// ErrLimit says that there was more than the limit.
var ErrLimit = errors.New("content is over the limit")

// Add keeps what r yields. More than limit bytes are an [ErrLimit], and
// nothing of them is kept.
func (s *Spool) Add(r io.Reader, limit int64) (File, error) {
	w := io.NewOffsetWriter(s.file, s.size)
	n, err := io.Copy(w, io.LimitReader(r, limit+1))
	if err != nil {
		return File{}, err
	}
	if n > limit {
		return File{}, fmt.Errorf("%w of %d bytes", ErrLimit, limit)
	}
	f := File{spool: s, off: s.size, size: n}
	s.size += n
	return f, nil
}

// Size is the file's length in bytes.
func (f File) Size() int64 { return f.size }

// ReaderAt reads the file.
func (f File) ReaderAt() *io.SectionReader {
	return io.NewSectionReader(f.spool.file, f.off, f.size)
}

// Open reads the file from its start, and as an io.ReaderAt; closing it does
// nothing.
func (f File) Open() (io.ReadCloser, error) { return section{f.ReaderAt()}, nil }

type section struct{ *io.SectionReader }

func (section) Close() error { return nil }
