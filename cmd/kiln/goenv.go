package main

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/kiln-build/kiln/builder/archive"
	"github.com/kiln-build/kiln/builder/blobs"
	"github.com/kiln-build/kiln/builder/gomod"
	"github.com/kiln-build/kiln/builder/source"
)

// goVariables are the settings of the go command that decide how modules are
// had (https://go.dev/ref/mod#environment-variables).
var goVariables = []string{"GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE"}

// readGoEnv asks the go command, which knows its configuration files, and
// takes the environment where there is none, and what kiln was built with where
// that says nothing. The command is asked outside of
// any module, so that none's toolchain is fetched to answer.
func readGoEnv() map[string]string {
	env := map[string]string{}
	for _, name := range goVariables {
		env[name] = os.Getenv(name)
	}
	env["GOPROXY"] = cmp.Or(env["GOPROXY"], goproxy)
	cmd := exec.Command("go", append([]string{"env"}, goVariables...)...) //nolint:gosec // constant arguments
	cmd.Dir = string(filepath.Separator)
	out, err := cmd.Output()
	lines := strings.Split(string(out), "\n")
	if err != nil || len(lines) < len(goVariables) {
		return env
	}
	for i, name := range goVariables {
		env[name] = strings.TrimSpace(lines[i])
	}
	return env
}

func (e *environment) modules(store *blobs.Store) *gomod.Client {
	env := e.goEnv()
	return &gomod.Client{
		Proxy: env["GOPROXY"], NoProxy: cmp.Or(env["GONOPROXY"], env["GOPRIVATE"]),
		SumDB: env["GOSUMDB"], NoSumDB: cmp.Or(env["GONOSUMDB"], env["GOPRIVATE"]),
		Cache: store, Dir: filepath.Join(e.cache, "gomod"), HTTP: e.http(),
	}
}

func (e *environment) sources(store *blobs.Store, debian *archive.Client) *source.Fetcher {
	return &source.Fetcher{Cache: store, Memo: e.memo(), HTTP: e.http(), Go: e.modules(store), Archive: debian}
}

// secrets are what fetches take from where kiln runs.
func (e *environment) secrets() map[string][]byte {
	secrets := map[string][]byte{}
	for name, v := range e.goEnv() {
		if v != "" {
			secrets[name] = []byte(v)
		}
	}
	return secrets
}
