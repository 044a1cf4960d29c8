package tabletest

import (
	"context"
	"fmt"
	"testing"

	"github.com/steward-crm/steward/shared/table"
)

func commitConditions(t *testing.T, s *suite) {
	states := map[string]func(k table.Key){
		"absent": func(table.Key) {},
		"deleted": func(k table.Key) {
			s.must(t, table.Put(table.Item{Key: k}, table.Always))
			s.must(t, table.Delete(k, table.Always))
		},
		"bare": func(k table.Key) { s.must(t, table.Put(table.Item{Key: k}, table.Always)) },
		"a=b": func(k table.Key) {
			s.must(t, table.Put(table.Item{Key: k, Doc: []byte(`{"x":{"a":"n"},"a":"b","y":1}`)}, table.Always))
		},
		"a=1": func(k table.Key) { s.must(t, table.Put(table.Item{Key: k, Doc: []byte(`{"a":1}`)}, table.Always)) },
		"x.a=b": func(k table.Key) {
			s.must(t, table.Put(table.Item{Key: k, Doc: []byte(`{"x":{"a":"b"},"b":["a","b"]}`)}, table.Always))
		},
		"a=empty": func(k table.Key) { s.must(t, table.Put(table.Item{Key: k, Doc: []byte(`{"a":""}`)}, table.Always)) },
		"v2": func(k table.Key) {
			s.must(t, table.Put(table.Item{Key: k}, table.Always))
			s.must(t, table.Put(table.Item{Key: k}, table.Always))
		},
	}
	for i, c := range []struct {
		state string
		cond  table.Cond
		holds bool
	}{
		{"absent", table.Always, true},
		{"absent", table.Absent, true},
		{"absent", table.Present, false},
		{"absent", table.VersionIs(0), false},
		{"absent", table.VersionIs(1), false},
		{"absent", table.Equals("a", "b"), false},
		{"absent", table.Equals("a", ""), false},
		{"deleted", table.Absent, true},
		{"deleted", table.Present, false},
		{"deleted", table.VersionIs(1), false},
		{"bare", table.Always, true},
		{"bare", table.Absent, false},
		{"bare", table.Present, true},
		{"bare", table.VersionIs(1), true},
		{"bare", table.VersionIs(0), false},
		{"bare", table.VersionIs(2), false},
		{"bare", table.Equals("a", "b"), false},
		{"bare", table.Equals("a", ""), false},
		{"v2", table.VersionIs(2), true},
		{"v2", table.VersionIs(1), false},
		{"a=b", table.Equals("a", "b"), true},
		{"a=b", table.Equals("a", "B"), false},
		{"a=b", table.Equals("a", "n"), false},
		{"a=b", table.Equals("A", "b"), false},
		{"a=b", table.Equals("b", "a"), false},
		{"a=b", table.Equals("y", "1"), false},
		{"a=1", table.Equals("a", "1"), false},
		{"x.a=b", table.Equals("a", "b"), false},
		{"x.a=b", table.Equals("x.a", "b"), false},
		{"x.a=b", table.Equals("b", "b"), false},
		{"a=empty", table.Equals("a", ""), true},
		{"a=empty", table.Equals("b", ""), false},
	} {
		for op, write := range map[string]func(k table.Key) table.Write{
			"put":    func(k table.Key) table.Write { return table.Put(table.Item{Key: k}, c.cond) },
			"delete": func(k table.Key) table.Write { return table.Delete(k, c.cond) },
			"check":  func(k table.Key) table.Write { return table.Check(k, c.cond) },
		} {
			what := fmt.Sprintf("%s of %s if %v", op, c.state, c.cond)
			k := s.key(fmt.Sprint(op, i), "s")
			states[c.state](k)
			before := s.one(t, k)
			err := s.try(t, s.token(), write(k))
			if c.holds {
				if err != nil {
					t.Errorf("%s: %v", what, err)
				}
				continue
			}
			f := wantFailed(t, what, err, 0)
			after := s.one(t, k)
			for where, it := range map[string]*table.Item{"named": f.Failed[0].Item, "stored": after} {
				if before == nil && it != nil {
					t.Errorf("%s: %s %v, want none", what, where, it)
				}
				if before != nil {
					same(t, what+": "+where, it, *before)
				}
			}
		}
	}
}

func commitFailure(t *testing.T, s *suite) {
	doc := []byte(`{"a":"b"}`)
	held := table.Item{Key: s.key("p", "held"), Doc: doc, Sealed: []byte{1}, Version: 1, Index: map[table.Index]table.IndexKey{table.G1: {PK: s.part("g"), SK: "s"}}}
	s.must(t, table.Put(held, table.Absent))
	none := s.key("p", "none")
	f := wantFailed(t, "five writes, three of them failing", s.try(t, s.token(),
		table.Put(table.Item{Key: s.key("p", "1")}, table.Absent),
		table.Put(held, table.Absent),
		table.Check(none, table.Present),
		table.Put(table.Item{Key: s.key("p", "2")}, table.Always),
		table.Delete(s.key("q", "3"), table.VersionIs(4)),
	), 1, 2, 4)
	same(t, "the failed put names what is stored", f.Failed[0].Item, held)
	if f.Failed[1].Item != nil || f.Failed[2].Item != nil {
		t.Error("an item where none is stored")
	}
}

