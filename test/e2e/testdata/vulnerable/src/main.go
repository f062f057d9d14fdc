// Command vulnerable parses a language tag with an old golang.org/x/text.
package main

import (
	"fmt"
	"os"

	"golang.org/x/text/language"
)

func main() {
	fmt.Println(parse(os.Args[1]))
}

func parse(text string) language.Tag {
	tag, err := language.Parse(text)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return tag
}
