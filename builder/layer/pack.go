package layer

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"

	"github.com/klauspost/compress/flate"
)

// What is compressed with which settings decides the bytes of every layer, so
// both are part of kiln's build format.
const (
	// blockSize is how many bytes are compressed at a time. A block is
	// compressed alone, after the window that it may refer to, and so the
	// result does not depend on how many are compressed side by side.
	blockSize = 1 << 20
	window    = 32 << 10
	level     = 5
)

// packer compresses what is written to it into one gzip member (RFC 1952) and
// hashes it, on as many processors as there are.
type packer struct {
	out    io.Writer
	block  []byte // not yet handed on
	before []byte // the window before block
	size   uint32 // of all handed on, modulo 2^32

	packing chan chan packed // in the order of the blocks
	hashing chan []byte
	written chan error
	hashed  chan sums
}

type packed struct {
	data []byte
	err  error
}

// sums are of the uncompressed stream.
type sums struct {
	sha256 string
	crc32  uint32
}

func newPacker(out io.Writer) *packer {
	ahead := runtime.GOMAXPROCS(0)
	p := &packer{
		out: out, packing: make(chan chan packed, ahead), hashing: make(chan []byte, ahead),
		written: make(chan error, 1), hashed: make(chan sums, 1),
	}
	go func(c <-chan chan packed) { p.written <- writeMember(out, c) }(p.packing)
	go func(c <-chan []byte) { p.hashed <- hashBlocks(c) }(p.hashing)
	return p
}

// Write implements io.Writer. That out cannot be written to, Close says.
func (p *packer) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		if p.block == nil {
			p.block = make([]byte, 0, blockSize)
		}
		k := min(len(b), blockSize-len(p.block))
		p.block, b = append(p.block, b[:k]...), b[k:]
		if len(p.block) == blockSize {
			p.handOn(false)
		}
	}
	return n, nil
}

// handOn has the block compressed and hashed.
func (p *packer) handOn(last bool) {
	block, before := p.block, p.before
	result := make(chan packed, 1)
	p.packing <- result // waits while too many are on their way
	p.hashing <- block
	go func() {
		data, err := deflate(block, before, last)
		result <- packed{data, err}
	}()
	p.size += uint32(len(block)) //nolint:gosec // RFC 1952 asks for it modulo 2^32
	p.before = block[max(0, len(block)-window):]
	p.block = nil
}

// deflate compresses a block that follows another (RFC 1951).
func deflate(block, before []byte, last bool) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(len(block)/2 + 1024)
	// A fresh one for each block: nothing of an earlier use can matter.
	z, err := flate.NewWriterDict(&b, level, before)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(block); err != nil {
		return nil, err
	}
	if last {
		err = z.Close()
	} else {
		err = z.Flush() // ends at a byte, so that the next can be put behind it
	}
	return b.Bytes(), err
}

// writeMember writes the member's header and the blocks. After an error it
// goes on to take blocks, so that nobody waits for it.
func writeMember(out io.Writer, packing <-chan chan packed) error {
	// No name, no time, and an unknown system.
	_, err := out.Write([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff})
	for result := range packing {
		block := <-result
		if err == nil {
			err = block.err
		}
		if err == nil {
			_, err = out.Write(block.data)
		}
	}
	return err
}

func hashBlocks(hashing <-chan []byte) sums {
	h, crc := sha256.New(), uint32(0)
	for block := range hashing {
		h.Write(block) // a hash never fails
		crc = crc32.Update(crc, crc32.IEEETable, block)
	}
	return sums{hex.EncodeToString(h.Sum(nil)), crc}
}

// stop ends both goroutines and waits for them.
func (p *packer) stop() (sums, error) {
	if p.packing == nil {
		return sums{}, nil
	}
	close(p.packing)
	close(p.hashing)
	p.packing = nil
	return <-p.hashed, <-p.written
}

// finish ends the member and returns the sha256, as hex, of what was written
// to the packer.
func (p *packer) finish() (string, error) {
	p.handOn(true)
	s, err := p.stop()
	if err != nil {
		return "", fmt.Errorf("compressing: %w", err)
	}
	trailer := binary.LittleEndian.AppendUint32(nil, s.crc32)
	_, err = p.out.Write(binary.LittleEndian.AppendUint32(trailer, p.size))
	return s.sha256, err
}
