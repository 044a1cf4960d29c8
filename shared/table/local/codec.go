package local

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
	"strings"
	"time"

	"github.com/steward-crm/steward/shared/table"
)

// Every byte that lies in the file is made and read here. The forms are part of the file format: changing one needs a new format number
// and a way from the old one.
//
//	data key     len(PK) as 2 bytes, PK, SK: a partition lies together, in the bytewise order of SK
//	entry key    len(PK) as 2 bytes, PK, then SK, item PK and item SK of the index entry, the first two ended: see appendEnded
//	expiry key   second as 8 bytes, space as 1 byte, data key
//	item         form 1, version as 8 bytes, mask, [expiry second as 8 bytes], index keys as the mask says, len(doc), doc, sealed
//
// Fixed numbers are big-endian, so that bytewise order is the numeric one; lengths without a width are uvarints.

const (
	itemForm   = 1
	maskExpiry = 1 << 7 // the lower bits are the indexes, G1 lowest
	indexes    = int(table.G5)
	headLen    = 1 + 8 + 1
	maxExpiry  = 253402300800 // the first second of the year 10000: after table.MaxYear
)

var errCorrupt = errors.New("local: a stored record cannot be read")

func appendKey(dst []byte, pk, sk string) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(pk)))
	dst = append(dst, pk...)
	return append(dst, sk...)
}

// splitKey takes a data key apart; the parts lie in k.
func splitKey(k []byte) (pk, sk []byte, err error) {
	if len(k) < 2 {
		return nil, nil, errCorrupt
	}
	n := int(binary.BigEndian.Uint16(k))
	if len(k) < 2+n {
		return nil, nil, errCorrupt
	}
	return k[2 : 2+n], k[2+n:], nil
}

// appendEnded writes s so that what follows it does not disturb its order among others: 0x00 becomes 0x00 0xFF, the end is 0x00 0x01.
func appendEnded[S ~string | ~[]byte](dst []byte, s S) []byte {
	return append(appendEscaped(dst, s), 0, 1)
}

func appendEscaped[S ~string | ~[]byte](dst []byte, s S) []byte {
	n := len(dst)
	if dst = append(dst, s...); bytes.IndexByte(dst[n:], 0) < 0 {
		return dst
	}
	dst = dst[:n]
	for i := range len(s) {
		if dst = append(dst, s[i]); s[i] == 0 {
			dst = append(dst, 0xFF)
		}
	}
	return dst
}

// readEnded reads what appendEnded wrote and gives the rest. Without a 0x00 inside, both lie in s.
func readEnded(s string) (part, rest string, err error) {
	var out []byte
	for {
		i := strings.IndexByte(s, 0)
		if i < 0 || i+1 >= len(s) {
			return "", "", errCorrupt
		}
		switch s[i+1] {
		case 1:
			if out == nil {
				return s[:i], s[i+2:], nil
			}
			return string(append(out, s[:i]...)), s[i+2:], nil
		case 0xFF:
			out = append(out, s[:i+1]...)
			s = s[i+2:]
		default:
			return "", "", errCorrupt
		}
	}
}

// appendEntry writes the entry key of an item in an index; key is the item's data key.
func appendEntry[S ~string | ~[]byte](dst []byte, pk, sk S, key []byte) []byte {
	n := int(binary.BigEndian.Uint16(key))
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(pk)))
	dst = append(dst, pk...)
	dst = appendEnded(dst, sk)
	dst = appendEnded(dst, key[2:2+n])
	return append(dst, key[2+n:]...)
}

// readEntry reads what follows the partition key in an entry key.
func readEntry(s string) (sk, itemPK, itemSK string, err error) {
	if sk, s, err = readEnded(s); err != nil {
		return "", "", "", err
	}
	if itemPK, s, err = readEnded(s); err != nil {
		return "", "", "", err
	}
	return sk, itemPK, s, nil
}

func appendItem(dst []byte, it *table.Item) []byte {
	mask := byte(0)
	for n := range it.Index {
		mask |= 1 << (n - table.G1)
	}
	seconds := expirySecond(it.Expires)
	if seconds != 0 {
		mask |= maskExpiry
	}
	dst = append(dst, itemForm)
	dst = binary.BigEndian.AppendUint64(dst, uint64(it.Version))
	dst = append(dst, mask)
	if seconds != 0 {
		dst = binary.BigEndian.AppendUint64(dst, uint64(seconds))
	}
	for n := range indexes {
		if mask&(1<<n) != 0 {
			k := it.Index[table.G1+table.Index(n)]
			dst = appendSized(dst, k.PK)
			dst = appendSized(dst, k.SK)
		}
	}
	dst = appendSized(dst, it.Doc)
	return append(dst, it.Sealed...)
}

