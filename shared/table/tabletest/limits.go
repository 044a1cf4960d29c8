package tabletest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
)

func limitsRefused(t *testing.T, s *suite) {
	good := table.Put(table.Item{Key: s.key("p", "good")}, table.Always)
	put := func(it table.Item) table.Write { return table.Put(it, table.Always) }
	at := func(sk string) table.Item { return table.Item{Key: s.key("p", sk)} }
	with := func(f func(*table.Item)) []table.Write {
		it := at("x")
		f(&it)
		return []table.Write{good, put(it)}
	}
	entry := func(n table.Index, pk, sk string) []table.Write {
		return with(func(it *table.Item) { it.Index = map[table.Index]table.IndexKey{n: {PK: pk, SK: sk}} })
	}
	many := []table.Write{good}
	for i := range table.MaxWrites {
		many = append(many, put(at(fmt.Sprint(i))))
	}
	big := []table.Write{good}
	for i := range table.MaxCommit/(300<<10) + 1 {
		it := at(fmt.Sprint(i))
		it.Sealed = make([]byte, 300<<10)
		big = append(big, put(it))
	}
	longPK, longSK := strings.Repeat("p", table.MaxPartitionKey+1), strings.Repeat("s", table.MaxSortKey+1)
	digits := strings.Repeat("9", table.MaxDigits+1)
	deep := strings.Repeat(`{"a":`, table.MaxDepth+1) + "1" + strings.Repeat("}", table.MaxDepth+1)

	for _, c := range []struct {
		what   string
		token  string
		writes []table.Write
		kind   fault.Kind
		code   string
	}{
		{"no writes", s.token(), nil, fault.Internal, "empty_commit"},
		{"no token", "", []table.Write{good}, fault.Internal, "token_malformed"},
		{"a long token", strings.Repeat("t", table.MaxToken+1), []table.Write{good}, fault.Internal, "token_malformed"},
		{"101 writes", s.token(), many, fault.Invalid, "too_many_writes"},
		{"over 4 MB", s.token(), big, fault.Invalid, "commit_too_large"},
		{"two writes on one key", s.token(), []table.Write{good, table.Check(good.Item.Key, table.Always)}, fault.Internal, "duplicate_writes"},
		{"a large item", s.token(), with(func(it *table.Item) { it.Sealed = make([]byte, table.MaxItem) }), fault.Invalid, "record_too_large"},
		{"no partition key", s.token(), with(func(it *table.Item) { it.PK = "" }), fault.Internal, "key_malformed"},
		{"no sort key", s.token(), with(func(it *table.Item) { it.SK = "" }), fault.Internal, "key_malformed"},
		{"a key of broken text", s.token(), with(func(it *table.Item) { it.SK = "\xff" }), fault.Internal, "key_malformed"},
		{"an unknown space", s.token(), with(func(it *table.Item) { it.Space = 2 }), fault.Internal, "key_malformed"},
		{"a long partition key", s.token(), with(func(it *table.Item) { it.PK = longPK }), fault.Invalid, "key_too_long"},
		{"a long sort key", s.token(), with(func(it *table.Item) { it.SK = longSK }), fault.Invalid, "key_too_long"},
		{"no index partition", s.token(), entry(table.G1, "", "s"), fault.Internal, "key_malformed"},
		{"no index sort key", s.token(), entry(table.G1, "p", ""), fault.Internal, "key_malformed"},
		{"a long index partition", s.token(), entry(table.G1, longPK, "s"), fault.Invalid, "key_too_long"},
		{"a long index sort key", s.token(), entry(table.G5, "p", longSK), fault.Invalid, "key_too_long"},
		{"the base as an index", s.token(), entry(table.Base, "p", "s"), fault.Internal, "write_malformed"},
		{"an unknown index", s.token(), entry(table.G5+1, "p", "s"), fault.Internal, "write_malformed"},
		{"an indexed key", s.token(), with(func(it *table.Item) {
			it.Space, it.Index = table.Keys, map[table.Index]table.IndexKey{table.G1: {PK: "p", SK: "s"}}
		}), fault.Internal, "write_malformed"},
		{"an entry that an index query answered", s.token(), with(func(it *table.Item) { it.At = table.IndexKey{PK: "p", SK: "s"} }), fault.Internal, "write_malformed"},
		{"an expiry beyond the year 9999", s.token(), with(func(it *table.Item) { it.Expires = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }), fault.Internal, "write_malformed"},
		{"an unknown operation", s.token(), []table.Write{good, {Op: 3, Item: at("x")}}, fault.Internal, "write_malformed"},
		{"an unknown condition", s.token(), []table.Write{good, table.Put(at("x"), table.Cond{Kind: 9})}, fault.Internal, "write_malformed"},
		{"a member without a name", s.token(), []table.Write{good, table.Put(at("x"), table.Equals("", "v"))}, fault.Internal, "write_malformed"},
		{"a doc that is no JSON", s.token(), with(func(it *table.Item) { it.Doc = []byte(`{"a":`) }), fault.Internal, "doc_malformed"},
		{"a doc that is no object", s.token(), with(func(it *table.Item) { it.Doc = []byte(`[1]`) }), fault.Internal, "doc_malformed"},
		{"a doc with a member twice", s.token(), with(func(it *table.Item) { it.Doc = []byte(`{"a":1,"a":2}`) }), fault.Internal, "doc_malformed"},
		{"a doc too deep", s.token(), with(func(it *table.Item) { it.Doc = []byte(deep) }), fault.Internal, "doc_malformed"},
		{"a number too long", s.token(), with(func(it *table.Item) { it.Doc = []byte(`{"n":` + digits + `}`) }), fault.Internal, "doc_malformed"},
	} {
		err := s.Table.Commit(t.Context(), c.token, c.writes...)
		wantFault(t, c.what, err, c.kind, c.code)
		if it := s.one(t, good.Item.Key); it != nil {
			t.Fatalf("%s: the rest of the commit was written", c.what)
		}
	}
	// In a text, digits and brackets are letters, and an escaped quote does not end it.
	text := digits + strings.Repeat("{[", table.MaxDepth)
	for _, doc := range []string{`{"a":"` + text + `"}`, `{"a":"\"` + text + `"}`, `{"a":"\\","b":"` + text + `"}`} {
		s.must(t, with(func(it *table.Item) { it.Doc = []byte(doc) })...)
	}
}

func limitsMostWrites(t *testing.T, s *suite) {
	var w []table.Write
	for i := range table.MaxWrites {
		it := table.Item{Key: s.key("p", fmt.Sprintf("%03d", i)), Sealed: make([]byte, 40<<10)}
		if i == 0 {
			it.Sealed = nil // room for what each item costs besides
		}
		w = append(w, table.Put(it, table.Absent))
	}
	s.must(t, w...)
	if n := len(s.all(t, table.Query{PK: s.part("p")})); n != table.MaxWrites {
		t.Errorf("%d items of %d", n, table.MaxWrites)
	}
	s.n-- // the same token again
	if err := s.try(t, s.token(), w...); err != nil {
		t.Errorf("replay of 100 writes: %v", err)
	}
}
