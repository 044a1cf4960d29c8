package local_test

import (
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local/localtest"
)

func TestSmoke(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := localtest.Open(t, func() time.Time { return now })
	ctx := t.Context()
	k := table.Key{PK: "p", SK: "s"}
	it := table.Item{Key: k, Doc: []byte(`{"a":"b"}`), Sealed: []byte{1, 2}, Index: map[table.Index]table.IndexKey{table.G2: {PK: "x", SK: "y"}}, Expires: now.Add(time.Hour)}
	for range 2 {
		if err := s.Commit(ctx, "t1", table.Put(it, table.Absent)); err != nil {
			t.Fatal(err)
		}
	}
	t.Log(s.Commit(ctx, "t2", table.Put(it, table.Absent)))
	t.Log(s.Commit(ctx, "t3", table.Put(it, table.Equals("a", "b"))))
	t.Log(s.Get(ctx, k))
	t.Log(s.Query(ctx, table.Query{PK: "p"}))
	t.Log(s.Query(ctx, table.Query{PK: "x", Index: table.G2, From: "y", To: "y"}))
	t.Log(s.Changes(ctx, "", 10))
	for it, err := range s.Scan(ctx, 0, 1) {
		t.Log(it, err)
	}
	now = now.Add(time.Hour)
	t.Log(s.Get(ctx, k))
	t.Log(s.Commit(ctx, "t4", table.Put(table.Item{Key: table.Key{PK: "o", SK: "s"}}, table.Absent)))
	t.Log(s.Changes(ctx, "0000000000000001", 10))
}
