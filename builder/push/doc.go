// Package push moves finished images, and what is attached to them, between
// memory, registries, OCI layout folders and the container engines of the
// machine.
//
// It does not build, sign or verify: signatures come from the caller while a
// push is under way, and what it fetches is handed on unverified.
//
// Start at [New] and [Registry.Push]; [WriteLayout] does the same into a
// folder, and [Load] into Docker or podman.
package push
