// Package keystore writes certificates in the format that Java reads them in.
// It writes trusted certificates only, no keys. Start at [Java].
package keystore

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // the format demands it; it guards nothing, the password being public
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"unicode/utf16"
)

// Password is that of every Java runtime's cacerts. It keeps nothing secret.
const Password = "changeit"

// Java writes the certificates of a PEM text as a Java key store in
// the format JKS (sun.security.provider.JavaKeyStore in OpenJDK), which every
// version of Java reads. Entries have no time, and names made of the
// certificate, so that the same certificates make the same bytes.
func Java(certificates []byte) []byte {
	const magic, version, trusted = 0xfeedfeed, 2, 2
	var entries bytes.Buffer
	var count uint32
	seen := map[string]bool{}
	for {
		var block *pem.Block
		if block, certificates = pem.Decode(certificates); block == nil {
			break
		}
		name := alias(block.Bytes)
		if block.Type != "CERTIFICATE" || seen[name] {
			continue
		}
		seen[name] = true
		count++
		number(&entries, uint32(trusted))
		text(&entries, name)
		number(&entries, uint64(0)) // milliseconds since 1970
		text(&entries, "X.509")
		number(&entries, uint32(len(block.Bytes))) //nolint:gosec // a certificate of a file of a few megabytes
		entries.Write(block.Bytes)
	}
	var b bytes.Buffer
	number(&b, uint32(magic))
	number(&b, uint32(version))
	number(&b, count)
	b.Write(entries.Bytes())
	b.Write(digest(b.Bytes()))
	return b.Bytes()
}

// alias is the certificate's SHA-256.
func alias(certificate []byte) string {
	sum := sha256.Sum256(certificate)
	return hex.EncodeToString(sum[:])
}

func number(b *bytes.Buffer, n any) { binary.Write(b, binary.BigEndian, n) } //nolint:errcheck // memory takes it

// text is a length and ASCII, as DataOutput.writeUTF has it.
func text(b *bytes.Buffer, s string) {
	number(b, uint16(len(s))) //nolint:gosec // a name of some dozen letters
	b.WriteString(s)
}

// digest is keyed with the password, and a constant of the format.
func digest(store []byte) []byte {
	h := sha1.New() //nolint:gosec // see the import
	for _, c := range utf16.Encode([]rune(Password)) {
		h.Write(binary.BigEndian.AppendUint16(nil, c))
	}
	h.Write([]byte("Mighty Aphrodite"))
	h.Write(store)
	return h.Sum(nil)
}
