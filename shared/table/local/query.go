package local

import (
	"bytes"
	"context"
	"encoding/binary"

	bolt "go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/table"
)

// Query implements table.Table.
func (s *Store) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if err := table.CheckQuery(&q); err != nil {
		return table.Page{}, err
	}
	if err := s.faults.before(Call{Op: "query", Query: &q}); err != nil {
		return table.Page{}, err
	}
	r := rangeOf(&q)
	if q.Cursor != "" {
		last, err := readCursor(q.Cursor, &q)
		if err != nil {
			return table.Page{}, err
		}
		if err := r.resume(last, q.Reverse); err != nil {
			return table.Page{}, err
		}
	}
	page := table.Page{}
	second := s.now().Unix()
	read := func(tx *bolt.Tx) error {
		var err error
		page, err = readPage(tx, &q, r, second)
		return err
	}
	if q.Index != table.Base && s.stale(q) {
		return page, s.frozen.view(read)
	}
	err := s.view(ctx, read)
	return page, err
}

// keyRange is the part of a bucket that a query reads: from low, inclusive, to high, exclusive. part is how much of each key is the
// partition's.
type keyRange struct {
	low, high []byte
	part      int
}

func rangeOf(q *table.Query) keyRange {
	part := appendKey(make([]byte, 0, 2+len(q.PK)), q.PK, "")
	r := keyRange{low: part, high: after(part), part: len(part)}
	part = part[:len(part):len(part)] // so that each bound below gets its own memory
	base := q.Index == table.Base
	// On the base the sort key ends the key: it is itself the lowest, itself and a 0 is above. On an index it is followed by 0 1 and the
	// item's key, so that 0 1 is below and 0 2 above all entries of one sort key.
	switch {
	case q.Prefix != "" && base:
		r.low = append(part, q.Prefix...)
		r.high = after(r.low)
	case q.Prefix != "":
		r.low = appendEscaped(part, q.Prefix)
		r.high = after(r.low)
	}
	switch {
	case q.From != "" && base:
		r.low = append(part, q.From...)
	case q.From != "":
		r.low = appendEnded(part, q.From)
	}
	switch {
	case q.To != "" && base:
		r.high = append(append(part, q.To...), 0)
	case q.To != "":
		r.high = append(appendEscaped(part, q.To), 0, 2)
	}
	return r
}

// resume narrows the range to what lies beyond the last key of the page before.
func (r *keyRange) resume(last []byte, reverse bool) error {
	at := append(r.low[:r.part:r.part], last...)
	if bytes.Compare(at, r.low) < 0 || bytes.Compare(at, r.high) >= 0 {
		return errCursor()
	}
	if reverse {
		r.high = at
	} else {
		r.low = append(at, 0)
	}
	return nil
}

// walk yields the range's entries in order until each answers false.
func (r *keyRange) walk(b *bolt.Bucket, reverse bool, each func(k, v []byte) (bool, error)) error {
	c := b.Cursor()
	if !reverse {
		for k, v := c.Seek(r.low); k != nil && bytes.Compare(k, r.high) < 0; k, v = c.Next() {
			if more, err := each(k, v); !more || err != nil {
				return err
			}
		}
		return nil
	}
	before := c.Prev
	if k, _ := c.Seek(r.high); k == nil {
		before = c.Last
	}
	for k, v := before(); k != nil && bytes.Compare(k, r.low) >= 0; k, v = c.Prev() {
		if more, err := each(k, v); !more || err != nil {
			return err
		}
	}
	return nil
}

func readPage(tx *bolt.Tx, q *table.Query, r keyRange, second int64) (table.Page, error) {
	b := tx.Bucket(bucketData)
	if q.Index != table.Base {
		b = tx.Bucket(bucketIndex[q.Index-table.G1])
	}
	var page table.Page
	var last []byte
	size := 0
	err := r.walk(b, q.Reverse, func(k, v []byte) (bool, error) {
		it, live, err := readHit(q, k[r.part:], v, second)
		if err != nil {
			return false, internal(err)
		}
		if !live {
			return true, nil
		}
		size += 64 + 16*len(it.Index) + len(q.PK) + len(k) - r.part + len(v) // no less than it.Size
		if len(page.Items) == q.Limit || size > table.MaxPage && len(page.Items) > 0 {
			page.Cursor = makeCursor(q, last)
			return false, nil
		}
		if page.Items == nil {
			page.Items = make([]table.Item, 0, min(q.Limit, 16))
		}
		page.Items = append(page.Items, it)
		last = k[r.part:]
		return true, nil
	})
	if err != nil {
		return table.Page{}, err
	}
	return page, nil
}

// readHit reads what a query answers for one entry of its bucket; k is the key after the partition's part.
func readHit(q *table.Query, k, v []byte, second int64) (it table.Item, live bool, err error) {
	if q.Index == table.Base {
		r, err := readRecord(v)
		if err != nil || r.expired(second) {
			return it, false, err
		}
		it, err = r.item(table.Key{PK: q.PK, SK: string(k)})
		return it, err == nil, err
	}
	if len(v) == 8 && int64(binary.BigEndian.Uint64(v)) <= second {
		return it, false, nil
	}
	sk, itemPK, itemSK, err := readEntry(k)
	if err != nil {
		return it, false, err
	}
	it.Key = table.Key{PK: itemPK, SK: itemSK}
	it.Index = map[table.Index]table.IndexKey{q.Index: {PK: q.PK, SK: sk}}
	return it, true, nil
}