func commitAllOrNothing(t *testing.T, s *suite) {
	other, data := s.key("p", "keys"), s.key("p", "data")
	other.Space = table.Keys
	old := table.Item{Key: s.key("p", "old"), Doc: []byte(`{"n":1}`), Version: 1, Index: map[table.Index]table.IndexKey{table.G2: {PK: s.part("g"), SK: "1"}}}
	s.must(t, table.Put(old, table.Absent))
	moved := old
	moved.Index = map[table.Index]table.IndexKey{table.G2: {PK: s.part("g"), SK: "2"}}
	w := []table.Write{
		table.Put(table.Item{Key: data}, table.Absent),
		table.Put(table.Item{Key: other}, table.Absent),
		table.Put(moved, table.VersionIs(1)),
		table.Check(s.key("q", "absent"), table.Present),
	}
	wantFailed(t, "the last of four fails", s.try(t, s.token(), w...), 3)
	if items := s.get(t, data, other); len(items) != 0 {
		t.Errorf("part of a failed commit was written: %v", items)
	}
	same(t, "the old item", s.one(t, old.Key), old)
	s.soon(t, "the old item's entry", func() bool {
		items := s.all(t, table.Query{Index: table.G2, PK: s.part("g")})
		return len(items) == 1 && items[0].At.SK == "1"
	})
	s.must(t, w[:3]...)
	if items := s.get(t, data, other, old.Key); len(items) != 3 || items[2].Version != 2 {
		t.Errorf("without the failing one: %v", items)
	}
}

func commitVersions(t *testing.T, s *suite) {
	it := table.Item{Key: s.key("p", "s")}
	for v := int64(1); v <= 5; v++ {
		it.Version = 100 - v
		s.must(t, table.Put(it, table.Always))
		if got := s.one(t, it.Key).Version; got != v {
			t.Fatalf("version %d after %d puts", got, v)
		}
	}
	s.must(t, table.Delete(it.Key, table.VersionIs(5)))
	s.must(t, table.Put(it, table.Absent))
	if got := s.one(t, it.Key).Version; got != 1 {
		t.Errorf("version %d after the first put of a new life", got)
	}
}

func commitDelete(t *testing.T, s *suite) {
	k := s.key("p", "s")
	s.must(t, table.Delete(k, table.Always))
	s.must(t, table.Delete(k, table.Absent))
	s.must(t, table.Put(table.Item{Key: k}, table.Always), table.Put(table.Item{Key: s.key("p", "t")}, table.Always))
	s.must(t, table.Delete(k, table.Always))
	if it := s.one(t, k); it != nil {
		t.Errorf("deleted: %v", it)
	}
	wantKeys(t, "the rest of the partition", s.all(t, table.Query{PK: k.PK}), "t")
}

func commitCheck(t *testing.T, s *suite) {
	it := table.Item{Key: s.key("p", "s"), Doc: []byte(`{"a":"b"}`), Version: 1}
	none := s.key("p", "none")
	s.must(t, table.Put(it, table.Absent))
	s.must(t, table.Check(it.Key, table.Always), table.Check(none, table.Always))
	s.must(t, table.Check(it.Key, table.VersionIs(1)), table.Check(none, table.Absent))
	s.must(t, table.Check(it.Key, table.Equals("a", "b")), table.Put(table.Item{Key: s.key("p", "t")}, table.Absent))
	same(t, "checked", s.one(t, it.Key), it)
	if s.one(t, none) != nil {
		t.Error("a check made an item")
	}
	token := s.token()
	if err := s.try(t, token, table.Check(none, table.Absent)); err != nil {
		t.Fatal(err)
	}
	s.must(t, table.Put(table.Item{Key: none}, table.Absent))
	if err := s.try(t, token, table.Check(none, table.Absent)); err != nil {
		t.Errorf("a replayed check: %v", err)
	}
}

func commitContext(t *testing.T, s *suite) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	k := s.key("p", "s")
	token := s.token()
	if err := s.Table.Commit(ended, token, table.Put(table.Item{Key: k}, table.Absent)); err == nil {
		t.Error("commit after the context's end: no error")
	}
	if s.one(t, k) != nil {
		t.Error("commit after the context's end: applied")
	}
	if err := s.try(t, token, table.Put(table.Item{Key: k}, table.Absent)); err != nil {
		t.Errorf("the same again, in time: %v", err)
	}
}
