package local_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
)

// What is measured: the durable creation of an account as the API does it, five items in one commit, against the same keys and bytes put
// into one bucket of a bare bbolt file and synced, in the same run. The bare side is measured twice, with db.Batch, which groups, and
// with a transaction a client, and the ratio (x-bare) is to the faster. No feature of the table is left out on our side: conditions,
// seven index entries, token, change log.

func creation(n int) []table.Write {
	id := fmt.Sprintf("%026d", uint32(n)*2654435761) // spread like ids of many tenants
	tenant := fmt.Sprintf("tenant-%02d", n%16)
	at := fmt.Sprintf("20260102T%09d", n)
	doc := func(size int) []byte { return fmt.Appendf(nil, `{"id":"%s","rest":"%0*d"}`, id, size, n) }
	sealed := make([]byte, 400)
	for i := range sealed {
		sealed[i] = byte(n * i)
	}
	entry := func(pk, sk string) table.IndexKey { return table.IndexKey{PK: tenant + pk, SK: sk + "#" + id} }
	return []table.Write{
		table.Put(table.Item{Key: table.Key{PK: tenant + "#A#" + id, SK: "A"}, Doc: doc(600), Sealed: sealed, Index: map[table.Index]table.IndexKey{
			table.G1: entry("#AL#0", at), table.G2: entry("#O#"+fmt.Sprint(n%50), at), table.G3: entry("#D#"+fmt.Sprint(n%7), at), table.G5: entry("#N#0", id[20:]),
		}}, table.Absent),
		table.Put(table.Item{Key: table.Key{PK: tenant + "#BI#email#" + id, SK: "A#" + id}, Doc: doc(10)}, table.Absent),
		table.Put(table.Item{Key: table.Key{PK: tenant + "#BI#phone#" + id, SK: "A#" + id}, Doc: doc(10)}, table.Absent),
		table.Put(table.Item{Key: table.Key{PK: tenant + "#AU#20260102#0", SK: at + id}, Doc: doc(300), Sealed: sealed, Index: map[table.Index]table.IndexKey{
			table.G2: entry("#AUA#"+fmt.Sprint(n%50), at), table.G3: entry("#AUT#"+id, at),
		}}, table.Absent),
		table.Put(table.Item{Key: table.Key{PK: tenant + "#IK#" + id, SK: "IK"}, Doc: doc(500), Expires: time.Unix(1800000000+int64(n/1000), 0)}, table.Absent),
	}
}

// clients runs f with the numbers from 0 to n-1, spread over some goroutines, and gives the seconds it took.
func clients(b *testing.B, count, n int, f func(i int) error) float64 {
	b.Helper()
	var next atomic.Int64
	var g sync.WaitGroup
	start := time.Now()
	for range count {
		g.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if err := f(int(i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	g.Wait()
	return time.Since(start).Seconds()
}

func bare(b *testing.B, count, n int, update func(db *bolt.DB, f func(*bolt.Tx) error) error) float64 {
	b.Helper()
	db, err := bolt.Open(filepath.Join(b.TempDir(), "bare.db"), 0o600, &bolt.Options{NoFreelistSync: true, FreelistType: bolt.FreelistMapType, NoStatistics: true, InitialMmapSize: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("d")); return err }); err != nil {
		b.Fatal(err)
	}
	return clients(b, count, n, func(i int) error {
		writes := creation(i)
		return update(db, func(tx *bolt.Tx) error {
			bucket := tx.Bucket([]byte("d"))
			for _, w := range writes {
				v := append(append([]byte(nil), w.Item.Doc...), w.Item.Sealed...)
				if err := bucket.Put([]byte(w.Item.PK+w.Item.SK), v); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func BenchmarkCommit(b *testing.B) {
	for _, count := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("clients=%d", count), func(b *testing.B) {
			s, err := local.Open(filepath.Join(b.TempDir(), "table.db"), local.Options{Now: time.Now})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			b.ResetTimer()
			ours := clients(b, count, b.N, func(i int) error {
				return s.Commit(b.Context(), fmt.Sprintf("token-%d", i), creation(i)...)
			})
			b.StopTimer()
			batch := bare(b, count, b.N, (*bolt.DB).Batch)
			alone := bare(b, count, b.N, (*bolt.DB).Update)
			b.ReportMetric(ours/min(batch, alone), "x-bare")
			b.ReportMetric(float64(b.N)/ours, "commits/s")
			b.ReportMetric(float64(b.N)/batch, "bare-batch/s")
			b.ReportMetric(float64(b.N)/alone, "bare-alone/s")
		})
	}
}
