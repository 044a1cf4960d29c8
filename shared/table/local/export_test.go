package local

import (
	"errors"

	bolt "go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/table"
)

// What the fuzz tests reach into: the codec, without a file.

// AppendItem encodes an item as it lies in the file.
func AppendItem(it table.Item) []byte { return appendItem(nil, &it) }

// ReadItem is its inverse.
func ReadItem(k table.Key, b []byte) (table.Item, error) { return readItem(k, b) }

// EntryKey encodes an index entry's key, and ReadEntry is its inverse, without the partition.
func EntryKey(pk, sk, itemPK, itemSK string) []byte {
	return appendEntry(nil, pk, sk, appendKey(nil, itemPK, itemSK))
}

// ReadEntry reads what follows the partition key.
func ReadEntry(b []byte) (sk, itemPK, itemSK string, err error) { return readEntry(string(b)) }

// ReadChanges reads a record of the change log, to its end.
func ReadChanges(k, v []byte) error {
	r, err := readLog(k, v)
	if err != nil {
		return err
	}
	for range r.count {
		key, before, after, err := r.next()
		if err != nil {
			return err
		}
		if _, err := readChange(key, before, after); err != nil {
			return err
		}
	}
	return nil
}

// ReadToken reads a record of the tokens.
func ReadToken(k, v []byte) error {
	_, _, err := readToken(k, v)
	return err
}

// MakeCursor and ReadCursor are the codec of cursors.
func MakeCursor(q table.Query, last []byte) string { return makeCursor(&q, last) }

// ReadCursor gives the last key of the page before.
func ReadCursor(s string, q table.Query) ([]byte, error) { return readCursor(s, &q) }

// Queued is how many commits wait for the writer.
func (s *Store) Queued() int { return len(s.queue) }

// Transactions is how many bbolt transactions have written the file.
func (s *Store) Transactions() int {
	tx, err := s.db.Load().Begin(false)
	if err != nil {
		panic(err)
	}
	defer func() { _ = tx.Rollback() }()
	return tx.ID()
}

// FailSync makes the disk fail the next transaction in the worst way: everything is written, and the answer is an error. To be called
// before the first commit.
func (s *Store) FailSync(err error) {
	commit := s.w.sync
	s.w.sync = func(tx *bolt.Tx) error {
		s.w.sync = commit
		return errors.Join(commit(tx), err)
	}
}
