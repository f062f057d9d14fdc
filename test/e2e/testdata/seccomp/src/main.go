// Corner has a page that makes a system call which nothing else of it makes.
package main

import (
	"fmt"
	"log"
	"net/http"
	"syscall"
)

func main() {
	http.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "in the middle") })
	http.HandleFunc("/corner", func(w http.ResponseWriter, _ *http.Request) {
		var info syscall.Sysinfo_t
		fmt.Fprintln(w, "sysinfo:", syscall.Sysinfo(&info))
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}
