# Everything here runs from a clean clone on a Debian machine with Go, as root.
.DEFAULT_GOAL := help
SHELL := /bin/bash
# kiln falls back on the module proxy of the Go, and on the registry of the npm, where it was built.
LDFLAGS = -X main.goproxy=$(shell go env GOPROXY) -X main.npmregistry=$(shell npm config get registry 2>/dev/null) -X github.com/moby/buildkit/version.Version=$(shell go list -m -f '{{.Version}}' github.com/moby/buildkit)
export PATH := $(CURDIR)/bin:$(PATH)

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/kiln, the buildkitd it embeds and the programs that run tests and analyse source
	go build -buildvcs=auto -trimpath -ldflags "$(LDFLAGS)" -o bin/ ./cmd/kiln github.com/moby/buildkit/cmd/buildkitd
	@for arch in amd64 arm64; do CGO_ENABLED=0 GOOS=linux GOARCH=$$arch go build -trimpath -buildvcs=false -ldflags "-s -w" -o bin/kiln-runner-$$arch ./cmd/kiln-runner || exit; done
	@builder/analyser/build.sh bin

.PHONY: deps
deps: ## Install from Debian what is missing, such as runc
	@test/deps.sh

.PHONY: test
test: deps lint unit e2e ## Run everything that CI runs

.PHONY: unit
unit: deps build ## Run the unit tests
	go test -timeout 20m ./... && go test -tags pkcs11key -run 'PKCS11|SoftHSM' ./sign
	cd recipes/catalog/hello/src && go test ./...
	cd test/kubernetes && go test ./...

.PHONY: lint
lint: ## Check format, vet, golangci-lint and actionlint
	@test/tools.sh golangci-lint actionlint && actionlint -shellcheck=
	@test -z "$$(gofmt -l . | tee /dev/stderr)" || { echo 'run: gofmt -w .' >&2; exit 1; }
	go vet -tags e2e,conformance,catalog ./... && golangci-lint run --allow-serial-runners ./...

.PHONY: e2e
e2e: deps build ## Run the end-to-end tests: real engine, registry and cosign
	@test/tools.sh cosign pull registry docker-registry
	go test -tags e2e -count=1 -short -timeout 40m ./test/e2e/...

.PHONY: e2e-all
e2e-all: deps build ## Run those of them as well that take long
	@test/tools.sh act cosign pull registry docker-registry fulcio posix timestamp-server
	go test -tags e2e -count=1 -timeout 3h ./test/e2e/...

.PHONY: fuzz
fuzz: ## Fuzz every fuzz target for FUZZTIME (10s)
	@test/fuzz.sh

.PHONY: catalog
catalog: deps build ## Build the whole catalog into a registry, again, and into .work/catalog
	@test/tools.sh cosign registry
	go test -tags e2e,catalog -count=1 -v -timeout 4h -run '^TestWholeCatalog$$' ./test/e2e -layouts $(CURDIR)/.work/catalog

.PHONY: reproduce
reproduce: deps build ## Build every recipe of the catalog, and again from its provenance alone
	@test/tools.sh registry
	@test/reproduce.sh

.PHONY: conformance
conformance: ## Compare the SBOMs of the catalog's images, as `make catalog` left them, with what syft finds
	@test/tools.sh syft
	go test -tags conformance -count=1 ./test/conformance/...

.PHONY: bench
bench: build ## Time kiln against what it replaces; writes test/bench/README.md
	@test/deps.sh bench && test/tools.sh cosign syft buildctl registry
	go run ./test/bench -o test/bench/README.md

.PHONY: quickstart quickstart-stop
quickstart: deps build ## Build, sign, push and verify a real image, here and now
	@test/tools.sh registry
	@go run ./test/quickstart
quickstart-stop: ## End the quickstart's registry and engine
	@go run ./test/quickstart stop

.PHONY: clean
clean: quickstart-stop ## Remove what the other targets made
	rm -rf bin .work
