package gomod

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb"
)

// goKey is the verifier key of the Go project's checksum database, which the
// go command knows by its name alone (https://go.dev/ref/mod#checksum-database).
const goKey = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"

// verifierKey returns the key and name that a GOSUMDB setting stands for.
func verifierKey(setting string) (key, name string, err error) {
	key, _, _ = strings.Cut(setting, " ")
	name, _, isKey := strings.Cut(key, "+")
	if isKey {
		return key, name, nil
	}
	if goName, _, _ := strings.Cut(goKey, "+"); name == goName || name == "" {
		return goKey, goName, nil
	}
	return "", "", fmt.Errorf("GOSUMDB=%s: give the database's verifier key (name+hash+key)", setting)
}

// sumOps is what sumdb.Client needs of the world. The latest signed tree and
// tiles are kept, so that the database cannot take back what it said.
type sumOps struct {
	ctx       context.Context //nolint:containedctx // sumdb.ClientOps has no room for one
	client    *Client
	name, key string
	err       error
}

var _ sumdb.ClientOps = (*sumOps)(nil)

// ReadRemote asks the proxies that mirror the database, then the database.
func (o *sumOps) ReadRemote(path string) ([]byte, error) {
	body, err := o.client.fromProxies(o.ctx, "sumdb/"+o.name+path)
	if err != nil {
		direct, derr := o.client.request(o.ctx, (&url.URL{Scheme: "https", Host: o.name}).String(), path)
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

// SecurityError implements sumdb.ClientOps; Lookup returns the error as well.
func (o *sumOps) SecurityError(msg string) { o.err = errors.New(msg) }
