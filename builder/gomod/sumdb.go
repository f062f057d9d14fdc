package gomod

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb"
)

// goKey is the verifier key of the Go project's checksum database, which the
// go command knows by its name alone (https://go.dev/ref/mod#checksum-database).
const goKey = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"

// sumOps is what sumdb.Client needs of the world. The latest signed tree and
// tiles are kept, so that the database cannot take back what it said.
type sumOps struct {
	ctx       context.Context //nolint:containedctx // sumdb.ClientOps has no room for one
	client    *Client
	name, key string
	direct    string // URL of the database itself
	security  error
}

var _ sumdb.ClientOps = (*sumOps)(nil)

// newSumOps reads the client's GOSUMDB setting.
func newSumOps(ctx context.Context, c *Client) (*sumOps, error) {
	key, direct, _ := strings.Cut(strings.TrimSpace(c.SumDB), " ")
	name, _, isKey := strings.Cut(key, "+")
	if goName, _, _ := strings.Cut(goKey, "+"); !isKey && (name == goName || name == "") {
		key, name, isKey = goKey, goName, true
	}
	if !isKey {
		return nil, fmt.Errorf("GOSUMDB=%s: give the database's verifier key (name+hash+key)", name)
	}
	if direct = strings.TrimSpace(direct); direct == "" {
		direct = "https://" + name
	}
	return &sumOps{ctx: ctx, client: c, name: name, key: key, direct: direct}, nil
}

// explain adds to an error of a lookup what the database did wrong.
func (o *sumOps) explain(err error) error {
	if o.security == nil {
		return err
	}
	return fmt.Errorf("%w: %w", err, o.security)
}

// ReadRemote asks the proxies that mirror the database, then the database.
func (o *sumOps) ReadRemote(path string) ([]byte, error) {
	body, err := o.client.fromProxies(o.ctx, "sumdb/"+o.name+path)
	if err != nil {
		direct, derr := o.client.request(o.ctx, o.direct, path)
		if derr != nil {
			return nil, errors.Join(err, derr)
		}
		body = direct
	}
	defer body.Close()
	return io.ReadAll(&limited{r: body, left: 16 << 20})
}

func (o *sumOps) file(name string) string {
	return filepath.Join(o.client.Dir, "sumdb", filepath.Clean("/"+name))
}

// ReadConfig implements sumdb.ClientOps.
func (o *sumOps) ReadConfig(file string) ([]byte, error) {
	if file == "key" {
		return []byte(o.key), nil
	}
	b, err := os.ReadFile(o.file(file))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// WriteConfig implements sumdb.ClientOps.
func (o *sumOps) WriteConfig(file string, old, new []byte) error {
	have, err := o.ReadConfig(file)
	if err != nil {
		return err
	}
	if !bytes.Equal(have, old) {
		return sumdb.ErrWriteConflict
	}
	return writeFile(o.file(file), new)
}

// ReadCache implements sumdb.ClientOps.
func (o *sumOps) ReadCache(file string) ([]byte, error) { return os.ReadFile(o.file(file)) }

// WriteCache implements sumdb.ClientOps. A cache that cannot be written is
// asked for again.
func (o *sumOps) WriteCache(file string, data []byte) {
	writeFile(o.file(file), data) //nolint:errcheck // see above
}

// Log implements sumdb.ClientOps.
func (o *sumOps) Log(string) {}

// SecurityError implements sumdb.ClientOps; Lookup ends with an error as well.
func (o *sumOps) SecurityError(msg string) { o.security = errors.New(msg) }
