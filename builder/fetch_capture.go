package builder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/containerd/containerd/v2/core/content"
	contentproxy "github.com/containerd/containerd/v2/core/content/proxy"
	controlapi "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/client"
	provenancetypes "github.com/moby/buildkit/solver/llbsolver/provenance/types"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// capture is what the engine recorded of the requests of a step.
type capture struct {
	// digests are the sha256, as hex, of the answers by URL.
	digests map[string]string
	// incomplete are why an answer, or none, was recorded without a digest,
	// by URL.
	incomplete map[string][]string
	// proxied says that the engine recorded at all.
	proxied bool
}

// readCapture reads the provenance that the engine keeps of the solve ref
// (docs/attestations/slsa-definitions.md in the BuildKit module).
func readCapture(ctx context.Context, c *client.Client, ref string) (*capture, error) {
	attestation, err := provenanceOf(ctx, c, ref)
	if err != nil {
		return nil, fmt.Errorf("reading what the engine recorded: %w", err)
	}
	store := contentproxy.NewContentStore(c.ContentClient())
	raw, err := content.ReadBlob(ctx, store, ocispecs.Descriptor{Digest: digest.Digest(attestation.Digest), Size: attestation.Size})
	if err != nil {
		return nil, fmt.Errorf("reading what the engine recorded: %w", err)
	}
	return parseCapture(raw)
}

func provenanceOf(ctx context.Context, c *client.Client, ref string) (*controlapi.Descriptor, error) {
	history, err := c.ControlClient().ListenBuildHistory(ctx, &controlapi.BuildHistoryRequest{Ref: ref, EarlyExit: true})
	if err != nil {
		return nil, err
	}
	for {
		event, err := history.Recv()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("it keeps no record of the build")
		}
		if err != nil {
			return nil, err
		}
		for _, a := range event.GetRecord().GetResult().GetAttestations() {
			if strings.HasPrefix(a.GetAnnotations()["in-toto.io/predicate-type"], "https://slsa.dev/provenance/") {
				return a, nil
			}
		}
	}
}

func parseCapture(raw []byte) (*capture, error) {
	var p provenancetypes.ProvenancePredicateSLSA1
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, fmt.Errorf("reading what the engine recorded: %w", err)
	}
	c := &capture{digests: map[string]string{}, incomplete: map[string][]string{}}
	for _, d := range p.BuildDefinition.ResolvedDependencies {
		if sum := d.Digest["sha256"]; sum != "" {
			c.digests[withoutPort(d.URI)] = sum
		}
	}
	if p.RunDetails.Metadata == nil || p.RunDetails.Metadata.BuildKitMetadata.Network == nil {
		return c, nil
	}
	network := p.RunDetails.Metadata.BuildKitMetadata.Network
	c.proxied = network.Mode == "proxy"
	if network.Proxy != nil {
		for _, in := range network.Proxy.Incomplete {
			url := withoutPort(in.URI)
			c.incomplete[url] = append(c.incomplete[url], in.Reason)
		}
	}
	return c, nil
}
