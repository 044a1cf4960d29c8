package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	keyslocal "github.com/steward-crm/steward/shared/keys/local"
)

// TestDataFolderHasOneProcess holds bad input 104: a folder that another process works on, or that cannot be one, is refused in one line before
// anything is served, and the process that has it goes on.
func TestDataFolderHasOneProcess(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p, err := start(config{addr: "127.0.0.1:0", data: data}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.stop() }()
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "x", 0o600)
	for _, row := range []struct{ data, says string }{
		{data, "in use by another process"},
		{filepath.Join(file, "below"), "--data"},
	} {
		var stdout, stderr bytes.Buffer
		if got := run(context.Background(), []string{"--addr", "127.0.0.1:0", "--data", row.data}, &stdout, &stderr); got != 2 {
			t.Errorf("exit status %d, want 2", got)
		}
		if line := stderr.String(); strings.Count(line, "\n") != 1 || !strings.Contains(line, row.says) || stdout.Len() > 0 {
			t.Errorf("said %q, served %q", line, stdout.String())
		}
	}
	res, err := http.Get(p.url + "/healthz")
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("the first process: %v", err)
	}
	_ = res.Body.Close()
}

// TestABitOfTheFileFlips holds E03 at rest: whoever changes a bit of a sealed value in the data folder, behind the stopped process, is found out
// when the value is read; its neighbours are read as before.
func TestABitOfTheFileFlips(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	cfg := config{addr: "127.0.0.1:0", data: data}
	s, err := newStory(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.ts = &testRunner{t, map[string]string{}}
	s.onboard([]string{"acme"})
	var accounts []string
	for n := range 2 {
		s.call([]string{http.MethodPost, "/v1/accounts", fmt.Sprintf(`{"name":"Kunde %d","email":"kunde%d@example.org","phone":"+4930765400%d"}`, n, n, n)})
		s.wantStatus([]string{"201"})
		accounts = append(accounts, s.member("id"))
	}
	items, err := s.process.store.Get(t.Context(), key.Account(id.Tenant(s.ts.Getenv("tenant")), id.Account(accounts[0])))
	if err != nil || len(items) != 1 {
		t.Fatal(err)
	}
	sealed := items[0].Sealed
	if err := s.process.stop(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(data, storeFile)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Clone(sealed)
	changed[len(changed)/2] ^= 4
	if n := bytes.Count(file, sealed); n == 0 {
		t.Fatal("the sealed value is not in the file as it is: nothing would be changed")
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(file, sealed, changed), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := start(cfg, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.stop() }()
	s.process = p
	for path, want := range map[string]string{
		"/v1/accounts/" + accounts[0]: "500", "/v1/accounts/" + accounts[1]: "200", "/v1/accounts": "500", "/v1/me": "200",
	} {
		s.call([]string{http.MethodGet, path})
		s.wantStatus([]string{want})
		if want != "200" && bytes.Contains(s.body, []byte("kunde0")) {
			t.Errorf("%s answers %s", path, s.body)
		}
	}
}

// TestAnotherKeyFileOpensNothing holds E01 from the other side: the data folder without its key file is of no use.
func TestAnotherKeyFileOpensNothing(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	cfg := config{addr: "127.0.0.1:0", data: data}
	s, err := newStory(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.ts = &testRunner{t, map[string]string{}}
	s.onboard([]string{"acme"})
	s.call([]string{http.MethodPost, "/v1/accounts", `{"name":"K","email":"k@example.org","phone":"+49307654000"}`})
	s.wantStatus([]string{"201"})
	if err := s.process.stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(data, keyFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := keyslocal.Open(filepath.Join(data, keyFile), time.Now, rand.Reader); err != nil {
		t.Fatal(err)
	}
	if p, err := start(cfg, quiet()); err == nil {
		s.process = p
		s.call([]string{http.MethodGet, "/v1/accounts"})
		if s.status == http.StatusOK || bytes.Contains(s.body, []byte("k@example.org")) {
			t.Errorf("another key file: %d %s", s.status, s.body)
		}
		_ = p.stop()
	}
}

// TestAKilledProcessKeepsItsWord holds I16, I17 and I18 over a kill: after it, the same keys have the same replies and no second effect, everything
// acknowledged is there, the numbered log of the audit verifies, and each acknowledged change is in the audit once.
func TestAKilledProcessKeepsItsWord(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	child := startChild(t, data)
	s := child.story
	s.onboard([]string{"acme"})
	create := func(n int) (string, string) {
		s.next.Set("Idempotency-Key", fmt.Sprint("key-", n))
		s.call([]string{http.MethodPost, "/v1/accounts", fmt.Sprintf(`{"name":"Kunde %d","email":"kunde%d@example.org","phone":"+4930765400%d"}`, n, n, n)})
		s.wantStatus([]string{"201"})
		return s.member("id"), string(s.body)
	}
	replies := map[string]string{}
	for n := range 8 {
		id, body := create(n)
		replies[id] = body
	}
	child.kill(t)

	again := startChild(t, data)
	defer again.kill(t)
	again.story.tokens, again.story.ts = s.tokens, s.ts
	s = again.story
	s.as([]string{"admin"})
	for n := range 8 {
		id, body := create(n)
		if replies[id] != body {
			t.Errorf("key %d: after the kill %s, before %s", n, body, replies[id])
		}
	}
	s.call([]string{http.MethodGet, "/v1/accounts?limit=100"})
	s.count([]string{"items", "8"})
	s.call([]string{http.MethodGet, "/v1/audit?action=accounts.create&limit=100"})
	s.count([]string{"items", "8"})
	s.until("the log has followed", func() bool {
		s.call([]string{http.MethodGet, "/v1/audit/checkpoint"})
		numbered := s.member("number")
		s.call([]string{http.MethodPost, "/v1/audit/verify"})
		s.wantStatus([]string{"200"})
		s.match([]string{"ok", "true"})
		return len(numbered) >= 2 // the onboarding and the accounts are more than ten events
	})
}
