package local_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local/localtest"
)

// The read benchmarks run on this many accounts as BenchmarkCommit creates them; the bare side holds the same bytes under the same keys,
// copies what it reads out of the file, as any reader must, and runs after ours in the same run.
const readAccounts = 10_000

func filled(b *testing.B) (table.Table, *bolt.DB) {
	b.Helper()
	s := localtest.Open(b, time.Now)
	db, err := bolt.Open(filepath.Join(b.TempDir(), "bare.db"), 0o600, &bolt.Options{NoSync: true, NoFreelistSync: true, FreelistType: bolt.FreelistMapType, NoStatistics: true, InitialMmapSize: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	for from := 0; from < readAccounts; from += 20 {
		var writes []table.Write
		for i := range 20 {
			writes = append(writes, creation(from+i)...)
		}
		if err := s.Commit(b.Context(), fmt.Sprint(from), writes...); err != nil {
			b.Fatal(err)
		}
		err := db.Update(func(tx *bolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists([]byte("d"))
			if err != nil {
				return err
			}
			for _, w := range writes {
				if err := bucket.Put([]byte(w.Item.PK+"\x00"+w.Item.SK), append(append([]byte(nil), w.Item.Doc...), w.Item.Sealed...)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return s, db
}

// compare reports our time against the bare one. The two take turns of a hundred calls, so that a busy machine slows both alike.
func compare(b *testing.B, ours, bare func(i int) error) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	b.StopTimer()
	var took [2]time.Duration
	for from := 0; from < b.N; from += 100 {
		for side, call := range []func(int) error{ours, bare} {
			if side == 0 {
				b.StartTimer()
			}
			start := time.Now()
			for i := from; i < min(from+100, b.N); i++ {
				if err := call(i); err != nil {
					b.Fatal(err)
				}
			}
			took[side] += time.Since(start)
			b.StopTimer()
		}
	}
	b.ReportMetric(took[0].Seconds()/took[1].Seconds(), "x-bare")
}

func BenchmarkGet(b *testing.B) {
	s, db := filled(b)
	for _, n := range []int{1, 20} {
		b.Run(fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			var keys []table.Key
			var plain [][]byte
			for i := range 1000 + n {
				k := creation(i * 7 % readAccounts)[0].Item.Key
				keys = append(keys, k)
				plain = append(plain, []byte(k.PK+"\x00"+k.SK))
			}
			compare(b, func(i int) error {
				items, err := s.Get(b.Context(), keys[i%1000:i%1000+n]...)
				if len(items) != n {
					return fmt.Errorf("%d items, %w", len(items), err)
				}
				return err
			}, func(i int) error {
				out := make([][]byte, 0, n)
				return db.View(func(tx *bolt.Tx) error {
					bucket := tx.Bucket([]byte("d"))
					for _, k := range plain[i%1000 : i%1000+n] {
						out = append(out, append([]byte(nil), bucket.Get(k)...))
					}
					return nil
				})
			})
		})
	}
}

func BenchmarkQuery100(b *testing.B) {
	s, db := filled(b)
	b.Run("base", func(b *testing.B) {
		compare(b, func(i int) error {
			p, err := s.Query(b.Context(), table.Query{PK: fmt.Sprintf("tenant-%02d#AU#20260102#0", i%16), Reverse: true, Limit: 100})
			if len(p.Items) != 100 {
				return fmt.Errorf("%d items, %w", len(p.Items), err)
			}
			return err
		}, func(i int) error {
			prefix := fmt.Appendf(nil, "tenant-%02d#AU#20260102#0\x01", i%16)
			out := make([][]byte, 0, 200)
			return db.View(func(tx *bolt.Tx) error {
				c := tx.Bucket([]byte("d")).Cursor()
				c.Seek(prefix)
				for range 100 {
					k, v := c.Prev()
					out = append(out, append([]byte(nil), k...), append([]byte(nil), v...))
				}
				return nil
			})
		})
	})
	b.Run("index", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			p, err := s.Query(b.Context(), table.Query{Index: table.G1, PK: fmt.Sprintf("tenant-%02d#AL#0", i%16), Reverse: true, Limit: 100})
			if err != nil || len(p.Items) != 100 {
				b.Fatal(len(p.Items), err)
			}
		}
	})
}
