package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/moby/buildkit/client"
	_ "github.com/moby/buildkit/client/connhelper/dockercontainer" // docker-container://
	_ "github.com/moby/buildkit/client/connhelper/kubepod"         // kube-pod://
	_ "github.com/moby/buildkit/client/connhelper/podmancontainer" // podman-container://
	_ "github.com/moby/buildkit/client/connhelper/ssh"             // ssh://
)

var schemes = []string{"unix", "tcp", "ssh", "docker-container", "podman-container", "kube-pod"}

// remoteTimeout is for the first answer, which for ssh and kube-pod includes
// the start of a program here and of another one there.
const remoteTimeout = 30 * time.Second

// connectRemote connects to the daemon at address.
func connectRemote(ctx context.Context, address string, files TLS) (*Engine, error) {
	u, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	where := publicAddress(u)
	opts, err := credentials(u, files)
	if err != nil {
		return nil, fmt.Errorf("connecting to engine %s: %w", where, err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, remoteTimeout, errNoAnswer)
	defer cancel()
	c, err := client.New(ctx, address, opts...)
	if err != nil {
		return nil, fmt.Errorf("connecting to engine %s: %w", where, err)
	}
	e, err := newEngine(ctx, c, where)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	if err != nil {
		return nil, fmt.Errorf("connecting to engine %s: %w", where, err)
	}
	return e, nil
}

var errNoAnswer = fmt.Errorf("no answer in %v", remoteTimeout)

// parseAddress never quotes the address in an error: it may hold a password.
func parseAddress(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || !slices.Contains(schemes, u.Scheme) {
		return nil, hint(errors.New("connecting to an engine: its address has no scheme that is known"),
			"addresses begin with "+strings.Join(schemes, "://, ")+"://")
	}
	return u, nil
}

// publicAddress drops what may be secret or private from an address.
func publicAddress(u *url.URL) string {
	public := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	return public.String()
}

// credentials returns the client's options for a tcp address; others bring
// their own protection. Plain tcp is for the loopback interface only: who can
// reach a daemon is root on its machine, and who can sit in between decides
// what a build yields.
func credentials(u *url.URL, files TLS) ([]client.ClientOpt, error) {
	if u.Scheme != "tcp" {
		return nil, nil
	}
	if files == (TLS{}) {
		if isLoopback(u.Hostname()) {
			return nil, nil
		}
		return nil, hint(errors.New("tcp without TLS is for the loopback interface only"),
			"name the files of the CA, the client's certificate and its key")
	}
	if (files.Cert == "") != (files.Key == "") {
		return nil, hint(errors.New("a client's certificate and its key go together"), "name both files")
	}
	name := files.ServerName
	if name == "" {
		name = u.Hostname()
	}
	var opts []client.ClientOpt
	if files.Cert != "" {
		opts = append(opts, client.WithCredentials(files.Cert, files.Key))
	}
	if files.CA == "" {
		return append(opts, client.WithServerConfigSystem(name)), nil
	}
	return append(opts, client.WithServerConfig(name, files.CA)), nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
