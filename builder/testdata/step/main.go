// Step is what the tests of kiln's builder run in a build environment that
// holds nothing else.
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

func main() {
	if err := called(filepath.Base(os.Args[0])); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// called is what the program does by the name it is called by.
func called(name string) error {
	switch name {
	case "sh":
		if len(os.Args) > 4 {
			return script(os.Args[4], os.Args[5:])
		}
		return shell()
	case "tar":
		return pack(os.Args[1:])
	}
	return run(os.Args[1], os.Args[2:])
}

func run(verb string, args []string) error {
	switch verb {
	case "dial":
		return dial()
	case "install":
		return install(os.Getenv("DESTDIR"))
	case "fail":
		fmt.Println("first line")
		fmt.Fprintln(os.Stderr, "last line")
		code, err := strconv.Atoi(args[0])
		if err == nil {
			os.Exit(code)
		}
		return err
	case "sleep":
		time.Sleep(time.Hour)
		return nil
	case "copy":
		b, err := os.ReadFile(args[0])
		if err != nil {
			return err
		}
		return os.WriteFile(args[1], b, 0o644)
	case "remove":
		return os.Remove(args[0])
	case "write":
		return os.WriteFile(args[0], nil, 0o644)
	case "get":
		return get(args)
	case "post":
		return post(args[0])
	case "serve":
		return serve(args[0])
	case "answer":
		return answer(args[0])
	case "many":
		return many(args)
	case "eat":
		return eat()
	case "status":
		return confined()
	case "id":
		fmt.Printf("uid %d gid %d\n", os.Getuid(), os.Getgid())
		return nil
	}
	return errors.New("unknown verb " + verb)
}

// dial succeeds where there is no way out: no interface but the loopback one,
// and no address that can be reached.
func dial() error {
	interfaces, err := net.Interfaces()
	if err != nil {
		return err
	}
	for _, i := range interfaces {
		if i.Flags&net.FlagLoopback == 0 {
			return fmt.Errorf("there is an interface %s", i.Name)
		}
	}
	conn, err := net.DialTimeout("udp", "192.0.2.1:53", time.Second)
	if err == nil {
		conn.Close()
		return errors.New("there is a route to 192.0.2.1")
	}
	return nil
}

func install(dir string) error {
	return errors.Join(
		os.MkdirAll(dir+"/usr/bin", 0o755),
		os.WriteFile(dir+"/usr/bin/service", []byte("service"), 0o644),
		os.Chown(dir+"/usr/bin/service", 1000, 1000),
		os.Chmod(dir+"/usr/bin/service", 0o750|os.ModeSetuid),
		os.Link(dir+"/usr/bin/service", dir+"/usr/bin/service-2"),
		os.Symlink("service", dir+"/usr/bin/alias"),
		os.Mkdir(dir+"/data", 0o700),
		os.Chtimes(dir+"/data", time.Unix(1, 0), time.Unix(1, 0)),
	)
}

// script does what kiln's fetch script does: it runs the command and leaves
// its exit code in the folder out.
func script(out string, args []string) error {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	return os.WriteFile(out+"/.kiln-exit", fmt.Appendln(nil, cmd.ProcessState.ExitCode()), 0o644)
}

// client takes the proxy for addresses of the loopback interface as well,
// which Go's own does not.
func client() (*http.Client, error) {
	proxy, err := url.Parse(os.Getenv("HTTP_PROXY"))
	return &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy)}}, err
}

// get downloads each URL into the file that follows it.
func get(args []string) error {
	c, err := client()
	if err != nil {
		return err
	}
	for ; len(args) > 1; args = args[2:] {
		resp, err := c.Get(args[0])
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return errors.New(resp.Status)
		}
		f, err := os.Create(args[1])
		if err != nil {
			return err
		}
		if _, err := io.Copy(f, resp.Body); err != nil {
			return err
		}
	}
	return nil
}

func post(url string) error {
	c, err := client()
	if err != nil {
		return err
	}
	resp, err := c.Post(url, "text/plain", nil)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
