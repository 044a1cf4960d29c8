package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

// front stands between the functions and moto. It hands requests on, one at a time to DynamoDB, because moto loses updates that cross; keeps
// what is sent by mail and text message; and puts in moto's words what moto does not know: GetTokensFromRefreshToken is REFRESH_TOKEN_AUTH,
// RevokeToken is answered (the table ends a session, whatever becomes of its refresh token), and the keys of a pool are asked for as moto
// tells services apart.
type front struct {
	moto *httputil.ReverseProxy

	table sync.Mutex // held by the request that DynamoDB works on, and while its stream is read

	mu   sync.Mutex
	sent []message // oldest first
}

func newFront(moto string) (*front, error) {
	to, err := url.Parse(moto)
	if err != nil {
		return nil, err
	}
	p := httputil.NewSingleHostReverseProxy(to)
	p.Transport = &http.Transport{DisableKeepAlives: true} // moto's server now and then closes a connection that is being read
	return &front{moto: p}, nil
}

const cognito = "AWSCognitoIdentityProviderService."

// asCognito makes moto take a request without a signature for one to Cognito.
const asCognito = "AWS4-HMAC-SHA256 Credential=test/20260101/" + region + "/cognito-idp/aws4_request, SignedHeaders=host, Signature=0"

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "cut short", http.StatusBadRequest)
		return
	}
	switch target := r.Header.Get("X-Amz-Target"); {
	case strings.HasPrefix(target, "DynamoDB_"):
		f.table.Lock()
		defer f.table.Unlock()
	case target == cognito+"RevokeToken":
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_, _ = io.WriteString(w, "{}")
		return
	case target == cognito+"GetTokensFromRefreshToken":
		if body, err = refresh(body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Header.Set("X-Amz-Target", cognito+"InitiateAuth")
	case strings.HasSuffix(r.URL.Path, "/.well-known/jwks.json"):
		r.Header.Set("Authorization", asCognito)
	case r.Method == http.MethodPost && r.URL.Path == "/v2/email/outbound-emails":
		err = f.keepMail(body)
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		err = f.keepText(body)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	f.moto.ServeHTTP(w, r)
}

func refresh(body []byte) ([]byte, error) {
	var in struct{ ClientId, RefreshToken string } //nolint:revive // Cognito's names
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{
		"ClientId": in.ClientId, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": map[string]string{"REFRESH_TOKEN": in.RefreshToken},
	})
}

func (f *front) keepMail(body []byte) error {
	type words struct{ Data string }
	var in struct {
		Destination struct{ ToAddresses []string }
		Content     struct {
			Simple struct {
				Subject words
				Body    struct{ Text words }
			}
		}
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return err
	}
	m := in.Content.Simple
	f.keep("email", in.Destination.ToAddresses, m.Subject.Data, m.Body.Text.Data)
	return nil
}

func (f *front) keepText(body []byte) error {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return err
	}
	if form.Get("Action") == "Publish" && form.Get("PhoneNumber") != "" {
		f.keep("sms", []string{form.Get("PhoneNumber")}, "", form.Get("Message"))
	}
	return nil
}

func (f *front) keep(channel string, to []string, subject, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range to {
		f.sent = append(f.sent, read(message{Channel: channel, To: a, Subject: subject, Text: text, At: time.Now().UTC()}))
	}
}

// outbox answers what was sent, newest first, as the local process does.
func (f *front) outbox(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	items := slices.Clone(f.sent)
	f.mu.Unlock()
	slices.Reverse(items)
	if items == nil {
		items = []message{}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.MarshalWrite(w, map[string][]message{"items": items}) // the client went away; there is nobody to tell
}
