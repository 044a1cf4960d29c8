package tabletest

import (
	"testing"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
)

func tokenReplay(t *testing.T, s *suite) {
	it := table.Item{Key: s.key("p", "s"), Doc: []byte(`{"a":"b"}`), Index: map[table.Index]table.IndexKey{table.G1: {PK: s.part("g"), SK: "1"}, table.G2: {PK: s.part("g"), SK: "2"}}}
	gone := s.key("p", "gone")
	s.must(t, table.Put(table.Item{Key: gone}, table.Absent))
	w := []table.Write{table.Put(it, table.Absent), table.Delete(gone, table.Present)}
	token := s.token()
	for range 3 {
		if err := s.try(t, token, w...); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.one(t, it.Key); got.Version != 1 {
		t.Errorf("version %d: the replay was applied", got.Version)
	}
	s.must(t, table.Delete(it.Key, table.Present))
	if err := s.try(t, token, w...); err != nil {
		t.Errorf("replay after the world went on: %v", err)
	}
	if s.one(t, it.Key) != nil {
		t.Error("the replay brought a deleted item back")
	}
}

func tokenOtherWrites(t *testing.T, s *suite) {
	it := table.Item{Key: s.key("p", "s"), Doc: []byte(`{"a":"b"}`), Sealed: []byte("x"), Index: map[table.Index]table.IndexKey{table.G1: {PK: s.part("g"), SK: "1"}}}
	other := s.key("p", "t")
	token := s.token()
	first := table.Put(it, table.Always)
	if err := s.try(t, token, first); err != nil {
		t.Fatal(err)
	}
	change := func(f func(*table.Item)) table.Write {
		x := it
		f(&x)
		return table.Put(x, table.Always)
	}
	for what, w := range map[string][]table.Write{
		"another key":         {change(func(x *table.Item) { x.Key = other })},
		"another doc":         {change(func(x *table.Item) { x.Doc = []byte(`{"a":"c"}`) })},
		"other sealed bytes":  {change(func(x *table.Item) { x.Sealed = []byte("y") })},
		"another index key":   {change(func(x *table.Item) { x.Index = map[table.Index]table.IndexKey{table.G1: {PK: s.part("g"), SK: "2"}} })},
		"no index":            {change(func(x *table.Item) { x.Index = nil })},
		"another condition":   {table.Put(it, table.Present)},
		"another operation":   {table.Delete(it.Key, table.Always)},
		"one write more":      {first, table.Put(table.Item{Key: other}, table.Always)},
		"a check, not a put":  {table.Check(it.Key, table.Present)},
		"bytes moved between": {change(func(x *table.Item) { x.Doc, x.Sealed = nil, []byte(`{"a":"b"}x`) })},
	} {
		wantFault(t, what, s.try(t, token, w...), fault.Internal, "token_reused")
	}
	guarded := s.token()
	if err := s.try(t, guarded, table.Put(it, table.Equals("a", "b")), table.Check(other, table.Absent), table.Check(s.key("p", "u"), table.Always)); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]table.Cond{
		"another value":   table.Equals("a", "c"),
		"another member":  table.Equals("b", "b"),
		"a version":       table.VersionIs(1),
		"another version": table.VersionIs(2),
	} {
		w := []table.Write{table.Put(it, c), table.Check(other, table.Absent), table.Check(s.key("p", "u"), table.Always)}
		wantFault(t, what, s.try(t, guarded, w...), fault.Internal, "token_reused")
	}
	wantFault(t, "another key checked", s.try(t, guarded, table.Put(it, table.Equals("a", "b")), table.Check(other, table.Absent), table.Check(s.key("p", "v"), table.Always)), fault.Internal, "token_reused")
	removed := s.token()
	rest := table.Put(table.Item{Key: s.key("p", "w")}, table.Always)
	if err := s.try(t, removed, table.Delete(other, table.Always), rest); err != nil {
		t.Fatal(err)
	}
	wantFault(t, "a check, not a delete", s.try(t, removed, table.Check(other, table.Always), rest), fault.Internal, "token_reused")
	it.Version = 2
	same(t, "as the two commits left it", s.one(t, it.Key), it)
	if s.one(t, other) != nil {
		t.Error("a refused commit was written")
	}
}

func tokenAfterFailure(t *testing.T, s *suite) {
	k := s.key("p", "s")
	token := s.token()
	wantFailed(t, "present", s.try(t, token, table.Put(table.Item{Key: k}, table.Present)), 0)
	if err := s.try(t, token, table.Put(table.Item{Key: k}, table.Absent)); err != nil {
		t.Errorf("other writes under the token of a failed commit: %v", err)
	}
	token = s.token()
	w := table.Put(table.Item{Key: k}, table.VersionIs(2))
	wantFailed(t, "version 2", s.try(t, token, w), 0)
	s.must(t, table.Put(table.Item{Key: k}, table.VersionIs(1)))
	if err := s.try(t, token, w); err != nil {
		t.Errorf("the same writes again, once they may: %v", err)
	}
	if v := s.one(t, k).Version; v != 3 {
		t.Errorf("version %d, want 3", v)
	}
}

func tokenForgotten(t *testing.T, s *suite) {
	if s.Advance == nil {
		return
	}
	k := s.key("p", "s")
	token := s.token()
	put := func(doc string) error {
		return s.try(t, token, table.Put(table.Item{Key: k, Doc: []byte(doc)}, table.Always))
	}
	if err := put(`{}`); err != nil {
		t.Fatal(err)
	}
	s.Advance(table.TokenLife - 1)
	if err := put(`{}`); err != nil {
		t.Fatal(err)
	}
	wantFault(t, "other writes within the token's life", put(`{"a":1}`), fault.Internal, "token_reused")
	s.Advance(1)
	if err := put(`{"a":1}`); err != nil {
		t.Errorf("other writes after the token's life: %v", err)
	}
	if v := s.one(t, k).Version; v != 2 {
		t.Errorf("version %d, want 2", v)
	}
}
