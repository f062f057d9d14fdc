// Command greet says hello, or serves it.
package main

import (
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/user"
)

var version string

func main() {
	if len(os.Args) < 2 {
		log.Fatal(http.ListenAndServe(":8080", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintln(w, "hello", r.URL.Path)
		})))
	}
	// What the C library would load further libraries for.
	who, err := user.Current()
	if err != nil {
		log.Fatal(err)
	}
	var unknown *net.DNSError
	if _, err := net.LookupHost("greet.invalid"); !errors.As(err, &unknown) {
		log.Fatal(err)
	}
	defer func() { // stacks unwind where the program was loaded
		fmt.Printf("hello %v, this is %s, user %s\n", recover(), version, who.Username)
	}()
	panic(os.Args[1])
}
