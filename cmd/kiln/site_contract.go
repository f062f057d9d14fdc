package main

import (
	"maps"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kiln-build/kiln/recipes"
	"github.com/kiln-build/kiln/recipes/site"
)

// promised is the contract that a recipe states.
func promised(r *recipes.Recipe) site.Runtime {
	return site.Runtime{
		Promised: true, User: r.Image.User, Workdir: r.Image.Workdir, Entrypoint: r.Image.Entrypoint, Args: r.Image.Args,
		Ports: r.Image.Ports, Volumes: r.Image.Volumes, Writable: r.Runtime.Writable, Capabilities: r.Runtime.Capabilities,
		Memory: r.Runtime.Memory, CPU: r.Runtime.CPU, Pids: r.Runtime.Pids, StopSignal: r.Image.StopSignal, Env: environOf(r.Image.Env),
	}
}

func environOf(env map[string]string) []string {
	var list []string
	for k, v := range env {
		list = append(list, k+"="+v)
	}
	slices.Sort(list)
	return list
}

// contractOf is the one that an image states.
func contractOf(file *v1.ConfigFile) site.Runtime {
	c := file.Config
	run := site.Runtime{
		User: c.User, Workdir: c.WorkingDir, Entrypoint: c.Entrypoint, Args: c.Cmd, StopSignal: c.StopSignal, Env: c.Env,
		Ports: sortedSet(c.ExposedPorts), Volumes: sortedSet(c.Volumes),
	}
	label, ok := c.Labels[recipes.RuntimeLabel]
	if !ok {
		return site.Runtime{Why: "The image does not say what it needs while it runs."}
	}
	said, err := recipes.ReadRuntime(label)
	if err != nil {
		return site.Runtime{Why: "What the image says it needs while it runs cannot be read."}
	}
	run.Writable, run.Capabilities, run.Memory, run.CPU, run.Pids = said.Writable, said.Capabilities, said.Memory, said.CPU, said.Pids
	return run
}

func sortedSet(set map[string]struct{}) []string {
	return slices.Sorted(maps.Keys(set))
}
