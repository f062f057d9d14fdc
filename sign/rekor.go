package sign

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/go-openapi/runtime"
	openapi "github.com/go-openapi/runtime/client"
	"github.com/go-openapi/strfmt"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	rekorpb "github.com/sigstore/rekor-tiles/v2/pkg/generated/protobuf"
	"github.com/sigstore/rekor/pkg/generated/client"
	"github.com/sigstore/rekor/pkg/generated/client/entries"
	"google.golang.org/protobuf/encoding/protojson"
)

// rekorV1 writes to a log by the first version of Rekor's interface.
type rekorV1 struct {
	entries.ClientService
	limit time.Duration
}

func newRekorV1(base string, transport http.RoundTripper, limit time.Duration) *rekorV1 {
	u, err := url.Parse(base)
	if err != nil { // a request will say so
		u = &url.URL{Host: base}
	}
	root := u.Path
	if root == "" {
		root = client.DefaultBasePath
	}
	rt := openapi.NewWithClient(u.Host, root, []string{u.Scheme}, &http.Client{Transport: transport})
	rt.Consumers["application/json"] = runtime.JSONConsumer()
	rt.Producers["application/json"] = runtime.JSONProducer()
	return &rekorV1{entries.New(rt, strfmt.Default), limit}
}

// CreateLogEntry takes the entry that is there already for one that was made
// now: the answer to an earlier attempt was lost.
func (r *rekorV1) CreateLogEntry(params *entries.CreateLogEntryParams, opts ...entries.ClientOption) (*entries.CreateLogEntryCreated, error) {
	created, err := r.ClientService.CreateLogEntry(params, opts...)
	var exists *entries.CreateLogEntryConflict
	if !errors.As(err, &exists) {
		return created, err
	}
	get := entries.NewGetLogEntryByUUIDParamsWithContext(params.Context).WithTimeout(r.limit).
		WithEntryUUID(path.Base(exists.Location.String()))
	found, err := r.GetLogEntryByUUID(get)
	if err != nil {
		return nil, fmt.Errorf("reading the entry that the log has already: %w", err)
	}
	for id := range found.Payload {
		return &entries.CreateLogEntryCreated{ETag: id, Location: exists.Location, Payload: found.Payload}, nil
	}
	return nil, errors.New("reading the entry that the log has already: it is empty")
}

// errDuplicate says that a log of the second version has the signature already,
// and tells no proof of it.
var errDuplicate = errors.New("the transparency log has this very signature already")

// rekorV2 writes to a log by the second version of Rekor's interface.
type rekorV2 struct {
	url  string
	http *http.Client
}

// Add implements sign.RekorV2Client.
func (r *rekorV2) Add(ctx context.Context, entry any) (*protorekor.TransparencyLogEntry, error) {
	request, ok := entry.(*rekorpb.HashedRekordRequestV002)
	if !ok {
		return nil, fmt.Errorf("a %T is no entry for the log", entry)
	}
	body, err := protojson.Marshal(&rekorpb.CreateEntryRequest{
		Spec: &rekorpb.CreateEntryRequest_HashedRekordRequestV002{HashedRekordRequestV002: request},
	})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(r.url, "/")+"/api/v2/log/entries", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "kiln")
	resp, err := r.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	switch resp.StatusCode {
	case http.StatusCreated, http.StatusOK:
	case http.StatusConflict:
		return nil, errDuplicate
	default:
		return nil, fmt.Errorf("%s: %s", resp.Status, bytes.TrimSpace(answer[:min(len(answer), 512)]))
	}
	var made protorekor.TransparencyLogEntry
	if err := protojson.Unmarshal(answer, &made); err != nil {
		return nil, fmt.Errorf("reading the log's answer: %w", err)
	}
	return &made, nil
}
