package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/webhook"
)

// client speaks to a running Steward over HTTP and knows nothing of its inside.
type client struct {
	url    string
	outbox string // of the server that shows what was sent
	secret []byte // of onboarding webhooks
	http   *http.Client
}

// answer is one reply.
type answer struct {
	call   string
	status int
	header http.Header
	body   []byte
}

// failure is how a step ends the demo: something differs from what it expects.
type failure struct{ text string }

func failf(format string, args ...any) { panic(failure{fmt.Sprintf(format, args...)}) }

// request is one call; zero members are left out.
type request struct {
	method, path string
	token        string
	body         any
	ifMatch      string
	key          string // Idempotency-Key
	language     string
	foreseen     string // Preview-Hash
}

func (c *client) do(r request) answer {
	var body io.Reader
	if r.body != nil {
		b, err := json.Marshal(r.body, json.Deterministic(true)) // the same request again is the same bytes
		if err != nil {
			failf("%s %s: %v", r.method, r.path, err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(context.Background(), r.method, c.url+r.path, body)
	if err != nil {
		failf("%s %s: %v", r.method, r.path, err)
	}
	for name, value := range map[string]string{
		"If-Match": r.ifMatch, "Idempotency-Key": r.key, "Accept-Language": r.language, "Preview-Hash": r.foreseen,
	} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	return c.send(req)
}

func (c *client) send(req *http.Request) answer {
	call := req.Method + " " + req.URL.Path
	res, err := c.http.Do(req)
	if err != nil {
		failf("%s: %v", call, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	if err != nil {
		failf("%s: %v", call, err)
	}
	return answer{call: call, status: res.StatusCode, header: res.Header, body: b}
}

// webhook signs the event by Standard Webhooks 1.0.0 and sends it.
func (c *client) webhook(id string, event any) answer {
	body, err := json.Marshal(event, json.Deterministic(true)) // a second delivery has the same bytes
	if err != nil {
		failf("webhook: %v", err)
	}
	now := time.Now()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, c.url+"/webhooks/onboarding", bytes.NewReader(body))
	if err != nil {
		failf("webhook: %v", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("webhook-signature", webhook.Sign(id, now, body, c.secret))
	return c.send(req)
}

// want demands the status.
func (a answer) want(status int) answer {
	if a.status != status {
		failf("%s answered %d, expected %d: %s", a.call, a.status, status, a.body)
	}
	return a
}

// refused demands a problem document with the status and the code.
func (a answer) refused(status int, code string) answer {
	a.want(status)
	var p struct {
		Code string `json:"code"`
	}
	if err := json.Unmarshal(a.body, &p); err != nil || p.Code != code {
		failf("%s answered the code %q, expected %q: %s", a.call, p.Code, code, a.body)
	}
	return a
}

// into decodes the body.
func (a answer) into(v any) answer {
	if err := json.Unmarshal(a.body, v); err != nil {
		failf("%s: %v in %s", a.call, err, a.body)
	}
	return a
}

// field gives a member of the body as text: a.field("company", "name").
func (a answer) field(path ...string) string {
	v := jsontext.Value(a.body)
	for _, name := range path {
		var m map[string]jsontext.Value
		if err := json.Unmarshal(v, &m); err != nil {
			failf("%s: no %s in %s", a.call, strings.Join(path, "."), a.body)
		}
		v = m[name]
	}
	var s string
	if v.Kind() == '"' {
		if err := json.Unmarshal(v, &s); err != nil {
			failf("%s: %v", a.call, err)
		}
		return s
	}
	return string(v)
}

func (a answer) etag() string { return a.header.Get("ETag") }

// mail is a message in the local outbox.
type mail struct {
	Channel           string `json:"channel"`
	To                string `json:"to"`
	Template          string `json:"template"`
	Subject           string `json:"subject"`
	Text              string `json:"text"`
	TemporaryPassword string `json:"temporaryPassword"`
	Code              string `json:"code"`
}

// mailTo waits (at most 20 seconds) for the newest message of the template to the address.
func (c *client) mailTo(to, template string) mail {
	for range 200 {
		var box struct {
			Items []mail `json:"items"`
		}
		(&client{url: c.outbox, http: c.http}).do(request{method: http.MethodGet, path: "/_local/outbox"}).want(http.StatusOK).into(&box)
		for _, m := range box.Items {
			if strings.EqualFold(m.To, to) && m.Template == template {
				return m
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	failf("no %s for %s in the outbox after 20 seconds", template, to)
	return mail{}
}

func unique() string {
	b := make([]byte, 4)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return fmt.Sprintf("%x", b)
}
