package local

import (
	"crypto/sha256"
	"encoding/base64"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
)

// A cursor is base64url of: form 1, 8 bytes of the query's hash, and the last key of the page without its partition. The limit of a
// query is not part of the hash: a page may be followed by a larger one.

const (
	cursorForm = 1
	cursorHead = 1 + 8
)

func errCursor() error { return fault.New(fault.Malformed, "invalid_cursor") }

func makeCursor(q *table.Query, last []byte) string {
	b := make([]byte, 0, cursorHead+len(last))
	b = append(b, cursorForm)
	h := hashQuery(q)
	b = append(b, h[:]...)
	b = append(b, last...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// readCursor gives the last key of the page before, or the fault invalid_cursor when the cursor is not one of this query.
func readCursor(s string, q *table.Query) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) <= cursorHead || b[0] != cursorForm {
		return nil, errCursor()
	}
	if h := hashQuery(q); string(b[1:cursorHead]) != string(h[:]) {
		return nil, errCursor()
	}
	return b[cursorHead:], nil
}

func hashQuery(q *table.Query) (h [8]byte) {
	b := make([]byte, 0, 128)
	b = append(b, byte(q.Index), 0)
	if q.Reverse {
		b[1] = 1
	}
	for _, s := range [...]string{q.PK, q.Prefix, q.From, q.To} {
		b = appendSized(b, s)
	}
	full := sha256.Sum256(b)
	copy(h[:], full[:])
	return h
}
