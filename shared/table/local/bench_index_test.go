package local_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
	"github.com/steward-crm/steward/shared/table/local/localtest"
)

// listed fills an index partition with entries of the form that lists walk, and a bare bbolt file with the very keys of those entries.
func listed(b *testing.B, n int) (table.Table, *bolt.DB, []table.Key) {
	b.Helper()
	s := localtest.Open(b, time.Now)
	db, err := bolt.Open(filepath.Join(b.TempDir(), "bare.db"), 0o600, &bolt.Options{NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	var keys []table.Key
	for from := 0; from < n; from += 100 {
		var writes []table.Write
		for i := range 100 {
			w := creation(from + i)[0]
			at := w.Item.Index[table.G1]
			at.PK = "listed"
			w.Item.Index[table.G1] = at
			writes, keys = append(writes, w), append(keys, w.Item.Key)
		}
		if err := s.Commit(b.Context(), fmt.Sprint(from), writes...); err != nil {
			b.Fatal(err)
		}
		err := db.Update(func(tx *bolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists([]byte("g1"))
			for _, w := range writes {
				at := w.Item.Index[table.G1]
				if err == nil {
					err = bucket.Put(local.EntryKey(at.PK, at.SK, w.Item.PK, w.Item.SK), nil)
				}
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return s, db, keys
}

// BenchmarkIndexWalk reads an index partition of 10,000 entries to its end, in pages of 1,000 as lists and counts do. The bare side is a
// cursor over the same entries that copies nothing.
func BenchmarkIndexWalk(b *testing.B) {
	const entries = 10_000
	s, db, _ := listed(b, entries)
	walk := func(int) error {
		n := 0
		q := table.Query{Index: table.G1, PK: "listed", Reverse: true, Limit: 1000}
		for {
			p, err := s.Query(b.Context(), q)
			if err != nil {
				return err
			}
			n += len(p.Items)
			if q.Cursor = p.Cursor; q.Cursor == "" {
				break
			}
		}
		if n != entries {
			return fmt.Errorf("%d entries", n)
		}
		return nil
	}
	compare(b, walk, func(int) error {
		n, size := 0, 0
		return db.View(func(tx *bolt.Tx) error {
			c := tx.Bucket([]byte("g1")).Cursor()
			for k, _ := c.Last(); k != nil; k, _ = c.Prev() {
				n, size = n+1, size+len(k)
			}
			if n != entries {
				return fmt.Errorf("%d entries of %d bytes", n, size)
			}
			return nil
		})
	})
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/entries, "ns/item")
	b.ReportMetric(testing.AllocsPerRun(1, func() { _ = walk(0) })/entries, "allocs/item")
}

// BenchmarkGet100 reads what an index page nominates, as the other half of a list does.
func BenchmarkGet100(b *testing.B) {
	s, _, keys := listed(b, 10_000)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		from := i * 100 % len(keys)
		items, err := s.Get(b.Context(), keys[from:from+100]...)
		if err != nil || len(items) != 100 {
			b.Fatal(len(items), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/item")
}
