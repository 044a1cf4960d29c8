package local

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
)

// A commit's token lies in the file as: number → time as 8 bytes, 16 bytes of the token's hash, 16 bytes of the writes' digest.
// Numbers grow, so that the oldest are trimmed from the front; a map of the live ones is kept in memory, for finding them.

type sum [16]byte

const tokenLen = 8 + 2*len(sum{})

type used struct {
	at     time.Time
	number uint64 // in the file; 0: a commit of checks alone, which wrote nothing
	digest sum
}

// tokens are those that were used within table.TokenLife, and some older ones that are not trimmed yet.
type tokens struct {
	live   map[sum]used
	checks int // how many of live have no number
	sweep  int // at how many checks to throw out the old ones
}

// verdict says whether the commit was done before: true, or a fault when the token was used for other writes.
func (u used) verdict(digest sum, now time.Time) (done bool, err error) {
	if now.Sub(u.at) >= table.TokenLife {
		return false, nil
	}
	if u.digest != digest {
		return false, fault.New(fault.Internal, "token_reused")
	}
	return true, nil
}

func (s *Store) lookup(token, digest sum, now time.Time) (bool, error) {
	s.mu.Lock()
	u, ok := s.tokens.live[token]
	s.mu.Unlock()
	if !ok {
		return false, nil
	}
	return u.verdict(digest, now)
}

// rememberChecks notes a commit that held conditions only. It lives in memory alone: a dry run leaves the file as it is, and after a
// restart the conditions are judged again.
func (s *Store) rememberChecks(token, digest sum, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &s.tokens
	if t.checks >= t.sweep {
		t.checks = 0
		for k, u := range t.live {
			switch {
			case u.number != 0:
			case now.Sub(u.at) >= table.TokenLife:
				delete(t.live, k)
			default:
				t.checks++
			}
		}
		t.sweep = max(1024, 2*t.checks)
	}
	if _, there := t.live[token]; !there {
		t.checks++
	}
	t.live[token] = used{at: now, digest: digest}
}

func (s *Store) loadTokens(db *bolt.DB) error {
	live := map[sum]used{}
	now := s.now()
	err := db.View(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketTokens).Cursor()
		for k, v := c.Last(); k != nil; k, v = c.Prev() {
			token, u, err := readToken(k, v)
			if err != nil {
				return err
			}
			if now.Sub(u.at) >= table.TokenLife {
				break
			}
			if _, newer := live[token]; !newer {
				live[token] = u
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = tokens{live: live}
	return nil
}

func appendToken(dst []byte, token sum, u used) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(u.at.UnixNano()))
	dst = append(dst, token[:]...)
	return append(dst, u.digest[:]...)
}

func readToken(k, v []byte) (token sum, u used, err error) {
	if len(k) != 8 || len(v) != tokenLen {
		return token, u, errCorrupt
	}
	u.number = binary.BigEndian.Uint64(k)
	u.at = time.Unix(0, int64(binary.BigEndian.Uint64(v)))
	copy(token[:], v[8:])
	copy(u.digest[:], v[8+len(token):])
	return token, u, nil
}

func hashToken(token string) (t sum) {
	h := sha256.Sum256([]byte(token))
	copy(t[:], h[:])
	return t
}

// digest covers what the writes ask for. Versions that an item carries do not count: the table sets its own.
func digest(ops []op) (d sum) {
	h := sha256.New()
	var b []byte
	for i := range ops {
		o := &ops[i]
		b = append(b[:0], byte(o.kind), byte(o.space), byte(o.cond.Kind))
		b = appendSized(b, o.key)
		b = binary.AppendVarint(b, o.cond.Version)
		b = appendSized(b, o.cond.Name)
		b = appendSized(b, o.cond.Value)
		b = binary.AppendUvarint(b, uint64(len(o.value)))
		h.Write(b)
		h.Write(o.value)
	}
	return sumOf(h)
}

func sumOf(h hash.Hash) (d sum) {
	var full [sha256.Size]byte
	copy(d[:], h.Sum(full[:0]))
	return d
}
