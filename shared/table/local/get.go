package local

import (
	"context"

	bolt "go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/table"
)

// Get implements table.Table.
func (s *Store) Get(ctx context.Context, keys ...table.Key) ([]table.Item, error) {
	if err := table.CheckGet(keys); err != nil {
		return nil, err
	}
	if err := s.faults.before(Call{Op: "get", Keys: keys}); err != nil {
		return nil, err
	}
	var items []table.Item
	second := s.now().Unix()
	err := s.view(ctx, func(tx *bolt.Tx) error {
		var buckets [2]*bolt.Bucket
		var buf [256]byte
		for i := range keys {
			k := &keys[i]
			b := buckets[k.Space]
			if b == nil {
				b = tx.Bucket([2][]byte{bucketData, bucketKeys}[k.Space])
				buckets[k.Space] = b
			}
			v := b.Get(appendKey(buf[:0], k.PK, k.SK))
			if v == nil {
				continue
			}
			r, err := readRecord(v)
			if err != nil {
				return internal(err)
			}
			if r.expired(second) {
				continue
			}
			it, err := r.item(*k)
			if err != nil {
				return internal(err)
			}
			if items == nil {
				items = make([]table.Item, 0, len(keys)-i)
			}
			items = append(items, it)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return items, nil
}
