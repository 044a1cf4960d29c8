package local

import (
	"bytes"
	"context"
	"encoding/binary"
	"strings"

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

// readPage walks the page twice: a step of the cursor costs much less than memory that grows, and a page whose size is known is read into
// two pieces, one for its items and one for all their keys.
func readPage(tx *bolt.Tx, q *table.Query, r keyRange, second int64) (table.Page, error) {
	b := tx.Bucket(bucketData)
	if q.Index != table.Base {
		b = tx.Bucket(bucketIndex[q.Index-table.G1])
	}
	m, err := measure(b, q, r, second)
	if err != nil || m.items == 0 {
		return table.Page{}, err
	}
	page := table.Page{Items: make([]table.Item, 0, m.items)}
	if m.more {
		page.Cursor = makeCursor(q, m.last)
	}
	var keys strings.Builder
	keys.Grow(m.keys)
	err = r.walk(b, q.Reverse, func(k, v []byte) (bool, error) {
		if _, live, err := living(q, v, second); !live {
			return true, err
		}
		from := keys.Len()
		_, _ = keys.Write(k[r.part:])
		page.Items = append(page.Items, table.Item{})
		err := readHit(&page.Items[len(page.Items)-1], q, keys.String()[from:], v)
		return len(page.Items) < m.items, err
	})
	if err != nil {
		return table.Page{}, internal(err)
	}
	return page, nil
}

// measured is what a page will hold.
type measured struct {
	items int
	keys  int    // bytes of the keys, each without the partition's part
	last  []byte // the last of them, lying in the file
	more  bool   // the range goes on after it
}

func measure(b *bolt.Bucket, q *table.Query, r keyRange, second int64) (measured, error) {
	var m measured
	size := 0
	err := r.walk(b, q.Reverse, func(k, v []byte) (bool, error) {
		n, live, err := living(q, v, second)
		if !live {
			return true, err
		}
		size += 64 + 16*n + len(q.PK) + len(k) - r.part + len(v) // no less than Item.Size
		if m.more = m.items == q.Limit || size > table.MaxPage && m.items > 0; m.more {
			return false, nil
		}
		m.items++
		m.last = k[r.part:]
		m.keys += len(m.last)
		return true, nil
	})
	if err != nil {
		return measured{}, internal(err)
	}
	return m, nil
}

// living reports whether what lies under a key has not expired, and how many index keys it counts.
func living(q *table.Query, v []byte, second int64) (n int, live bool, err error) {
	if q.Index == table.Base {
		r, err := readRecord(v)
		return r.indexed(), err == nil && !r.expired(second), err
	}
	switch len(v) {
	case 0:
		return 1, true, nil
	case 8:
		return 1, int64(binary.BigEndian.Uint64(v)) > second, nil
	}
	return 0, false, errCorrupt
}

// readHit reads what a query answers for one key of its bucket; k is the key after the partition's part.
func readHit(it *table.Item, q *table.Query, k string, v []byte) (err error) {
	if q.Index == table.Base {
		*it, err = readItem(table.Key{PK: q.PK, SK: k}, v)
		return err
	}
	it.At.PK = q.PK
	it.At.SK, it.PK, it.SK, err = readEntry(k)
	return err
}
