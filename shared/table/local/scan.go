package local

import (
	"bytes"
	"context"
	"hash/fnv"
	"iter"

	bolt "go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
)

// scanBytes is how much Scan reads under one snapshot. A snapshot that lived as long as the scan would keep pages from being used again,
// and could not outlive a growing file.
const scanBytes = 256 << 10

// Scan implements table.Table. Expired items are left out.
func (s *Store) Scan(ctx context.Context, segment, of int) iter.Seq2[table.Item, error] {
	return func(yield func(table.Item, error) bool) {
		if of < 1 || segment < 0 || segment >= of {
			yield(table.Item{}, fault.New(fault.Internal, "query_malformed"))
			return
		}
		if err := s.faults.before(Call{Op: "scan"}); err != nil {
			yield(table.Item{}, err)
			return
		}
		var from []byte
		for {
			items, next, err := s.scanPart(ctx, from, segment, of)
			for i := range items {
				if !yield(items[i], nil) {
					return
				}
			}
			if err != nil {
				yield(table.Item{}, err)
				return
			}
			if next == nil {
				return
			}
			from = next
		}
	}
}

// scanPart reads some of the items from the key on, and gives the key to go on from; nil: the end.
func (s *Store) scanPart(ctx context.Context, from []byte, segment, of int) (items []table.Item, next []byte, err error) {
	second := s.now().Unix()
	err = s.view(ctx, func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketData).Cursor()
		read := 0
		k, v := c.Seek(from)
		for ; k != nil && read < scanBytes; k, v = c.Next() {
			read += len(k) + len(v)
			pk, sk, err := splitKey(k)
			if err != nil {
				return internal(err)
			}
			if of > 1 && segmentOf(pk, of) != segment {
				continue
			}
			r, err := readRecord(v)
			if err != nil {
				return internal(err)
			}
			if r.expired(second) {
				continue
			}
			it, err := r.item(table.Key{PK: string(pk), SK: string(sk)})
			if err != nil {
				return internal(err)
			}
			items = append(items, it)
		}
		next = bytes.Clone(k)
		return nil
	})
	return items, next, err
}

func segmentOf(pk []byte, of int) int {
	h := fnv.New32a()
	_, _ = h.Write(pk)
	return int(h.Sum32() % uint32(of))
}
