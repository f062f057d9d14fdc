package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// disk wants room for a build environment and its layers.
func (d *doctor) disk(context.Context) {
	const little, least = 10 << 30, 2 << 30 // bytes
	for _, dir := range []string{d.env.cache, d.env.state} {
		free, err := freeBytes(dir)
		fix := "free some: `kiln engine prune`, or set XDG_CACHE_HOME and XDG_STATE_HOME to a larger disk"
		switch {
		case err != nil:
			d.fail("disk", "see that the folder can be made", fmt.Errorf("reading the free space of %s: %w", dir, err))
		case free < least:
			d.fail("disk", fix, fmt.Errorf("%s has %s free", dir, megabytes(free)))
		case free < little:
			d.warn("disk", fix, "%s has %s free, which larger builds exceed", dir, megabytes(free))
		default:
			d.ok("disk", "%s has %s free", dir, megabytes(free))
		}
	}
}

// freeBytes is the space that is free where dir is, or would be.
func freeBytes(dir string) (int64, error) {
	for {
		var fs unix.Statfs_t
		err := unix.Statfs(dir, &fs)
		if err == nil {
			return int64(fs.Bavail) * fs.Bsize, nil //nolint:gosec // no disk has 8 EiB
		}
		if !errors.Is(err, os.ErrNotExist) || dir == filepath.Dir(dir) {
			return 0, err
		}
		dir = filepath.Dir(dir)
	}
}

// authorities are those that TLS connections are checked with.
func (d *doctor) authorities(context.Context) {
	const check = "ca"
	if file := os.Getenv("SSL_CERT_FILE"); file != "" {
		b, err := os.ReadFile(file)
		if err == nil && !x509.NewCertPool().AppendCertsFromPEM(b) {
			err = fmt.Errorf("%s has no certificate in PEM", file)
		}
		if err != nil {
			d.fail(check, "set SSL_CERT_FILE to a PEM bundle, or unset it", err)
			return
		}
	}
	pool, err := x509.SystemCertPool()
	switch {
	case err != nil:
		d.fail(check, "apt-get install --reinstall ca-certificates", err)
	case pool.Equal(x509.NewCertPool()):
		d.fail(check, "apt-get install ca-certificates", errors.New("this machine has no authorities to trust"))
	default:
		d.ok(check, "authorities are found")
	}
}

// proxies must at least accept connections.
func (d *doctor) proxies(ctx context.Context) {
	for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"} {
		value := os.Getenv(name)
		if value == "" {
			continue
		}
		u, err := url.Parse(value)
		if err != nil || u.Host == "" {
			d.fail("proxy", "write it as http://HOST:PORT", errors.New(name+" is not a URL"))
			continue
		}
		host := u.Host
		if u.Port() == "" {
			host = net.JoinHostPort(u.Hostname(), u.Scheme) // a service name
		}
		conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", host)
		if err != nil {
			d.fail("proxy", "correct or unset "+name, fmt.Errorf("connecting to %s of %s: %w", host, name, err))
			continue
		}
		conn.Close()
		d.ok("proxy", "%s: %s answers", name, host)
	}
}

// engine connects to the engine, and starts it where it does not run.
func (d *doctor) engine(ctx context.Context) {
	conn, err := d.env.connect(ctx)
	if err != nil {
		d.fail("engine", "", err)
		return
	}
	defer conn.Close() //nolint:errcheck // nothing is lost
	if _, err := conn.ListWorkers(ctx); err != nil {
		d.fail("engine", "see `kiln engine status`", fmt.Errorf("asking the engine for its workers: %w", err))
		return
	}
	d.ok("engine", "BuildKit answers")
}

// key is what builds sign with.
func (d *doctor) key(ctx context.Context) {
	file := d.cli.String("key")
	if file == "" {
		d.warn("key", "sign with --key FILE, as `cosign generate-key-pair` makes it", "builds sign with the development key, which nobody else trusts")
		return
	}
	s, err := d.env.signer(d.cli)
	if err == nil {
		_, err = s.open(ctx)
	}
	if err != nil {
		d.fail("key", "", err)
		return
	}
	d.ok("key", "%s can sign", file)
}
