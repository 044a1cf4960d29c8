package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/webhook"
)

func clock() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }

// receiver accepts what is signed with the secret and keeps the last body.
func receiver(t *testing.T, secret []byte) (url string, last *string) {
	last = new(string)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if _, err := webhook.Verify(r.Header.Get, body, clock(), secret); err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		*last = string(body)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"status":"provisioning"}`)
	}))
	t.Cleanup(s.Close)
	return s.URL, last
}

func TestRun(t *testing.T) {
	secret, old := bytes.Repeat([]byte{7}, 32), bytes.Repeat([]byte{8}, 32)
	url, last := receiver(t, secret)
	dir := t.TempDir()
	write := func(name, content string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	good := write("good", webhook.FormatSecret(secret)+"\n")
	both := write("both", webhook.FormatSecret(old)+"\n"+webhook.FormatSecret(secret)+"\n")
	bad := write("bad", "whsec_x\n")
	file := write("event.json", `{"type":"ping"}`)
	for _, row := range []struct {
		name   string
		args   []string
		stdin  string
		status int
		sent   string // part of the body that arrived
		says   string // part of what is printed
	}{
		{"a new customer", []string{"--slug", "acme", "--name", "Acme", "--admin-email", "a@b.example"}, "", 0, `"externalId": "acme"`, "< 202 Accepted"},
		{"both secrets", []string{"--secret-file", both, "--slug", "acme"}, "", 0, `"type": "tenant.created"`, "webhook-signature: v1,"},
		{"a suspension", []string{"--type", "tenant.suspended", "--external-id", "x"}, "", 0, `"tenant.suspended"`, "provisioning"},
		{"an update", []string{"--type", "tenant.updated", "--external-id", "x", "--plan", "pro"}, "", 0, `"plan": "pro"`, ""},
		{"a file as it is", []string{"--file", file}, "", 0, `{"type":"ping"}`, ""},
		{"standard input as it is", []string{"--file", "-"}, "{ }", 0, `{ }`, ""},
		{"its own id", []string{"--slug", "acme", "--id", "msg_7"}, "", 0, "", "webhook-id: msg_7"},
		{"the answer alone", []string{"--slug", "acme", "--quiet"}, "", 0, "", `{"status":"provisioning"}`},
		{"refused", []string{"--secret-file", write("other", webhook.FormatSecret(old)), "--slug", "acme"}, "", 1, "", "< 401"},
		{"nobody there", []string{"--url", "http://127.0.0.1:1/", "--slug", "acme"}, "", 1, "", "webhook: "},
		{"no customer named", nil, "", 2, "", "--external-id is missing"},
		{"no secret file", []string{"--secret-file", filepath.Join(dir, "none")}, "", 2, "", "no such file"},
		{"a bad secret", []string{"--secret-file", bad}, "", 2, "", "no whsec_ secret"},
		{"an empty secret file", []string{"--secret-file", write("empty", "\n")}, "", 2, "", "is empty"},
		{"an unknown flag", []string{"--slugg", "x"}, "", 2, "", "not defined"},
		{"what is no flag", []string{"acme"}, "", 2, "", "no flag"},
	} {
		t.Run(row.name, func(t *testing.T) {
			*last = ""
			var out bytes.Buffer
			args := append([]string{"--url", url, "--secret-file", good}, row.args...)
			if got := run(t.Context(), args, strings.NewReader(row.stdin), &out, &out, clock); got != row.status {
				t.Fatalf("status %d, want %d\n%s", got, row.status, out.String())
			}
			if !strings.Contains(*last, row.sent) || !strings.Contains(out.String(), row.says) {
				t.Fatalf("sent %s\nsaid %s", *last, out.String())
			}
		})
	}
}
