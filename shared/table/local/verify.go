package local

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/table"
)

// Verify reads the whole file and reports the first thing in it that does not hang together: a page that is lost or used twice, an
// unreadable record, an index or expiry entry without its item or an item without its entry, a gap in the change log, a stored item that
// is not what the log says was last written. It reads one snapshot; commits go on meanwhile. It is for tests, and for an operator who
// doubts a disk.
func (s *Store) Verify(ctx context.Context) error {
	return s.view(ctx, func(tx *bolt.Tx) error {
		var damage error
		for err := range tx.Check() { // to its end: it runs in a goroutine of its own
			if damage == nil {
				damage = err
			}
		}
		if damage != nil {
			return damage
		}
		v := verifier{tx: tx}
		for _, step := range []func() error{v.items, v.counts, v.log, v.tokens} {
			if err := step(); err != nil {
				return err
			}
		}
		return nil
	})
}

type verifier struct {
	tx      *bolt.Tx
	entries [indexes]int
	expires int
}

// items demands each item's entries, and counts them.
func (v *verifier) items() error {
	for space, name := range [][]byte{bucketData, bucketKeys} {
		c := v.tx.Bucket(name).Cursor()
		for key, value := c.First(); key != nil; key, value = c.Next() {
			if err := v.item(table.Space(space), key, value); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *verifier) item(space table.Space, key, value []byte) error {
	pk, sk, err := splitKey(key)
	if err != nil {
		return fmt.Errorf("data key %q: %w", key, err)
	}
	it, err := readItem(table.Key{Space: space, PK: string(pk), SK: string(sk)}, value)
	if err != nil {
		return fmt.Errorf("item %q: %w", key, err)
	}
	var want []byte
	if !it.Expires.IsZero() {
		v.expires++
		want = binary.BigEndian.AppendUint64(nil, uint64(it.Expires.Unix()))
		if v.tx.Bucket(bucketExpiry).Get(appendExpiry(nil, it.Expires.Unix(), space, key)) == nil {
			return fmt.Errorf("item %q without its expiry entry", key)
		}
	}
	for n, k := range it.Index {
		v.entries[n-table.G1]++
		got := v.tx.Bucket(bucketIndex[n-table.G1]).Get(appendEntry(nil, k.PK, k.SK, key))
		if got == nil || !bytes.Equal(got, want) {
			return fmt.Errorf("item %q without its entry in index %d", key, n)
		}
	}
	return nil
}

// counts finds entries without an item: every item has its entries, so there are exactly as many.
func (v *verifier) counts() error {
	count := func(name []byte) (n int) {
		c := v.tx.Bucket(name).Cursor()
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			n++
		}
		return n
	}
	for i, want := range v.entries {
		if n := count(bucketIndex[i]); n != want {
			return fmt.Errorf("%d entries in index %d for %d items", n, i+1, want)
		}
	}
	if n := count(bucketExpiry); n != v.expires {
		return fmt.Errorf("%d expiry entries for %d items", n, v.expires)
	}
	return nil
}

func (v *verifier) log() error {
	b := v.tx.Bucket(bucketLog)
	last := map[string][]byte{}
	next := uint64(0)
	c := b.Cursor()
	for k, value := c.First(); k != nil; k, value = c.Next() {
		r, err := readLog(k, value)
		if err != nil {
			return fmt.Errorf("change log at %x: %w", k, err)
		}
		if next != 0 && r.first != next {
			return fmt.Errorf("change log goes on at %d after %d", r.first, next-1)
		}
		next = r.first + r.count
		for range r.count {
			key, before, after, err := r.next()
			if err != nil {
				return fmt.Errorf("change log at %x: %w", k, err)
			}
			if was, seen := last[string(key)]; seen && !bytes.Equal(was, before) {
				return fmt.Errorf("change log at %d: item %q was not what the change before left", r.first, key)
			}
			last[string(key)] = after
		}
		if len(r.body) != 0 {
			return fmt.Errorf("change log at %x: %w", k, errCorrupt)
		}
	}
	if next != 0 && next != b.Sequence()+1 {
		return fmt.Errorf("change log ends at %d instead of %d", next-1, b.Sequence())
	}
	data := v.tx.Bucket(bucketData)
	for key, want := range last {
		if !bytes.Equal(data.Get([]byte(key)), want) {
			return fmt.Errorf("item %q is not what the change log says", key)
		}
	}
	return nil
}

func (v *verifier) tokens() error {
	return v.tx.Bucket(bucketTokens).ForEach(func(k, value []byte) error {
		if _, _, err := readToken(k, value); err != nil {
			return fmt.Errorf("token %x: %w", k, err)
		}
		return nil
	})
}
