package dynamo_test

import (
	"bytes"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/dynamo"
)

// FuzzItemRoundTrip puts and reads items: what the port takes comes back byte for byte, and Equals finds what the doc holds and nothing else.
func FuzzItemRoundTrip(f *testing.F) {
	f.Add("p", "s", []byte(`{"a":"b"}`), []byte{1}, uint8(31), int64(0))
	f.Add("\x00", "界🙂", []byte(` {"a" : "\u0062\/", "o":{"a":"c"}, "":"", "z":["a"] } `), []byte(nil), uint8(2), int64(1<<33))
	s, _ := openStrict(f, newClock().Now, nil)
	n := 0
	f.Fuzz(func(t *testing.T, pk, sk string, doc, sealed []byte, mask uint8, expires int64) {
		it := table.Item{Key: table.Key{PK: pk, SK: sk}}
		if len(doc) > 0 {
			it.Doc = doc
		}
		if len(sealed) > 0 {
			it.Sealed = sealed
		}
		if at := time.Unix(expires, 0).UTC(); at.After(newClock().Now()) {
			it.Expires = at
		}
		for x := table.G1; x <= table.G5; x++ {
			if mask&(1<<x) != 0 {
				if it.Index == nil {
					it.Index = map[table.Index]table.IndexKey{}
				}
				it.Index[x] = table.IndexKey{PK: sk, SK: pk}
			}
		}
		token := func() string { n++; return strconv.Itoa(n) }
		writes := []table.Write{table.Put(it, table.Always)}
		if table.CheckCommit("t", writes) != nil {
			return
		}
		if err := s.Commit(t.Context(), token(), table.Delete(it.Key, table.Always)); err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(t.Context(), token(), writes...); err != nil {
			if fault.Is(err, "record_too_large") {
				return
			}
			t.Fatal(err)
		}
		got, err := s.Get(t.Context(), it.Key)
		if it.Version = 1; err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], it) {
			t.Fatalf("%v\n got %+v\nwant %+v", err, got, it)
		}
		members := map[string]any{}
		if len(doc) > 0 {
			if err := json.Unmarshal(doc, &members); err != nil {
				t.Fatal(err)
			}
		}
		members["never"] = nil
		for name, v := range members {
			value, is := v.(string)
			if name == "" {
				continue
			}
			err := s.Commit(t.Context(), token(), table.Check(it.Key, table.Equals(name, value)))
			if _, failed := errors.AsType[*table.ConditionFailed](err); failed == is || err != nil && !failed {
				t.Fatalf("equals %q %q: %v", name, value, err)
			}
		}
	})
}

// FuzzCursor hands in foreign cursors: each is refused, or goes on within the query.
func FuzzCursor(f *testing.F) {
	s, _ := openStrict(f, newClock().Now, nil)
	var writes []table.Write
	for _, sk := range []string{"a", "b", "b1", "b2", "c"} {
		writes = append(writes, table.Put(table.Item{Key: table.Key{PK: "p", SK: sk}, Index: map[table.Index]table.IndexKey{table.G1: {PK: "p", SK: sk}}}, table.Absent))
	}
	if err := s.Commit(f.Context(), "t", writes...); err != nil {
		f.Fatal(err)
	}
	queries := []table.Query{{}, {Prefix: "b"}, {From: "b", To: "b2"}, {Index: table.G1}, {Index: table.G1, From: "b", Reverse: true}}
	for i, q := range queries {
		q.PK, q.Limit = "p", 1
		p, err := s.Query(f.Context(), q)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p.Cursor, i)
	}
	f.Fuzz(func(t *testing.T, cursor string, which int) {
		if which < 0 || which >= len(queries) || cursor == "" {
			return
		}
		q := queries[which]
		q.PK, q.Cursor = "p", cursor
		p, err := s.Query(t.Context(), q)
		if err != nil {
			if !fault.Is(err, "invalid_cursor") {
				t.Fatal(err)
			}
			return
		}
		for _, it := range p.Items {
			if it.PK != "p" || !strings.HasPrefix(it.SK, q.Prefix) || it.SK < q.From {
				t.Fatalf("%v is not of %+v", it.Key, q)
			}
		}
	})
}

// FuzzReadChanges reads events: what is answered is whole, and the event read again says the same.
func FuzzReadChanges(f *testing.F) {
	f.Add([]byte(`{"Records":[` + recordHead + `"100","OldImage":` + image1 + `,"NewImage":` + image2 + `}}]}`))
	f.Add([]byte(`{"Records":[{}]}`))
	f.Fuzz(func(t *testing.T, event []byte) {
		list, err := dynamo.ReadChanges(bytes.Clone(event))
		again, _ := dynamo.ReadChanges(event)
		if !reflect.DeepEqual(list, again) {
			t.Fatal("read twice, not the same")
		}
		if _, ok := errors.AsType[*dynamo.Unread](err); err != nil && !ok {
			t.Fatal(err)
		}
		for _, c := range list {
			for _, it := range []*table.Item{c.Before, c.After} {
				if c.Position == "" || it != nil && (it.PK == "" || it.SK == "" || it.Version < 1) {
					t.Fatalf("%+v", c)
				}
			}
			if c.Before == nil && c.After == nil {
				t.Fatal("a change of nothing")
			}
		}
	})
}
