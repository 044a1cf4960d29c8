package local_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
	"github.com/steward-crm/steward/shared/table/local/localtest"
)

func TestFaultsByCall(t *testing.T) {
	var broken string // the call that fails
	var after bool
	f := &local.Faults{
		Before: func(c local.Call) error {
			if c.Op == broken && !after {
				return local.Throttled()
			}
			return nil
		},
		After: func(c local.Call) error {
			if after {
				return local.Lost()
			}
			return nil
		},
	}
	s := localtest.OpenFaulty(t, time.Now, f)
	ctx := t.Context()
	calls := map[string]func() error{
		"get":     func() error { _, err := s.Get(ctx, bareItem("a").Key); return err },
		"query":   func() error { _, err := s.Query(ctx, table.Query{PK: "p"}); return err },
		"changes": func() error { _, _, err := s.Changes(ctx, "", 1); return err },
		"commit":  func() error { return s.Commit(ctx, "a", table.Put(bareItem("a"), table.Absent)) },
		"scan": func() error {
			for _, err := range s.Scan(ctx, 0, 1) {
				return err
			}
			return nil
		},
	}
	there := func(sk string) bool {
		items, err := s.Get(ctx, bareItem(sk).Key)
		return err == nil && len(items) == 1
	}
	for name, call := range calls {
		broken = name
		err := call()
		if f := fault.Of(err); f.Kind != fault.Unavailable || f.Code != "table_unavailable" || f.RetryAfter == 0 {
			t.Errorf("%s, throttled: %v", name, err)
		}
		broken = ""
		if name == "commit" && there("a") {
			t.Error("a commit failed before, and is there")
		}
		if err := call(); err != nil {
			t.Errorf("%s, again: %v", name, err)
		}
	}
	after = true
	lost := func() error { return s.Commit(ctx, "b", table.Put(bareItem("b"), table.Absent)) }
	if err := lost(); !fault.Is(err, "table_unavailable") || !there("b") {
		t.Errorf("the reply was lost: %v, and the commit must be there", err)
	}
	after = false
	if err := lost(); err != nil {
		t.Errorf("the same call again: %v", err)
	}
	if !fault.Is(local.Conflict(), "table_unavailable") {
		t.Error("a conflict is not table_unavailable")
	}
}

func TestFaultsSeeTheCall(t *testing.T) {
	var seen local.Call
	s := localtest.OpenFaulty(t, time.Now, &local.Faults{After: func(c local.Call) error { seen = c; return nil }})
	if err := s.Commit(t.Context(), "token", table.Put(bareItem("a"), table.Absent)); err != nil {
		t.Fatal(err)
	}
	if seen.Op != "commit" || seen.Token != "token" || len(seen.Writes) != 1 || seen.Writes[0].Item.SK != "a" {
		t.Errorf("%+v", seen)
	}
}

func TestLaggingIndexes(t *testing.T) {
	only := func(q table.Query) bool { return q.Index != table.G2 }
	for what, stale := range map[string]func(table.Query) bool{"all": nil, "all but G2": only} {
		s := localtest.OpenFaulty(t, time.Now, &local.Faults{Stale: stale})
		put := func(sk string) {
			t.Helper()
			it := bareItem(sk)
			it.Index = map[table.Index]table.IndexKey{table.G1: {PK: "g", SK: sk}, table.G2: {PK: "g", SK: sk}}
			if err := s.Commit(t.Context(), sk, table.Put(it, table.Absent)); err != nil {
				t.Fatal(err)
			}
		}
		count := func(n table.Index) int {
			t.Helper()
			q := table.Query{Index: n, PK: "g"}
			if n == table.Base {
				q.PK = "p"
			}
			p, err := s.Query(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			return len(p.Items)
		}
		put("1")
		s.FreezeIndexes()
		put("2")
		second := 1
		if stale != nil {
			second = 2
		}
		if count(table.G1) != 1 || count(table.G2) != second || count(table.Base) != 2 {
			t.Errorf("%s, frozen: %d, %d, %d", what, count(table.G1), count(table.G2), count(table.Base))
		}
		s.FreezeIndexes()
		put("3")
		if count(table.G1) != 2 {
			t.Errorf("%s, frozen anew: %d", what, count(table.G1))
		}
		s.ThawIndexes()
		if count(table.G1) != 3 || count(table.G2) != 3 {
			t.Errorf("%s, thawed: %d, %d", what, count(table.G1), count(table.G2))
		}
		s.FreezeIndexes() // and closed while frozen
	}
}

// TestCutCommit ends contexts while commits wait. Each is applied or not, and the same call again tells which and completes it.
func TestCutCommit(t *testing.T) {
	s := localtest.Open(t, time.Now)
	cut := 0
	for i := range 300 {
		ctx, cancel := context.WithCancel(t.Context())
		sk := time.Duration(i).String()
		go cancel()
		err := s.Commit(ctx, sk, table.Put(bareItem(sk), table.Absent))
		if err != nil {
			cut++
			if !errors.Is(err, context.Canceled) || !fault.IsKind(err, fault.Unavailable) {
				t.Fatalf("a cut commit: %v", err)
			}
		}
		if err := s.Commit(t.Context(), sk, table.Put(bareItem(sk), table.Absent)); err != nil {
			t.Fatalf("the same again: %v", err)
		}
		items, err := s.Get(t.Context(), bareItem(sk).Key)
		if err != nil || len(items) != 1 || items[0].Version != 1 {
			t.Fatalf("%v, %v", items, err)
		}
	}
	t.Logf("%d of 300 were cut", cut)
}
