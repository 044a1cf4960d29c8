package local_test

import (
	"bytes"
	"cmp"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
	"github.com/steward-crm/steward/shared/table/local/localtest"
)

func FuzzItemRoundTrip(f *testing.F) {
	f.Add(int64(1), int64(0), uint8(0), "p", "s", []byte(`{}`), []byte{1})
	f.Add(int64(-1), int64(1<<40), uint8(31), "", "\x00", []byte(nil), []byte(nil))
	f.Fuzz(func(t *testing.T, version, expires int64, mask uint8, pk, sk string, doc, sealed []byte) {
		k := table.Key{PK: "item", SK: "key"}
		it := table.Item{Key: k, Version: version}
		if expires > 0 && expires < 253402300800 {
			it.Expires = time.Unix(expires, 0).UTC()
		}
		for n := table.G1; n <= table.G5; n++ {
			if mask&(1<<(n-table.G1)) != 0 {
				if it.Index == nil {
					it.Index = map[table.Index]table.IndexKey{}
				}
				it.Index[n] = table.IndexKey{PK: pk + string(rune('0'+n)), SK: sk}
			}
		}
		if len(doc) > 0 {
			it.Doc = doc
		}
		if len(sealed) > 0 {
			it.Sealed = sealed
		}
		b := local.AppendItem(it)
		got, err := local.ReadItem(k, b)
		if err != nil || !reflect.DeepEqual(got, it) {
			t.Fatalf("%v\n got %v\nwant %v", err, got, it)
		}
		_, _ = append(got.Doc, 'x'), append(got.Sealed, 'x')
		if !bytes.Equal(got.Sealed, it.Sealed) {
			t.Fatal("the doc shares memory with what is sealed")
		}
		clear(got.Doc)
		clear(got.Sealed)
		if again, err := local.ReadItem(k, b); err != nil || !reflect.DeepEqual(again, it) {
			t.Fatal("an item shares memory with the file")
		}
	})
}

func FuzzItemRead(f *testing.F) {
	f.Add(local.AppendItem(table.Item{Doc: []byte(`{}`), Index: map[table.Index]table.IndexKey{table.G2: {PK: "p", SK: "s"}}, Expires: time.Unix(9, 0)}))
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff})
	f.Add([]byte("\x0100000000\x80\xb00000000\x010")) // an expiry that no clock knows
	f.Fuzz(func(t *testing.T, b []byte) {
		k := table.Key{PK: "p", SK: "s"}
		it, err := local.ReadItem(k, b)
		if err != nil {
			return
		}
		if again, err := local.ReadItem(k, local.AppendItem(it)); err != nil || !reflect.DeepEqual(again, it) {
			t.Fatalf("%v: read %v, and after writing %v", err, it, again)
		}
	})
}

// FuzzEntryOrder demands that entry keys sort as (partition, sort key, item key), whatever bytes the parts hold.
func FuzzEntryOrder(f *testing.F) {
	f.Add("a", "p", "s", "a\x00", "p", "s")
	f.Add("a\x00\x01", "p", "s", "a", "\x01p", "s")
	f.Add("", "", "", "\x00", "\xff", "\x00\xff")
	f.Fuzz(func(t *testing.T, sk1, pk1, isk1, sk2, pk2, isk2 string) {
		if len(sk1+pk1) > 4000 || len(sk2+pk2) > 4000 {
			return
		}
		x, y := local.EntryKey("part", sk1, pk1, isk1), local.EntryKey("part", sk2, pk2, isk2)
		want := cmp.Or(strings.Compare(sk1, sk2), strings.Compare(pk1, pk2), strings.Compare(isk1, isk2))
		if got := bytes.Compare(x, y); got != want {
			t.Fatalf("order %d, want %d", got, want)
		}
		sk, pk, isk, err := local.ReadEntry(x[2+len("part"):])
		if err != nil || sk != sk1 || pk != pk1 || isk != isk1 {
			t.Fatalf("%q %q %q, %v", sk, pk, isk, err)
		}
	})
}

