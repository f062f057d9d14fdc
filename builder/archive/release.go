package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// maxInRelease is some thirty times the size of Debian's largest InRelease.
const maxInRelease = 5 << 20

// release is what a verified InRelease says.
type release struct {
	archive, suite string
	codename       string
	date           time.Time
	validUntil     time.Time // zero where it does not expire
	byHash         bool
	// architectures holds "all" where packages of that architecture have
	// an index of their own.
	architectures []string
	files         map[string]indexFile
	sha256        string
}

// indexFile is an index that a release vouches for.
type indexFile struct {
	sha256 string
	size   int64
}

// ExpiredError says that a suite's InRelease is past its Valid-Until: either
// the mirror is stale, or someone replays an old state of the archive, or the
// machine's clock is wrong.
type ExpiredError struct {
	Suite      string
	ValidUntil time.Time
	Now        time.Time
}

func (e *ExpiredError) Error() string {
	return fmt.Sprintf("InRelease of %s was valid until %s, and it is %s: the mirror is stale or the clock is wrong",
		e.Suite, e.ValidUntil.Format(time.RFC3339), e.Now.UTC().Format(time.RFC3339))
}

// verifyRelease checks the signature and the header of an InRelease for suite
// and reads it. The result holds nothing from outside the signed text.
func verifyRelease(raw []byte, keys openpgp.EntityList, archive, suite string, now time.Time) (*release, error) {
	text, err := signedText(raw, keys, now)
	if err != nil {
		return nil, fmt.Errorf("verifying InRelease of %s: %w", suite, err)
	}
	r, err := parseRelease(text)
	if err != nil {
		return nil, fmt.Errorf("reading InRelease of %s: %w", suite, err)
	}
	if err := r.checkHeader(suite); err != nil {
		return nil, fmt.Errorf("verifying InRelease of %s: %w", suite, err)
	}
	if !r.validUntil.IsZero() && now.After(r.validUntil) {
		return nil, &ExpiredError{Suite: suite, ValidUntil: r.validUntil, Now: now}
	}
	sum := sha256.Sum256(raw)
	r.archive, r.suite, r.sha256 = archive, suite, hex.EncodeToString(sum[:])
	return r, nil
}

// signedText returns the text inside a cleartext signature (RFC 9580, section
// 7) of which at least one signature is good and made by a key of the keyring
// that is neither expired nor revoked. Text around the signature is refused,
// not skipped, so that nobody can take it for signed.
func signedText(raw []byte, keys openpgp.EntityList, now time.Time) ([]byte, error) {
	if len(raw) > maxInRelease {
		return nil, fmt.Errorf("it is larger than %d bytes", maxInRelease)
	}
	if !bytes.HasPrefix(raw, []byte("-----BEGIN PGP SIGNED MESSAGE-----")) {
		return nil, errors.New("it is not a cleartext signed message")
	}
	block, rest := clearSigned(raw)
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("it is not exactly one cleartext signed message")
	}
	sigs, err := io.ReadAll(io.LimitReader(block.ArmoredSignature.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("reading its signatures: %w", err)
	}
	if err := anyGood(sigs, block.Bytes, keys, now); err != nil {
		return nil, err
	}
	return block.Plaintext, nil
}

// clearSigned is clearsign.Decode, which panics at a message without a line of
// text.
func clearSigned(raw []byte) (block *clearsign.Block, rest []byte) {
	defer func() {
		if recover() != nil {
			block, rest = nil, raw
		}
	}()
	return clearsign.Decode(raw)
}

// anyGood returns nil where one of the signatures is good. An unknown or bad
// one beside it does no harm: Debian signs with the keys of two releases.
func anyGood(sigs, signed []byte, keys openpgp.EntityList, now time.Time) error {
	config := &packet.Config{Time: func() time.Time { return now }}
	var bad = errors.New("it has no signature")
	packets := packet.NewOpaqueReader(bytes.NewReader(sigs))
	for range 32 {
		p, err := packets.Next()
		if errors.Is(err, io.EOF) {
			return bad
		}
		if err != nil {
			return fmt.Errorf("reading its signatures: %w", err)
		}
		var one bytes.Buffer
		if err := p.Serialize(&one); err != nil {
			return fmt.Errorf("reading its signatures: %w", err)
		}
		_, err = openpgp.CheckDetachedSignature(keys, bytes.NewReader(signed), &one, config)
		if err == nil {
			return nil
		}
		bad = fmt.Errorf("no good signature by a key of the archive keyring: %w", err)
	}
	return errors.New("it has more than 32 signatures")
}

func parseRelease(text []byte) (*release, error) {
	f, err := parseStanza(text)
	if err != nil {
		return nil, err
	}
	r := &release{codename: f["codename"], suite: f["suite"], byHash: f["acquire-by-hash"] == "yes"}
	if o := f["origin"]; o != "Debian" && o != "Debian Backports" {
		return nil, fmt.Errorf("origin is %q, want Debian", o)
	}
	if r.date, err = parseDate(f["date"]); err != nil {
		return nil, fmt.Errorf("field Date: %w", err)
	}
	if v := f["valid-until"]; v != "" {
		if r.validUntil, err = parseDate(v); err != nil {
			return nil, fmt.Errorf("field Valid-Until: %w", err)
		}
	}
	for _, a := range strings.Fields(f["architectures"]) {
		if a != "all" || f["no-support-for-architecture-all"] != "Packages" {
			r.architectures = append(r.architectures, a)
		}
	}
	r.files, err = parseChecksums(f["sha256"])
	return r, err
}

// parseDate reads a date of RFC 5322 as archives write it, in UTC.
func parseDate(s string) (time.Time, error) {
	t, err := time.Parse("Mon, 2 Jan 2006 15:04:05 MST", s)
	if err == nil && t.Location().String() != "UTC" && t.Location().String() != "GMT" {
		return t, fmt.Errorf("%q is not in UTC", s)
	}
	return t.UTC(), err
}

var hexSHA256 = regexp.MustCompile(`^[0-9a-f]{64}$`)

// parseChecksums reads lines of digest, size and name. The digests must be
// SHA-256.
func parseChecksums(s string) (map[string]indexFile, error) {
	files := map[string]indexFile{}
	for line := range strings.Lines(s) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if len(f) != 3 || !hexSHA256.MatchString(f[0]) {
			return nil, fmt.Errorf("checksum line %.200q is not a sha256, a size and a name", line)
		}
		size, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil || size < 0 {
			return nil, fmt.Errorf("checksum line %.200q: %q is not a size", line, f[1])
		}
		if _, twice := files[f[2]]; twice {
			return nil, fmt.Errorf("file %.200q is listed twice", f[2])
		}
		files[f[2]] = indexFile{sha256: f[0], size: size}
	}
	if len(files) == 0 {
		return nil, errors.New("it lists no SHA256 checksums")
	}
	return files, nil
}

func (r *release) checkHeader(suite string) error {
	if suite != r.codename && suite != r.suite {
		return fmt.Errorf("it is for the suite %q, codename %q", r.suite, r.codename)
	}
	return nil
}

// packages returns the paths of the package indexes for arch.
func (r *release) packages(arch string) ([]string, error) {
	if !slices.Contains(r.architectures, arch) {
		return nil, fmt.Errorf("reading packages of %s: it has none for %s, but for %s",
			r.suite, arch, strings.Join(r.architectures, ", "))
	}
	paths := []string{"main/binary-" + arch + "/Packages"}
	if slices.Contains(r.architectures, "all") {
		paths = append(paths, "main/binary-all/Packages")
	}
	return paths, nil
}
