// Package archivetest writes small Debian archives, signed with a key of their
// own, for the tests of what reads archives. Binary packages hold nothing but a
// copyright file; source packages are named and not there.
package archivetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Archive is a mirror of Debian's archives in a folder that a file server can
// serve: debian and debian-security.
type Archive struct {
	// Security are stanzas of the packages among the security updates.
	Security string

	dir string
	key *openpgp.Entity
	now time.Time
}

// New makes an archive in the folder dir, whose key is as old as a year before
// now.
func New(dir string, now time.Time) (*Archive, error) {
	key, err := openpgp.NewEntity("Archive", "", "archive@example.org", &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return now.AddDate(-1, 0, 0) },
	})
	return &Archive{dir: dir, key: key, now: now}, err
}

// Keyring is the public key, as a keyring has it.
func (a *Archive) Keyring() ([]byte, error) {
	var b bytes.Buffer
	err := a.key.Serialize(&b)
	return b.Bytes(), err
}

// Publish writes the release "trixie" and the suites that go with it, as they
// were so long before now. Packages and sources are stanzas of the suite.
func (a *Archive) Publish(packages, sources string, ago time.Duration) error {
	for _, suite := range []string{"debian/trixie", "debian/trixie-updates", "debian/trixie-backports", "debian-security/trixie-security"} {
		archive, suite, _ := strings.Cut(suite, "/")
		indexes := map[string]string{"main/binary-amd64/Packages": "", "main/source/Sources": ""}
		switch suite {
		case "trixie-security":
			indexes["main/binary-amd64/Packages"] = a.Security
		case "trixie":
			indexes = map[string]string{"main/binary-amd64/Packages": packages, "main/source/Sources": sources}
		}
		if err := a.suite(filepath.Join(a.dir, archive, "dists", suite), suite, indexes, a.now.Add(-ago)); err != nil {
			return fmt.Errorf("publishing %s: %w", suite, err)
		}
	}
	return nil
}

func (a *Archive) suite(dir, suite string, indexes map[string]string, date time.Time) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Origin: Debian\nSuite: %s\nCodename: %s\nDate: %s\nAcquire-By-Hash: yes\n", suite, suite, date.UTC().Format(time.RFC1123))
	b.WriteString("Architectures: all amd64\nNo-Support-for-Architecture-all: Packages\nComponents: main\nSHA256:\n")
	for _, name := range slices.Sorted(maps.Keys(indexes)) {
		packed := XZ([]byte(indexes[name]))
		fmt.Fprintf(&b, " %s %d %s.xz\n", Hash(string(packed)), len(packed), name)
		if err := write(filepath.Join(dir, filepath.Dir(name), "by-hash", "SHA256", Hash(string(packed))), packed); err != nil {
			return err
		}
	}
	var signed bytes.Buffer
	w, err := clearsign.Encode(&signed, a.key.PrivateKey, &packet.Config{Time: func() time.Time { return date }})
	if err != nil {
		return err
	}
	if _, err := w.Write([]byte(b.String())); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return write(filepath.Join(dir, "InRelease"), signed.Bytes())
}

func write(file string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}

// Source is an entry of a Sources index.
func Source(name, version string) string {
	return fmt.Sprintf("Package: %s\nVersion: %s\nFormat: 3.0 (quilt)\nDirectory: pool/main/%s\nChecksums-Sha256:\n %s 1000 %s_%s.dsc\n\n",
		name, version, name, Hash(name+version), name, version)
}

// Hash is the SHA-256 of a text, as hex.
func Hash(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

// XZ is a text as an .xz file that holds it as it is (The .xz File Format 1.2.0;
// chunks of LZMA2 that are not compressed).
func XZ(in []byte) []byte {
	var b bytes.Buffer
	withCRC := func(p []byte) { b.Write(binary.LittleEndian.AppendUint32(p, crc32.ChecksumIEEE(p))) }
	flags := []byte{0, 1} // CRC32
	b.WriteString("\xfd7zXZ\x00")
	b.Write(binary.LittleEndian.AppendUint32(flags[:2:2], crc32.ChecksumIEEE(flags)))
	block := b.Len()
	withCRC([]byte{2, 0, 0x21, 1, 16, 0, 0, 0}) // 12 bytes; LZMA2, dictionary of 1 MiB
	for rest, control := in, byte(1); len(rest) > 0; control = 2 {
		n := min(len(rest), 1<<16)
		b.Write([]byte{control, byte((n - 1) >> 8), byte(n - 1)}) //nolint:gosec // at most 16 bits
		b.Write(rest[:n])
		rest = rest[n:]
	}
	b.WriteByte(0)
	unpadded := b.Len() - block + 4
	for (b.Len()-block)%4 != 0 {
		b.WriteByte(0)
	}
	b.Write(binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(in)))
	index := binary.AppendUvarint([]byte{0, 1}, uint64(unpadded)) //nolint:gosec // a length
	index = binary.AppendUvarint(index, uint64(len(in)))
	for len(index)%4 != 0 {
		index = append(index, 0)
	}
	withCRC(index)
	footer := append(binary.LittleEndian.AppendUint32(nil, uint32(len(index)/4)), flags...) //nolint:gosec // a length
	b.Write(binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(footer)))
	b.Write(footer)
	b.WriteString("YZ")
	return b.Bytes()
}
