package audit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/keys"
	"github.com/steward-crm/steward/shared/table"
)

// Log numbers each tenant's events without a gap and chains them by hash, from the change feed: entry n holds the hash of the event and
// the hash of all before it, and the head is signed with a key that never leaves the key service. Whoever changes, removes or reorders an
// event, or cuts the log short behind the head, is found by Verify. The log is apart from the change's own commit because one counter
// for a tenant would make every change wait for every other; it follows the changes by moments.
type Log struct {
	table table.Table
	feed  table.Feed
	keys  keys.Keys
}

// NewLog returns the log over the table, its feed and the key service.
func NewLog(t table.Table, f table.Feed, k keys.Keys) *Log { return &Log{table: t, feed: f, keys: k} }

// Head is the newest state of a tenant's log, signed: a checkpoint.
type Head struct {
	Number int64     `json:"number"` // of the last entry; 0 is an empty log
	Hash   []byte    `json:"hash"`   // chained over all entries
	At     time.Time `json:"at"`     // of the newest event so far: never goes back
	MAC    []byte    `json:"mac"`    // of tenant, number, hash and time, under the audit key
}

type entry struct {
	Number int64     `json:"number"`
	Event  id.Event  `json:"event"`
	At     time.Time `json:"at"`   // of the event: names its partition
	Leaf   []byte    `json:"leaf"` // hash of the event as stored
	Hash   []byte    `json:"hash"` // hash of the previous entry's Hash and this Leaf
}

// perCommit events take two writes each, and the head one.
const perCommit = (table.MaxWrites - 1) / 2

// seenLife outlasts the feed, so that an event that is delivered twice is numbered once.
const seenLife = 48 * time.Hour

var position = key.Control("FEED", "auditlog")

