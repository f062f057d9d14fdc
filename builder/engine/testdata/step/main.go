// Step is the only program in the root file system of the tests' run steps.
package main

import (
	"fmt"
	"net"
	"os"
	"time"
)

func main() {
	switch os.Args[1] {
	case "true":
	case "sleep":
		time.Sleep(time.Minute)
	case "network":
		if err := os.WriteFile("/out/log", []byte(network(os.Args[2])), 0o644); err != nil {
			panic(err)
		}
	}
}

// network lists the interfaces and says whether address can be reached.
func network(address string) string {
	ifs, err := net.Interfaces()
	if err != nil {
		panic(err)
	}
	s := ""
	for _, i := range ifs {
		s += fmt.Sprintln(i.Name, i.Flags)
	}
	c, err := net.DialTimeout("tcp", address, 3*time.Second)
	if err != nil {
		return s + fmt.Sprintln("unreachable:", err)
	}
	c.Close()
	return s + fmt.Sprintln("reached", address)
}
