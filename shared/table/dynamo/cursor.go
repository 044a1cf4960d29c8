package dynamo

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
)

// A cursor is base64url of: form 1, 8 bytes of the query's hash, and the keys of the page's last item: of the base its sort key, of an index
// the entry's sort key and the item's two, the first two of them after their length. The limit is not part of the hash: a page may be
// followed by a larger one.
const (
	cursorForm = 1
	cursorHead = 1 + 8
)

func errCursor() error { return fault.New(fault.Malformed, "invalid_cursor") }

func makeCursor(q *table.Query, last *table.Item) string {
	b := make([]byte, 0, 256)
	b = append(b, cursorForm)
	h := hashQuery(q)
	b = append(b, h[:]...)
	if q.Index != table.Base {
		b = appendSized(b, last.At.SK)
		b = appendSized(b, last.PK)
	}
	b = append(b, last.SK...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// readCursor gives the key to go on after, or the fault invalid_cursor when the cursor is not one of this query.
func readCursor(q *table.Query) (attributes, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(q.Cursor)
	if err != nil || len(b) <= cursorHead || b[0] != cursorForm || !utf8.Valid(b[cursorHead:]) {
		return nil, errCursor()
	}
	if h := hashQuery(q); string(b[1:cursorHead]) != string(h[:]) {
		return nil, errCursor()
	}
	rest, key, at := b[cursorHead:], table.Key{PK: q.PK}, ""
	if q.Index != table.Base {
		var ok [2]bool
		at, rest, ok[0] = readSized(rest)
		key.PK, rest, ok[1] = readSized(rest)
		if ok != [2]bool{true, true} {
			return nil, errCursor()
		}
	}
	key.SK = string(rest)
	sorted := key.SK
	if q.Index != table.Base {
		sorted = at
	}
	if sorted == "" || !within(q, sorted) || table.CheckGet([]table.Key{key}) != nil {
		return nil, errCursor()
	}
	m := keyOf(&key)
	if q.Index != table.Base {
		m[indexAttr[q.Index].pk], m[indexAttr[q.Index].sk] = str(q.PK), str(at)
	}
	return m, nil
}

// within reports whether the query's range holds the sort key: DynamoDB refuses to start outside of it.
func within(q *table.Query, sk string) bool {
	return len(sk) <= table.MaxSortKey && strings.HasPrefix(sk, q.Prefix) && sk >= q.From && (q.To == "" || sk <= q.To)
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

func appendSized(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// readSized takes apart what appendSized put together.
func readSized(b []byte) (s string, rest []byte, ok bool) {
	n, used := binary.Uvarint(b)
	if used <= 0 || n > uint64(len(b)-used) {
		return "", nil, false
	}
	return string(b[used : used+int(n)]), b[used+int(n):], true
}