func FuzzRecordsRead(f *testing.F) {
	f.Add([]byte("12345678"), []byte("12345678\x01\x03\x00\x01p\x00\x00"))
	f.Fuzz(func(_ *testing.T, k, v []byte) { // none of them may panic or read on for ever
		_ = local.ReadChanges(k, v)
		_ = local.ReadToken(k, v)
		_, _, _, _ = local.ReadEntry(v)
	})
}

// TestCursorsOutOfRange makes cursors that are well made and name a place that their query never comes to.
func TestCursorsOutOfRange(t *testing.T) {
	s := localtest.Open(t, time.Now)
	for _, c := range []struct {
		q    table.Query
		last string
		good bool
	}{
		{table.Query{PK: "p", From: "b", To: "d"}, "a", false},
		{table.Query{PK: "p", From: "b", To: "d"}, "b", true},
		{table.Query{PK: "p", From: "b", To: "d"}, "d", true},
		{table.Query{PK: "p", From: "b", To: "d"}, "d\x00", false},
		{table.Query{PK: "p", Prefix: "b"}, "a", false},
		{table.Query{PK: "p", Prefix: "b"}, "bz", true},
		{table.Query{PK: "p", Prefix: "b"}, "c", false},
		{table.Query{PK: "p", Prefix: "b", Reverse: true}, "c", false},
		{table.Query{PK: "p", Index: table.G1, From: "b"}, "a\x00\x01p\x00\x01s", false},
		{table.Query{PK: "p", Index: table.G1, From: "b"}, "b\x00\x01p\x00\x01s", true},
		{table.Query{PK: "p", Index: table.G1, To: "b"}, "b\x00\x01p\x00\x01s", true},
		{table.Query{PK: "p", Index: table.G1, To: "b"}, "b\x00\x02", false},
	} {
		c.q.Cursor = local.MakeCursor(c.q, []byte(c.last))
		if _, err := s.Query(t.Context(), c.q); (err == nil) != c.good || err != nil && !fault.Is(err, "invalid_cursor") {
			t.Errorf("%+v after %q: %v", c.q, c.last, err)
		}
	}
}

func FuzzCursor(f *testing.F) {
	s := localtest.Open(f, time.Now)
	for _, sk := range []string{"a", "b", "c"} {
		it := table.Item{Key: table.Key{PK: "p", SK: sk}, Index: map[table.Index]table.IndexKey{table.G1: {PK: "p", SK: sk}}}
		if err := s.Commit(f.Context(), sk, table.Put(it, table.Absent)); err != nil {
			f.Fatal(err)
		}
	}
	f.Add("", uint8(0), "", false, []byte(nil))
	f.Add("AQ", uint8(1), "a", true, []byte("b"))
	f.Add(local.MakeCursor(table.Query{PK: "p"}, []byte("b")), uint8(0), "", false, []byte("b\x00\x01p\x00\x01b"))
	f.Fuzz(func(t *testing.T, cursor string, index uint8, bound string, reverse bool, last []byte) {
		if !utf8.ValidString(bound) || len(bound) > 100 {
			return
		}
		q := table.Query{Index: table.Index(index % 2), PK: "p", From: bound, Reverse: reverse}
		if len(last) > 0 { // a well-made cursor that names a place of its own invention
			made := local.MakeCursor(q, last)
			if got, err := local.ReadCursor(made, q); err != nil || !bytes.Equal(got, last) {
				t.Fatalf("%q, %v", got, err)
			}
			other := q
			other.PK = "other"
			if _, err := local.ReadCursor(made, other); !fault.Is(err, "invalid_cursor") {
				t.Fatalf("of another query: %v", err)
			}
			q.Cursor = made
			if _, err := s.Query(t.Context(), q); err != nil && !fault.Is(err, "invalid_cursor") {
				t.Fatal(err)
			}
		}
		if q.Cursor = cursor; cursor != "" {
			if _, err := s.Query(t.Context(), q); err != nil && !fault.Is(err, "invalid_cursor") {
				t.Fatal(err)
			}
		}
	})
}
