package local

import (
	"bytes"
	"encoding/binary"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/table"
)

// The change log has one record a commit: number of its first change → time as 8 bytes, count, and for each change its data key, the
// item before and the item after, each with its length; no item is length 0. The bucket's sequence is the number of the last change.

// logEntry collects what one commit changes.
type logEntry struct {
	count int
	body  []byte
}

func (e *logEntry) add(key, before, after []byte) {
	if e.body == nil {
		e.body = make([]byte, 0, 1024+len(before)+len(after))
	}
	e.count++
	e.body = appendSized(e.body, key)
	e.body = appendSized(e.body, before)
	e.body = appendSized(e.body, after)
}

func (t *turn) append(e logEntry) error {
	last := t.log.Sequence()
	if err := t.log.SetSequence(last + uint64(e.count)); err != nil {
		return err
	}
	t.logged = true
	b := make([]byte, 0, 8+binary.MaxVarintLen32+len(e.body))
	b = binary.BigEndian.AppendUint64(b, uint64(t.now.UnixNano()))
	b = binary.AppendUvarint(b, uint64(e.count))
	b = append(b, e.body...)
	return t.log.Put(binary.BigEndian.AppendUint64(nil, last+1), b)
}

// logRecord is a record of the log, taken apart.
type logRecord struct {
	first uint64
	at    time.Time
	count uint64
	body  []byte
}

func readLog(k, v []byte) (r logRecord, err error) {
	if len(k) != 8 || len(v) < 8 {
		return r, errCorrupt
	}
	r.first = binary.BigEndian.Uint64(k)
	r.at = time.Unix(0, int64(binary.BigEndian.Uint64(v))).UTC()
	n, w := binary.Uvarint(v[8:])
	if w <= 0 || n == 0 || n > uint64(len(v)) {
		return r, errCorrupt
	}
	r.count, r.body = n, v[8+w:]
	return r, nil
}

// next takes one change off the record's body.
func (r *logRecord) next() (key, before, after []byte, err error) {
	if key, r.body, err = readSized(r.body); err != nil {
		return nil, nil, nil, err
	}
	if before, r.body, err = readSized(r.body); err != nil {
		return nil, nil, nil, err
	}
	if after, r.body, err = readSized(r.body); err != nil {
		return nil, nil, nil, err
	}
	return key, before, after, nil
}

// Times after which old things go.
const (
	keepLog = 24 * time.Hour
	// graceLog is how long nothing is trimmed after a start: a machine that was off for a weekend still reads what it had not yet read.
	graceLog = 10 * time.Minute
)

// tidy removes what is past its time: expired items, old tokens, old changes. It takes away at most a little more than the batch
// brought, so that no commit waits for a large clean-up and the file still does not grow for ever.
func (t *turn) tidy(opened time.Time) error {
	bound := 16 + 2*t.applied
	if err := t.sweepExpired(bound); err != nil {
		return err
	}
	if err := t.trimTokens(bound); err != nil {
		return err
	}
	if t.now.Sub(opened) < graceLog {
		return nil
	}
	return trim(t.log, bound, func(k, v []byte) (bool, error) {
		r, err := readLog(k, v)
		return err == nil && t.now.Sub(r.at) > keepLog, err
	})
}

func (t *turn) trimTokens(bound int) error {
	return trim(t.tokenLog, bound, func(k, v []byte) (bool, error) {
		token, u, err := readToken(k, v)
		if err != nil || t.now.Sub(u.at) < table.TokenLife {
			return false, err
		}
		t.forgotten = append(t.forgotten, forgotten{token, u.number})
		return true, nil
	})
}

// trim deletes from the front while old says so. Keys are collected first: deleting under a bbolt cursor skips entries.
func trim(b *bolt.Bucket, bound int, old func(k, v []byte) (bool, error)) error {
	var keys [][]byte
	c := b.Cursor()
	for k, v := c.First(); k != nil && len(keys) < bound; k, v = c.Next() {
		ok, err := old(k, v)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		keys = append(keys, bytes.Clone(k))
	}
	for _, k := range keys {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

// sweepExpired deletes expired items; in the Data space each is a change of the log.
func (t *turn) sweepExpired(bound int) error {
	var due [][]byte
	c := t.expiry.Cursor()
	for k, _ := c.First(); k != nil && len(due) < bound; k, _ = c.Next() {
		if len(k) < 9 {
			return errCorrupt
		}
		if int64(binary.BigEndian.Uint64(k)) > t.second {
			break
		}
		due = append(due, bytes.Clone(k))
	}
	var e logEntry
	for _, k := range due {
		space, key := table.Space(k[8]), k[9:]
		stored := t.bucket(space).Get(key)
		old, err := readRecord(stored)
		if err != nil { // leave the unreadable item to its readers, and do not meet it again
			err = t.expiry.Delete(k)
		} else {
			err = t.remove(space, key, stored, &old, &e)
		}
		if err != nil {
			return err
		}
	}
	if e.count == 0 {
		return nil
	}
	return t.append(e)
}
