package sign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sigstore/sigstore/pkg/oauthflow"
)

// Audience is who identity tokens for Sigstore are meant for.
const Audience = "sigstore"

// ActionsToken asks GitHub Actions for the identity token of the job. Address
// and bearer are what a job with the permission "id-token: write" finds in
// ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN.
func ActionsToken(ctx context.Context, address, bearer string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "https" && !loopback(u.Hostname())) {
		return "", errors.New("asking GitHub for an identity token: the address is none of https")
	}
	query := u.Query()
	query.Set("audience", Audience)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", fmt.Errorf("asking GitHub for an identity token: %w", err)
	}
	req.Header.Set("Authorization", "bearer "+bearer)
	client := &http.Client{Transport: newAttempts(), CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // the bearer goes nowhere else
	}}
	resp, err := client.Do(req)
	if err != nil {
		return "", fmt.Errorf("asking GitHub for an identity token: %w", err)
	}
	defer resp.Body.Close()
	var answer struct {
		Value string `json:"value"`
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("asking GitHub for an identity token: %s", resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return "", fmt.Errorf("asking GitHub for an identity token: %w", err)
	}
	return CheckToken(answer.Value)
}

// CheckToken returns the token without white space around it. The error says
// that it is none that a certificate could be issued for; whether it is
// genuine is for the authority to find out.
func CheckToken(token string) (string, error) {
	token = strings.TrimSpace(token)
	if strings.Count(token, ".") != 2 {
		return "", errors.New("it is no JSON Web Token")
	}
	return token, nil
}

// Login is a person's way to an identity token, through a browser.
type Login struct {
	// Issuer is the address of the OpenID Connect provider, and Client what
	// it knows this program as.
	Issuer, Client string
	// Device has the person open the address on any machine, and wants
	// nothing of this one; otherwise a browser is opened here.
	Device bool
	// Say is told what to do, and Answer is where a code may be typed.
	Say    io.Writer
	Answer io.Reader
}

// Token waits for the person, as long as ctx lets it.
func (l Login) Token(ctx context.Context) (string, error) {
	var getter oauthflow.TokenGetter = &oauthflow.InteractiveIDTokenGetter{
		HTMLPage: loggedIn, Input: l.Answer, Output: l.Say,
	}
	if l.Device {
		getter = &oauthflow.DeviceFlowTokenGetter{
			MessagePrinter: func(s string) { fmt.Fprintln(l.Say, s) }, Sleeper: time.Sleep, Issuer: l.Issuer,
		}
	}
	type outcome struct {
		token *oauthflow.OIDCIDToken
		err   error
	}
	done := make(chan outcome, 1) // the flow takes no context: it is left alone where ctx ends
	go func() {
		token, err := oauthflow.OIDConnect(l.Issuer, l.Client, "", "", getter)
		done <- outcome{token, err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case got := <-done:
		if got.err != nil {
			return "", fmt.Errorf("logging in at %s: %w", l.Issuer, got.err)
		}
		return got.token.RawString, nil
	}
}

const loggedIn = `<!doctype html><title>kiln</title><p>kiln has what it needs. This page can be closed.</p>`
