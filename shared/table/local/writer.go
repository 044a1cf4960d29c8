package local

import (
	"runtime"
	"time"

	bolt "go.etcd.io/bbolt"
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
	broken bool                 // a transaction failed: the file must be opened anew
	sync   func(*bolt.Tx) error // (*bolt.Tx).Commit
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
	if changed || s.w.broken { // when nobody knows, the readers of the feed had better look
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
	if err := s.w.sync(tx); err != nil {
		s.w.broken = true
		return false, unavailable(err)
	}
	tuneFreelist(s.db.Load())
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
