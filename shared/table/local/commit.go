package local

import (
	"context"

	bolt "go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/table"
)

// op is one write, encoded before it is queued so that the writer has little left to do.
type op struct {
	kind    table.Op
	space   table.Space
	cond    table.Cond
	at      table.Key
	key     []byte
	value   []byte // of a put: the item, its version left blank
	expires int64
	entries [indexes][]byte // of a put: its entry keys; nil: not in the index
}

// pending is a commit on its way to the writer.
type pending struct {
	ctx    context.Context
	token  sum
	digest sum
	ops    []op
	size   int
	err    error
	done   chan struct{} // closed when err is final
}

// Commit implements table.Table. While it waits for the writer, the end of the context leaves open whether the commit is applied.
func (s *Store) Commit(ctx context.Context, token string, writes ...table.Write) error {
	if err := table.CheckCommit(token, writes); err != nil {
		return err
	}
	if err := s.faults.before(Call{Op: "commit", Token: token, Writes: writes}); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	if err := s.commit(ctx, token, writes); err != nil {
		return err
	}
	return s.faults.after(Call{Op: "commit", Token: token, Writes: writes})
}

func (s *Store) commit(ctx context.Context, token string, writes []table.Write) error {
	p := &pending{ctx: ctx, token: hashToken(token), ops: encode(writes)}
	p.digest = digest(p.ops)
	if !writesAny(p.ops) {
		return s.check(ctx, p)
	}
	for i := range p.ops {
		p.size += len(p.ops[i].key) + len(p.ops[i].value)
	}
	p.done = make(chan struct{})
	select {
	case <-s.quit:
		return unavailable(errClosed)
	default:
	}
	select {
	case s.queue <- p:
	case <-ctx.Done():
		return unavailable(ctx.Err())
	case <-s.done:
		return unavailable(errClosed)
	}
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return unavailable(ctx.Err())
	case <-s.done:
	}
	select {
	case <-p.done:
		return p.err
	default:
		return unavailable(errClosed)
	}
}

// check judges a commit of conditions alone, on a snapshot.
func (s *Store) check(ctx context.Context, p *pending) error {
	now := s.now()
	if done, err := s.lookup(p.token, p.digest, now); done || err != nil {
		return err
	}
	err := s.view(ctx, func(tx *bolt.Tx) error {
		return judge(tx.Bucket(bucketData), tx.Bucket(bucketKeys), p.ops, now.Unix())
	})
	if err == nil {
		s.rememberChecks(p.token, p.digest, now)
	}
	return err
}

func encode(writes []table.Write) []op {
	ops := make([]op, len(writes))
	for i := range writes {
		w, o := &writes[i], &ops[i]
		o.kind, o.space, o.cond, o.at = w.Op, w.Item.Space, w.If, w.Item.Key
		if w.Op != table.OpPut {
			o.key = appendKey(make([]byte, 0, 2+len(w.Item.PK)+len(w.Item.SK)), w.Item.PK, w.Item.SK)
			continue
		}
		// One piece of memory holds the key, the item and its entry keys.
		buf := make([]byte, 0, 2+len(w.Item.PK)+len(w.Item.SK)+w.Item.Size()+len(w.Item.Index)*(16+len(w.Item.PK)+len(w.Item.SK)))
		buf = appendKey(buf, w.Item.PK, w.Item.SK)
		n := len(buf)
		o.key = buf[:n:n]
		it := w.Item
		it.Version = 0
		buf = appendItem(buf, &it)
		o.value = buf[n:len(buf):len(buf)]
		o.expires = expirySecond(it.Expires)
		for x, k := range it.Index {
			from := len(buf)
			buf = appendEntry(buf, k.PK, k.SK, o.key)
			o.entries[x-table.G1] = buf[from:len(buf):len(buf)]
		}
	}
	return ops
}

func writesAny(ops []op) bool {
	for i := range ops {
		if ops[i].kind != table.OpCheck {
			return true
		}
	}
	return false
}

// judge holds every condition against the state. It answers nil, *table.ConditionFailed, or an error of reading.
func judge(data, keys *bolt.Bucket, ops []op, second int64) error {
	var failed []table.FailedWrite
	for i := range ops {
		o := &ops[i]
		if o.cond.Kind == table.CondNone {
			continue
		}
		b := data
		if o.space == table.Keys {
			b = keys
		}
		stored := b.Get(o.key)
		var r record
		if stored != nil {
			var err error
			if r, err = readRecord(stored); err != nil {
				return internal(err)
			}
			if r.expired(second) {
				stored = nil
			}
		}
		ok, err := holds(o.cond, stored != nil, &r)
		if err != nil {
			return internal(err)
		}
		if ok {
			continue
		}
		f := table.FailedWrite{Write: i}
		if stored != nil {
			it, err := r.item(o.at)
			if err != nil {
				return internal(err)
			}
			f.Item = &it
		}
		failed = append(failed, f)
	}
	if failed != nil {
		return &table.ConditionFailed{Failed: failed}
	}
	return nil
}

func holds(c table.Cond, there bool, r *record) (bool, error) {
	switch c.Kind {
	case table.CondAbsent:
		return !there, nil
	case table.CondPresent:
		return there, nil
	case table.CondVersion:
		return there && r.version == c.Version, nil
	case table.CondEquals:
		if !there {
			return false, nil
		}
		doc, err := r.doc()
		return err == nil && memberIs(doc, c.Name, c.Value), err
	default:
		return true, nil
	}
}
