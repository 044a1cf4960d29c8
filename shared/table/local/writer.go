package local

import (
	"encoding/binary"
	"runtime"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/table"
)

// The bounds of one bbolt transaction.
const (
	maxBatch      = 256      // commits
	maxBatchBytes = 16 << 20 // of their writes
)

// writer is what the writing goroutine keeps between batches.
type writer struct {
	opened time.Time
	held   *pending // taken from the queue and not fitting into the batch before
	batch  []*pending
	broken bool // a transaction failed: the file must be opened anew
}

// write is the writing goroutine.
func (s *Store) write() {
	defer close(s.done)
	for {
		p := s.w.held
		s.w.held = nil
		if p == nil {
			select {
			case p = <-s.queue:
			case <-s.quit:
				for { // what was queued before Close is still answered
					select {
					case p := <-s.queue:
						s.gather(p)
						s.runBatch()
					default:
						if s.w.held == nil {
							return
						}
						s.gather(nil)
						s.runBatch()
					}
				}
			}
		}
		s.gather(p)
		s.runBatch()
	}
}

// gather fills the batch with what is in the queue now. It waits for nothing, but lets those run first that the batch before has just
// answered: each may be about to commit again, and without them batches would alternate between one and all the others.
func (s *Store) gather(p *pending) {
	yields := min(len(s.w.batch), 4)
	s.w.batch = s.w.batch[:0]
	size := 0
	if p == nil {
		p, s.w.held = s.w.held, nil
	}
	for {
		if p != nil {
			if size += p.size; size > maxBatchBytes && len(s.w.batch) > 0 {
				s.w.held = p
				return
			}
			s.w.batch = append(s.w.batch, p)
		}
		if len(s.w.batch) == maxBatch {
			return
		}
		select {
		case p = <-s.queue:
			continue
		default:
		}
		if yields == 0 {
			return
		}
		yields--
		runtime.Gosched()
		p = nil
	}
}

func (s *Store) runBatch() {
	b := s.w.batch
	changed, err := s.apply(b)
	switch {
	case err == nil:
	case len(b) > 1 && !s.w.broken: // one commit met an unreadable record: the others need not suffer for it
		changed = false
		for i := range b {
			c, err := s.apply(b[i : i+1])
			if err != nil {
				b[i].err = err
			}
			changed = changed || c
		}
	default:
		for _, p := range b {
			p.err = err
		}
	}
	if changed {
		s.announce()
	}
	for i, p := range b {
		close(p.done)
		b[i] = nil
	}
}

// apply judges and applies the batch in one bbolt transaction and makes it durable. On an error nothing was applied, unless the writer
// is now broken: then only the file knows.
func (s *Store) apply(batch []*pending) (changed bool, err error) {
	if s.w.broken {
		if err := s.reopen(); err != nil {
			return false, unavailable(err)
		}
	}
	tx, err := s.db.Load().Begin(true)
	if err != nil {
		return false, unavailable(err)
	}
	t := newTurn(tx, s.now())
	for _, p := range batch {
		if err := s.applyOne(t, p); err != nil {
			_ = tx.Rollback()
			return false, internal(err)
		}
	}
	if t.applied == 0 { // nothing to write: leave the file as it is, byte for byte
		return false, tx.Rollback()
	}
	if err := t.tidy(s.w.opened); err != nil {
		_ = tx.Rollback()
		return false, internal(err)
	}
	if err := tx.Commit(); err != nil {
		s.w.broken = true
		return false, unavailable(err)
	}
	s.mu.Lock()
	for _, token := range t.forgotten {
		if u, ok := s.tokens.live[token.token]; ok && u.number == token.number {
			delete(s.tokens.live, token.token)
		}
	}
	for token, u := range t.tokens {
		s.tokens.live[token] = u
	}
	s.mu.Unlock()
	return t.logged, nil
}

func (s *Store) applyOne(t *turn, p *pending) error {
	if err := p.ctx.Err(); err != nil {
		p.err = unavailable(err)
		return nil
	}
	done, err := false, error(nil)
	if u, ok := t.tokens[p.token]; ok {
		done, err = u.verdict(p.digest, t.now)
	} else {
		done, err = s.lookup(p.token, p.digest, t.now)
	}
	if done || err != nil {
		p.err = err
		return nil
	}
	if p.err = judge(t.data, t.keys, p.ops, t.second); p.err != nil {
		return nil
	}
	return t.apply(p)
}

// reopen closes the file after a failed transaction and opens it again: after a failed sync only the file itself knows its state.
func (s *Store) reopen() error {
	s.ThawIndexes()
	_ = s.db.Load().Close() // an error of closing says no more than the one that brought us here
	if err := s.open(); err != nil {
		return err
	}
	s.w.broken = false
	return nil
}

func (s *Store) announce() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

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