func appendSized[S ~string | ~[]byte](dst []byte, s S) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func readSized(b []byte) (s, rest []byte, err error) {
	n, w := binary.Uvarint(b)
	if w <= 0 || n > uint64(len(b)-w) {
		return nil, nil, errCorrupt
	}
	return b[w : w+int(n)], b[w+int(n):], nil
}

// record is a stored item as it lies in the file, taken apart no further than needed.
type record struct {
	version int64
	expires int64 // unix second; 0: never
	mask    byte
	rest    []byte // from the index keys on
}

func readRecord(b []byte) (record, error) {
	if len(b) < headLen || b[0] != itemForm {
		return record{}, errCorrupt
	}
	r := record{version: int64(binary.BigEndian.Uint64(b[1:])), mask: b[9], rest: b[headLen:]}
	if r.mask&maskExpiry != 0 {
		if len(r.rest) < 8 {
			return record{}, errCorrupt
		}
		r.expires = int64(binary.BigEndian.Uint64(r.rest))
		r.rest = r.rest[8:]
		if r.expires < 1 || r.expires > maxExpiry {
			return record{}, errCorrupt
		}
	}
	if r.mask&^maskExpiry >= 1<<indexes {
		return record{}, errCorrupt
	}
	return r, nil
}

// expired reports whether the record counts as absent at the second.
func (r *record) expired(second int64) bool { return r.expires != 0 && r.expires <= second }

// span is a part of record.rest.
type span struct{ from, to int }

// indexed is how many indexes the item appears in.
func (r *record) indexed() int { return bits.OnesCount8(r.mask &^ maskExpiry) }

// entries calls each with the index keys, in the order of the indexes, and gives what follows them.
func (r *record) entries(each func(n int, pk, sk span)) (rest []byte, err error) {
	rest = r.rest
	for m := r.mask &^ maskExpiry; m != 0; m &= m - 1 {
		var pk, sk span
		if pk, rest, err = r.sized(rest); err != nil {
			return nil, err
		}
		if sk, rest, err = r.sized(rest); err != nil {
			return nil, err
		}
		if each != nil {
			each(bits.TrailingZeros8(m), pk, sk)
		}
	}
	return rest, nil
}

func (r *record) sized(b []byte) (s span, rest []byte, err error) {
	part, rest, err := readSized(b)
	s.to = len(r.rest) - len(rest)
	s.from = s.to - len(part)
	return s, rest, err
}

// doc gives the record's doc, lying in the record.
func (r *record) doc() ([]byte, error) {
	rest, err := r.entries(nil)
	if err != nil {
		return nil, err
	}
	d, _, err := readSized(rest)
	return d, err
}

// item copies the record out of the file.
func (r *record) item(k table.Key) (table.Item, error) {
	it := table.Item{Key: k, Version: r.version}
	if r.expires != 0 {
		it.Expires = time.Unix(r.expires, 0).UTC()
	}
	var at [indexes]struct{ pk, sk span }
	rest, err := r.entries(func(n int, pk, sk span) { at[n].pk, at[n].sk = pk, sk })
	if err != nil {
		return table.Item{}, err
	}
	if m := r.mask &^ maskExpiry; m != 0 {
		it.Index = make(map[table.Index]table.IndexKey, r.indexed())
		all := string(r.rest[:len(r.rest)-len(rest)]) // one piece of memory for all the keys
		for ; m != 0; m &= m - 1 {
			n := bits.TrailingZeros8(m)
			pk, sk := at[n].pk, at[n].sk
			it.Index[table.G1+table.Index(n)] = table.IndexKey{PK: all[pk.from:pk.to], SK: all[sk.from:sk.to]}
		}
	}
	doc, sealed, err := readSized(rest)
	if err != nil {
		return table.Item{}, err
	}
	body := bytes.Clone(rest[len(rest)-len(doc)-len(sealed):]) // they lie side by side
	if n := len(doc); n > 0 {
		it.Doc = body[:n:n]
	}
	if len(sealed) > 0 {
		it.Sealed = body[len(doc):]
	}
	return it, nil
}

func readItem(k table.Key, b []byte) (table.Item, error) {
	r, err := readRecord(b)
	if err != nil {
		return table.Item{}, err
	}
	return r.item(k)
}

// expirySecond rounds up: an item must not vanish before its time.
func expirySecond(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	s := t.Unix()
	if t.Nanosecond() > 0 {
		s++
	}
	return max(s, 1)
}

func appendExpiry(dst []byte, second int64, space table.Space, key []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(second))
	dst = append(dst, byte(space))
	return append(dst, key...)
}

// after is the least byte string above all that start with b, or nil when there is none.
func after(b []byte) []byte {
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != 0xFF {
			out := bytes.Clone(b[:i+1])
			out[i]++
			return out
		}
	}
	return nil
}
