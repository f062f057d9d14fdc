// Probe says that it works.
package main

import "fmt"

func main() { fmt.Println("probe works") }
