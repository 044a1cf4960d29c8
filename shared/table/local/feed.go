package local

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strconv"

	bolt "go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
)

// Changes are read in pieces of at most this many, and end early when they hold this many bytes.
const (
	maxChanges  = 1000
	changeBytes = 8 << 20
)

// Changes implements table.Feed. A position is the number of a change as 16 hex digits, so that positions compare as strings. One that
// was trimmed meanwhile goes on at the oldest that is kept; one that this file never gave is the fault position_unknown.
func (s *Store) Changes(ctx context.Context, after string, limit int) ([]table.Change, string, error) {
	from, err := readPosition(after)
	if err != nil {
		return nil, after, err
	}
	if err := s.faults.before(Call{Op: "changes"}); err != nil {
		return nil, after, err
	}
	if limit < 1 || limit > maxChanges {
		limit = maxChanges
	}
	var out []table.Change
	err = s.view(ctx, func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketLog)
		if from > b.Sequence() {
			return fault.New(fault.Internal, "position_unknown")
		}
		var err error
		if out, err = readChanges(b, from, limit); err != nil {
			return internal(err)
		}
		return nil
	})
	if err != nil || len(out) == 0 {
		return nil, after, err
	}
	return out, out[len(out)-1].Position, nil
}

// Changed implements table.Feed.
func (s *Store) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}

func readChanges(b *bolt.Bucket, from uint64, limit int) ([]table.Change, error) {
	c := b.Cursor()
	want := binary.BigEndian.AppendUint64(nil, from+1)
	k, v := c.Seek(want)
	switch { // a position inside a commit: the record before holds the rest of it
	case k == nil:
		k, v = c.Last()
	case !bytes.Equal(k, want):
		if k, v = c.Prev(); k == nil {
			k, v = c.First()
		}
	}
	var out []table.Change
	size := 0
	for ; k != nil; k, v = c.Next() {
		r, err := readLog(k, v)
		if err != nil {
			return nil, err
		}
		for i := range r.count {
			key, before, after, err := r.next()
			if err != nil {
				return nil, err
			}
			if r.first+i <= from {
				continue
			}
			if len(out) == limit || size > changeBytes {
				return out, nil
			}
			ch, err := readChange(key, before, after)
			if err != nil {
				return nil, err
			}
			ch.Position, ch.At = position(r.first+i), r.at
			out = append(out, ch)
			size += len(key) + len(before) + len(after)
		}
	}
	return out, nil
}

func readChange(key, before, after []byte) (ch table.Change, err error) {
	pk, sk, err := splitKey(key)
	if err != nil {
		return ch, err
	}
	k := table.Key{PK: string(pk), SK: string(sk)}
	if len(before) > 0 {
		it, err := readItem(k, before)
		if err != nil {
			return ch, err
		}
		ch.Before = &it
	}
	if len(after) > 0 {
		it, err := readItem(k, after)
		if err != nil {
			return ch, err
		}
		ch.After = &it
	}
	if ch.Before == nil && ch.After == nil {
		return ch, errCorrupt
	}
	return ch, nil
}

func position(n uint64) string { return fmt.Sprintf("%016x", n) }

func readPosition(s string) (uint64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 16, 64)
	if err != nil || len(s) != 16 || n == 0 || n == 1<<64-1 {
		return 0, fault.New(fault.Internal, "position_unknown")
	}
	return n, nil
}
