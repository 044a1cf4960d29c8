package tabletest

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
)

func getOrder(t *testing.T, s *suite) {
	var keys []table.Key
	for i := range table.MaxGet {
		k := s.key(fmt.Sprint(i%7), fmt.Sprintf("%03d", (i*37)%table.MaxGet))
		keys = append(keys, k)
		if i%3 != 0 {
			s.must(t, table.Put(table.Item{Key: k}, table.Always))
		}
	}
	var want []string
	for i, k := range keys {
		if i%3 != 0 {
			want = append(want, k.SK)
		}
	}
	wantKeys(t, "100 keys, every third without an item", s.get(t, keys...), want...)
	if items := s.get(t); len(items) != 0 {
		t.Errorf("no keys: %v", items)
	}
}

func getSpaces(t *testing.T, s *suite) {
	d, k := s.key("p", "s"), s.key("p", "s")
	k.Space = table.Keys
	s.must(t, table.Put(table.Item{Key: d, Sealed: []byte("data")}, table.Absent), table.Put(table.Item{Key: k, Sealed: []byte("key")}, table.Absent))
	items := s.get(t, k, d)
	if len(items) != 2 || items[0].Key != k || string(items[0].Sealed) != "key" || items[1].Key != d || string(items[1].Sealed) != "data" {
		t.Errorf("the same key in both spaces: %v", items)
	}
	wantKeys(t, "a query sees data only", s.all(t, table.Query{PK: d.PK}), "s")
	s.must(t, table.Delete(d, table.Present))
	if items := s.get(t, k, d); len(items) != 1 || items[0].Key != k {
		t.Errorf("deleted from data: %v", items)
	}
	wantKeys(t, "a query sees no keys", s.all(t, table.Query{PK: d.PK}))
}

func getLimits(t *testing.T, s *suite) {
	var keys []table.Key
	for i := range table.MaxGet + 1 {
		keys = append(keys, s.key("p", fmt.Sprint(i)))
	}
	for _, c := range []struct {
		what string
		keys []table.Key
		kind fault.Kind
		code string
	}{
		{"101 keys", keys, fault.Internal, "too_many_keys"},
		{"a key twice", []table.Key{keys[0], keys[1], keys[0]}, fault.Internal, "duplicate_keys"},
		{"a key twice among many", append([]table.Key{keys[50]}, keys[:99]...), fault.Internal, "duplicate_keys"},
		{"no partition key", []table.Key{{SK: "s"}}, fault.Internal, "key_malformed"},
		{"no sort key", []table.Key{{PK: "p"}}, fault.Internal, "key_malformed"},
		{"a long partition key", []table.Key{{PK: strings.Repeat("p", table.MaxPartitionKey+1), SK: "s"}}, fault.Invalid, "key_too_long"},
		{"a long sort key", []table.Key{{PK: "p", SK: strings.Repeat("s", table.MaxSortKey+1)}}, fault.Invalid, "key_too_long"},
	} {
		_, err := s.Table.Get(t.Context(), c.keys...)
		wantFault(t, c.what, err, c.kind, c.code)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Table.Get(ended, keys[0]); err == nil {
		t.Error("get after the context's end: no error")
	}
}

func itemRoundTrip(t *testing.T, s *suite) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	index := map[table.Index]table.IndexKey{}
	for n := table.G1; n <= table.G5; n++ {
		index[n] = table.IndexKey{PK: s.part(fmt.Sprint("g", n)), SK: fmt.Sprint("s", n)}
	}
	deep := strings.Repeat(`{"a":[`, 15) + "1" + strings.Repeat("]}", 15)
	for i, it := range []table.Item{
		{},
		{Doc: []byte(`{}`)},
		{Doc: []byte(`{"name":"宏達貿易","n":-12.5,"big":12345678901234567890,"b":true,"z":null,"a":[1,"x",{}],"o":{"p":""},"\u0000é":"\t"}`)},
		{Doc: []byte(deep)},
		{Sealed: every},
		{Doc: []byte(`{"a":1}`), Sealed: bytes.Repeat(every, 100), Index: index, Expires: s.Now().Add(24 * time.Hour).Truncate(time.Second)},
		{Index: map[table.Index]table.IndexKey{table.G3: index[table.G3]}},
	} {
		it.Key = s.key("p", fmt.Sprint(i))
		it.Version = 77 // of no account: the table counts itself
		s.must(t, table.Put(it, table.Absent))
		it.Version = 1
		same(t, fmt.Sprint("item ", i), s.one(t, it.Key), it)
		same(t, fmt.Sprint("item by query ", i), &s.all(t, table.Query{PK: it.PK, From: it.SK, To: it.SK})[0], it)
	}
	k := s.key("p", "empty")
	s.must(t, table.Put(table.Item{Key: k, Doc: []byte{}, Sealed: []byte{}, Index: map[table.Index]table.IndexKey{}}, table.Absent))
	if it := s.one(t, k); it == nil || it.Doc != nil || it.Sealed != nil || len(it.Index) != 0 {
		t.Errorf("empty is nil: %v", it)
	}
}

func itemKeys(t *testing.T, s *suite) {
	names := []string{" ", "#", "a", "a#", "a#b", "\x01", "\u007f", "é", "e\u0301", "界", "\uffff", "🙂", "A", strings.Repeat("x", table.MaxSortKey)}
	for i, sk := range names {
		s.must(t, table.Put(table.Item{Key: s.key("p", sk), Doc: fmt.Appendf(nil, `{"i":%d}`, i)}, table.Absent))
	}
	for i, sk := range names {
		same(t, fmt.Sprintf("key %q", sk), s.one(t, s.key("p", sk)), table.Item{Key: s.key("p", sk), Version: 1, Doc: fmt.Appendf(nil, `{"i":%d}`, i)})
	}
	long := table.Key{PK: s.mark + strings.Repeat("p", table.MaxPartitionKey-len(s.mark)), SK: "s"}
	s.must(t, table.Put(table.Item{Key: long}, table.Absent))
	if s.one(t, long) == nil {
		t.Error("the longest partition key: no item")
	}
}

func itemLargest(t *testing.T, s *suite) {
	it := table.Item{Key: s.key("p", "s"), Doc: []byte(`{"a":"b"}`)}
	it.Sealed = bytes.Repeat([]byte{7}, table.MaxItem-it.Size())
	s.must(t, table.Put(it, table.Absent))
	it.Version = 1
	same(t, "of exactly the limit", s.one(t, it.Key), it)
	it.Sealed = append(it.Sealed, 7)
	wantFault(t, "one byte more", s.try(t, s.token(), table.Put(it, table.Always)), fault.Invalid, "record_too_large")
	it.Sealed = it.Sealed[1:]
	same(t, "after the refusal", s.one(t, it.Key), it)
}
