package id

import (
	"encoding/binary"
	"io"
	"math"
	"strings"
	"time"
)

// A ULID is 48 bits of milliseconds and 80 of randomness. It is written out here because the library that stands in the tests makes a source of
// randomness whenever it is linked, which each Lambda function would pay for at its start.
type ulid struct{ high, low uint64 }

const (
	size      = 26
	crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
)

func (u ulid) String() string {
	var out [size]byte
	for i := size - 1; i >= 0; i-- {
		out[i] = crockford[u.low&31]
		u.low = u.low>>5 | u.high<<59
		u.high >>= 5
	}
	return string(out[:])
}

// isULID reports the canonical form. Of 130 bits the first two are none.
func isULID(s string) bool {
	if len(s) != size || s[0] > '7' {
		return false
	}
	for i := range size {
		if strings.IndexByte(crockford, s[i]) < 0 {
			return false
		}
	}
	return true
}

func milliseconds(t time.Time) uint64 { return uint64(t.UnixMilli()) }

// fresh is one of the millisecond, with randomness of its own.
func fresh(ms uint64, rand io.Reader) (ulid, error) {
	var b [10]byte
	_, err := io.ReadFull(rand, b[:])
	return ulid{ms<<16 | uint64(binary.BigEndian.Uint16(b[:])), binary.BigEndian.Uint64(b[2:])}, err
}

// after is a later one of the same millisecond, by up to 32 bits; false when there is none.
func (u ulid) after(rand io.Reader) (ulid, bool, error) {
	var b [4]byte
	step := uint32(0)
	for step == 0 || step == math.MaxUint32 {
		if _, err := io.ReadFull(rand, b[:]); err != nil {
			return u, false, err
		}
		step = binary.LittleEndian.Uint32(b[:])
	}
	next := ulid{u.high, u.low + uint64(step) + 1}
	if next.low < u.low {
		next.high++
	}
	return next, next.high>>16 == u.high>>16, nil
}

// First is the least id of the kind that a source makes in the millisecond.
func First[K Kind](at time.Time) K {
	return of[K](ulid{milliseconds(at) << 16, 0}.String())
}

// Last is the greatest.
func Last[K Kind](at time.Time) K {
	return of[K](ulid{milliseconds(at)<<16 | math.MaxUint16, math.MaxUint64}.String())
}

func of[K Kind](ulid string) K {
	var none K
	return K(none.Prefix() + "_" + ulid)
}
