package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// serve answers over HTTP at the port until it is asked to end.
func serve(port string) error {
	http.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Name", r.Header.Get("X-Name"))
		fmt.Fprintf(w, "%s %s %s", r.Method, r.URL.RawQuery, body)
	})
	var asked atomic.Int32
	http.HandleFunc("/warming", func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) < 3 {
			http.Error(w, "not yet", http.StatusServiceUnavailable)
		}
	})
	http.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, strconv.Itoa(int(asked.Add(1))), http.StatusInternalServerError)
	})
	http.HandleFunc("/die", func(http.ResponseWriter, *http.Request) { os.Exit(9) })
	fmt.Println("serving")
	return http.ListenAndServe("127.0.0.1:"+port, nil)
}

// answer is a line over TCP for each line.
func answer(port string) error {
	l, err := net.Listen("tcp", ":"+port)
	if err != nil {
		return err
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			for lines := bufio.NewScanner(conn); lines.Scan(); {
				fmt.Fprintf(conn, "got %q\r\n", lines.Text())
			}
		}()
	}
}

// many starts itself as many times as the first argument says.
func many(args []string) error {
	n, err := strconv.Atoi(args[0])
	for range n {
		if err := exec.Command("/step", "sleep").Start(); err != nil {
			return err
		}
	}
	time.Sleep(time.Second)
	return err
}

// eat takes memory until there is none.
func eat() error {
	var all [][]byte
	for range 64 {
		b := make([]byte, 8<<20)
		for i := range b {
			b[i] = 1
		}
		all = append(all, b)
	}
	fmt.Println("ate", len(all))
	return nil
}

// confined prints what the kernel says of the process's rights.
func confined() error {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	for _, line := range strings.Split(string(status), "\n") {
		for _, field := range []string{"Cap", "NoNewPrivs", "Uid", "Gid", "Groups"} {
			if strings.HasPrefix(line, field) {
				fmt.Println(strings.Join(strings.Fields(line), " "))
			}
		}
	}
	return nil
}
