package local

import (
	"bytes"
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
		var cursors [2]*bolt.Cursor // one for all keys of a space: Bucket.Get makes one for each
		buf := make([]byte, 0, 256)
		for i := range keys {
			k := &keys[i]
			c := cursors[k.Space]
			if c == nil {
				c = tx.Bucket([2][]byte{bucketData, bucketKeys}[k.Space]).Cursor()
				cursors[k.Space] = c
			}
			buf = appendKey(buf[:0], k.PK, k.SK)
			at, v := c.Seek(buf)
			if !bytes.Equal(at, buf) {
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
