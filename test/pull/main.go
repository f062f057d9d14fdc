// Command pull copies an image of a registry into a folder, if policy.json
// allows it: as skopeo, podman and CRI-O do it, with the library that they
// share. It is for tests of the policy that kiln exports, and a module of its
// own, so that nothing else depends on that library.
//
//	pull POLICY REGISTRIES.D CERTS AUTHFILE IMAGE FOLDER
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"go.podman.io/image/v5/copy"
	"go.podman.io/image/v5/directory"
	"go.podman.io/image/v5/docker"
	"go.podman.io/image/v5/signature"
	"go.podman.io/image/v5/types"
)

func main() {
	if len(os.Args) != 7 {
		fmt.Fprintln(os.Stderr, "usage: pull POLICY REGISTRIES.D CERTS AUTHFILE IMAGE FOLDER")
		os.Exit(2)
	}
	a := os.Args[1:]
	from := &types.SystemContext{SignaturePolicyPath: a[0], RegistriesDirPath: a[1], DockerCertPath: a[2], AuthFilePath: a[3]}
	if err := pull(context.Background(), from, a[4], a[5]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func pull(ctx context.Context, from *types.SystemContext, image, folder string) (err error) {
	policy, err := signature.NewPolicyFromFile(from.SignaturePolicyPath)
	if err != nil {
		return err
	}
	judge, err := signature.NewPolicyContext(policy)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, judge.Destroy()) }()
	source, err := docker.ParseReference("//" + image)
	if err != nil {
		return err
	}
	target, err := directory.NewReference(folder)
	if err != nil {
		return err
	}
	_, err = copy.Image(ctx, judge, target, source, &copy.Options{SourceCtx: from})
	return err
}