// Follow numbers what the feed holds and then waits for more, until the context ends.
func (l *Log) Follow(ctx context.Context, now func() time.Time) error {
	for {
		changed := l.feed.Changed()
		n, err := l.Advance(ctx, now())
		if err != nil && !fault.IsKind(err, fault.Unavailable) {
			return err
		}
		if n > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// Advance numbers one batch of the feed and answers how many changes it looked at; 0 says that the log is up to date. Two processes may
// run it at once: each event is numbered once.
func (l *Log) Advance(ctx context.Context, now time.Time) (int, error) {
	at, err := l.table.Get(ctx, position)
	if err != nil {
		return 0, err
	}
	var pos struct {
		After string `json:"after"`
	}
	cond := table.Absent
	if len(at) > 0 {
		cond = table.VersionIs(at[0].Version)
		if err := json.Unmarshal(at[0].Doc, &pos); err != nil {
			return 0, err
		}
	}
	changes, next, err := l.feed.Changes(ctx, pos.After, 500)
	if err != nil || len(changes) == 0 {
		return 0, err
	}
	found, err := l.Take(ctx, changes, now)
	if err != nil {
		return 0, err
	}
	if found == 0 && len(changes) < 500 && onlyOwn(changes) {
		return 0, nil // our own writes: moving the position for them would never end
	}
	pos.After = next
	doc, err := json.Marshal(pos)
	if err != nil {
		return 0, err
	}
	err = l.table.Commit(ctx, token("position", next), table.Put(table.Item{Key: position, Doc: doc}, cond))
	if _, moved := errors.AsType[*table.ConditionFailed](err); moved {
		err = nil // another process moved it
	}
	return len(changes), err
}

// Take numbers the events among the changes that have no number yet, and answers how many events there were, known ones included. It keeps no
// position: it is for who is handed the changes, by a stream, say. They may come again, and those of different partitions in any order.
func (l *Log) Take(ctx context.Context, changes []table.Change, now time.Time) (found int, err error) {
	byTenant := map[id.Tenant][]table.Item{}
	for _, c := range changes {
		if c.After == nil {
			continue
		}
		if t, ok := key.TenantOf(c.After.PK); ok && key.IsAuditEvent(c.After.Key) {
			byTenant[t] = append(byTenant[t], *c.After)
			found++
		}
	}
	for t, events := range byTenant {
		for len(events) > 0 {
			n := min(len(events), perCommit)
			if err := l.append(ctx, t, events[:n], now); err != nil {
				return 0, err
			}
			events = events[n:]
		}
	}
	return found, nil
}

// onlyOwn reports whether the log itself wrote every change.
func onlyOwn(changes []table.Change) bool {
	for _, c := range changes {
		it := c.After
		if it == nil {
			it = c.Before
		}
		if it.Key != position && !key.IsAuditLog(it.Key) {
			return false
		}
	}
	return true
}

// append numbers the events in the order of the feed, leaving out those that have a number.
func (l *Log) append(ctx context.Context, t id.Tenant, events []table.Item, now time.Time) error {
	for range 5 {
		head, version, err := l.head(ctx, t)
		if err != nil {
			return err
		}
		fresh, err := l.unseen(ctx, t, events)
		if err != nil || len(fresh) == 0 {
			return err
		}
		var writes []table.Write
		for _, it := range fresh {
			e, err := FromItem(it)
			if err != nil {
				return err
			}
			leaf := leafHash(it)
			head.Number++
			head.Hash = chain(head.Hash, leaf)
			if e.At.After(head.At) {
				head.At = e.At
			}
			doc, err := json.Marshal(entry{Number: head.Number, Event: e.ID, At: e.At, Leaf: leaf, Hash: head.Hash})
			if err != nil {
				return err
			}
			writes = append(writes,
				table.Put(table.Item{Key: key.AuditLogEntry(t, head.Number), Doc: doc}, table.Absent),
				table.Put(table.Item{Key: key.AuditLogSeen(t, e.ID), Expires: now.Add(seenLife)}, table.Absent))
		}
		if head.MAC, err = l.mac(ctx, t, head); err != nil {
			return err
		}
		doc, err := json.Marshal(head)
		if err != nil {
			return err
		}
		cond := table.Absent
		if version > 0 {
			cond = table.VersionIs(version)
		}
		writes = append(writes, table.Put(table.Item{Key: key.AuditLogHead(t), Doc: doc}, cond))
		err = l.table.Commit(ctx, token("append", string(t), string(head.MAC)), writes...)
		if _, moved := errors.AsType[*table.ConditionFailed](err); !moved {
			return err
		}
	}
	return fault.New(fault.Unavailable, "busy")
}

func (l *Log) unseen(ctx context.Context, t id.Tenant, events []table.Item) ([]table.Item, error) {
	keys := make([]table.Key, len(events))
	for i, it := range events {
		keys[i] = key.AuditLogSeen(t, id.Event(it.SK))
	}
	rows, err := l.table.Get(ctx, keys...)
	if err != nil {
		return nil, err
	}
	seen := map[table.Key]bool{}
	for _, r := range rows {
		seen[r.Key] = true
	}
	var fresh []table.Item
	for i, it := range events {
		if !seen[keys[i]] {
			seen[keys[i]] = true
			fresh = append(fresh, it)
		}
	}
	return fresh, nil
}

// Head reads the tenant's checkpoint.
func (l *Log) Head(ctx context.Context, t id.Tenant) (Head, error) {
	h, _, err := l.head(ctx, t)
	return h, err
}

func (l *Log) head(ctx context.Context, t id.Tenant) (Head, int64, error) {
	rows, err := l.table.Get(ctx, key.AuditLogHead(t))
	if err != nil || len(rows) == 0 {
		return Head{}, 0, err
	}
	var h Head
	err = json.Unmarshal(rows[0].Doc, &h)
	return h, rows[0].Version, err
}

// leafHash covers the event as it is stored. The sealed part is left out: it dies with its account's key, and the event's keyed digest
// stands for it.
func leafHash(it table.Item) []byte {
	h := sha256.New()
	h.Write([]byte("steward audit leaf 1"))
	for _, part := range [][]byte{[]byte(it.PK), []byte(it.SK), it.Doc} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	return h.Sum(nil)
}

func chain(prev, leaf []byte) []byte {
	h := sha256.New()
	h.Write([]byte("steward audit node 1"))
	h.Write(prev)
	h.Write(leaf)
	return h.Sum(nil)
}

func (l *Log) mac(ctx context.Context, t id.Tenant, h Head) ([]byte, error) {
	m := []byte("steward audit head 1\x00" + string(t) + "\x00")
	m = binary.BigEndian.AppendUint64(m, uint64(h.Number))
	m = binary.BigEndian.AppendUint64(m, uint64(h.At.UnixMilli()))
	return l.keys.Mac(ctx, keys.Audit, append(m, h.Hash...))
}

// token names one commit of the log: the same append again is the same commit.
func token(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
