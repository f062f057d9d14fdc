package main

import (
	"archive/tar"
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// shell says where it is, and repeats the first line that it reads.
func shell() error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	fmt.Printf("in %s with A=%s: %s\n", dir, os.Getenv("A"), strings.TrimSpace(line))
	return err
}

// pack is tar --create --directory=DIR FOLDER..., to stdout.
func pack(args []string) error {
	w := tar.NewWriter(os.Stdout)
	dir := ""
	for _, a := range args {
		switch d, ok := strings.CutPrefix(a, "--directory="); {
		case ok:
			dir = d
		case !strings.HasPrefix(a, "--"):
			if err := packFolder(w, dir, a); err != nil {
				return err
			}
		}
	}
	return w.Close()
}

func packFolder(w *tar.Writer, dir, name string) error {
	return filepath.WalkDir(filepath.Join(dir, name), func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		target, _ := os.Readlink(p) // empty where it is none
		h, err := tar.FileInfoHeader(fi, target)
		if err != nil {
			return err
		}
		h.Name = strings.TrimPrefix(p, dir+"/")
		if d.IsDir() {
			h.Name += "/"
		}
		if err := w.WriteHeader(h); err != nil || !fi.Mode().IsRegular() {
			return err
		}
		data, err := os.ReadFile(p)
		if err == nil {
			_, err = w.Write(data)
		}
		return err
	})
}
