package main

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
)

// TestCountersFollow: the process keeps the counters of its tenants, complete from a tenant's birth; one that starts over data without counters
// builds them; and counts are of now wherever the counters are.
func TestCountersFollow(t *testing.T) {
	t.Parallel()
	cfg := config{addr: "127.0.0.1:0", data: filepath.Join(t.TempDir(), "data")}
	s, err := newStory(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.process.stop() }()
	s.ts = &testRunner{t, map[string]string{}}
	s.onboard([]string{"acme"})
	x := id.Tenant(s.ts.Getenv("tenant"))
	create := func(want string) {
		t.Helper()
		s.call([]string{http.MethodPost, "/v1/accounts", `{"name":"Lotus Trading","type":"enterprise","email":"hello@lotus.example","phone":"+8613800138000"}`})
		s.wantStatus([]string{"201"})
		s.call([]string{http.MethodGet, "/v1/accounts/counts?by=type"})
		s.wantStatus([]string{"200"})
		s.match([]string{"rows.0.value", "^" + want + "$"})
	}
	counted := func() bool {
		items, err := s.process.store.Get(t.Context(), key.CounterState(x))
		s.ts.Check(err)
		var state struct {
			Epoch    int64   `json:"epoch"`
			Versions []int64 `json:"versions"`
		}
		for _, it := range items {
			s.ts.Check(json.Unmarshal(it.Doc, &state))
		}
		shards := int64(0)
		for _, v := range state.Versions {
			shards += v
		}
		return state.Epoch == 1 && shards > 0
	}
	create("1")
	create("2")
	s.until("the accounts are counted", counted)
	if err := s.process.stop(); err != nil {
		t.Fatal(err)
	}
	if s.process, err = start(cfg, quiet()); err != nil {
		t.Fatal(err)
	}
	create("3")
	forget := []table.Write{table.Delete(key.CounterState(x), table.Always)}
	for n := range 64 {
		forget = append(forget, table.Delete(key.CounterShard(x, n), table.Always))
	}
	s.ts.Check(s.process.store.Commit(t.Context(), "forget", forget...))
	if err := s.process.stop(); err != nil {
		t.Fatal(err)
	}
	if s.process, err = start(cfg, quiet()); err != nil {
		t.Fatal(err)
	}
	s.until("the accounts are counted anew", counted)
	create("4")
}
