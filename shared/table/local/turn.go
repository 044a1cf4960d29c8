package local

import (
	"encoding/binary"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/table"
)

// turn is one bbolt transaction with the buckets at hand.
type turn struct {
	now        time.Time
	second     int64
	data, keys *bolt.Bucket
	index      [indexes]*bolt.Bucket
	log        *bolt.Bucket
	tokenLog   *bolt.Bucket
	expiry     *bolt.Bucket
	tokens     map[sum]used
	forgotten  []forgotten
	applied    int
	logged     bool
	scratch    []byte
}

type forgotten struct {
	token  sum
	number uint64
}

func newTurn(tx *bolt.Tx, now time.Time) *turn {
	t := &turn{
		now: now, second: now.Unix(), tokens: map[sum]used{},
		data: tx.Bucket(bucketData), keys: tx.Bucket(bucketKeys),
		log: tx.Bucket(bucketLog), tokenLog: tx.Bucket(bucketTokens), expiry: tx.Bucket(bucketExpiry),
	}
	for i := range bucketIndex {
		t.index[i] = tx.Bucket(bucketIndex[i])
	}
	// These grow at their end only: full pages instead of half full ones.
	t.log.FillPercent, t.tokenLog.FillPercent = 0.95, 0.95
	return t
}

// apply writes a commit whose conditions hold.
func (t *turn) apply(p *pending) error {
	var entry logEntry
	for i := range p.ops {
		if err := t.write(&p.ops[i], &entry); err != nil {
			return err
		}
	}
	t.applied++
	if entry.count > 0 {
		if err := t.append(entry); err != nil {
			return err
		}
	}
	n, err := t.tokenLog.NextSequence()
	if err != nil {
		return err
	}
	u := used{at: t.now, number: n, digest: p.digest}
	t.tokens[p.token] = u
	return t.tokenLog.Put(binary.BigEndian.AppendUint64(nil, n), appendToken(make([]byte, 0, tokenLen), p.token, u))
}

func (t *turn) bucket(space table.Space) *bolt.Bucket {
	if space == table.Keys {
		return t.keys
	}
	return t.data
}

func (t *turn) write(o *op, e *logEntry) error {
	if o.kind == table.OpCheck {
		return nil
	}
	b := t.bucket(o.space)
	stored := b.Get(o.key)
	var old record
	if stored != nil {
		var err error
		if old, err = readRecord(stored); err != nil {
			return err
		}
	}
	if o.kind == table.OpDelete {
		if stored == nil {
			return nil
		}
		return t.remove(o.space, o.key, stored, &old, e)
	}
	version := int64(1)
	if stored != nil && !old.expired(t.second) {
		version = old.version + 1
	}
	binary.BigEndian.PutUint64(o.value[1:], uint64(version))
	if o.space == table.Data {
		e.add(o.key, stored, o.value)
	}
	if err := t.unlist(o.space, o.key, &old, o); err != nil {
		return err
	}
	if err := t.list(o, &old); err != nil {
		return err
	}
	return b.Put(o.key, o.value)
}

// remove takes a stored item away with all that points to it.
func (t *turn) remove(space table.Space, key, stored []byte, old *record, e *logEntry) error {
	if space == table.Data {
		e.add(key, stored, nil)
	}
	if err := t.unlist(space, key, old, nil); err != nil {
		return err
	}
	return t.bucket(space).Delete(key)
}

// unlist removes the entries of the old item that the new one, if any, does not have.
func (t *turn) unlist(space table.Space, key []byte, old *record, next *op) error {
	if old.expires != 0 && (next == nil || next.expires != old.expires) {
		t.scratch = appendExpiry(t.scratch[:0], old.expires, space, key)
		if err := t.expiry.Delete(t.scratch); err != nil {
			return err
		}
	}
	if old.mask&^maskExpiry == 0 {
		return nil
	}
	var failed error
	_, err := old.entries(func(n int, pk, sk span) {
		t.scratch = appendEntry(t.scratch[:0], old.rest[pk.from:pk.to], old.rest[sk.from:sk.to], key)
		if next != nil && string(t.scratch) == string(next.entries[n]) {
			return
		}
		if err := t.index[n].Delete(t.scratch); err != nil {
			failed = err
		}
	})
	if err != nil {
		return err
	}
	return failed
}

// list adds the entries of the new item. An entry's value is the second of its expiry, so that an index read needs no item.
func (t *turn) list(o *op, old *record) error {
	var value []byte
	if o.expires != 0 {
		value = binary.BigEndian.AppendUint64(nil, uint64(o.expires))
		if o.expires != old.expires {
			if err := t.expiry.Put(appendExpiry(nil, o.expires, o.space, o.key), nil); err != nil {
				return err
			}
		}
	}
	for n, entry := range o.entries {
		if entry == nil {
			continue
		}
		if err := t.index[n].Put(entry, value); err != nil {
			return err
		}
	}
	return nil
}
