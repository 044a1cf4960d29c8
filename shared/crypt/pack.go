package crypt

import (
	"encoding/binary"
	"slices"
)

// Member is one field of a packed group: a tag that the noun chose for good, and its value.
type Member struct {
	Tag   uint16
	Value []byte
}

// Pack joins members into the plaintext of one group; Unpack takes it apart, or answers Internal sealed_mismatch.
//
// Members lie in the order of their tags, each as the distance from the tag before (uvarint), the length (uvarint) and the bytes: two
// bytes a member for short values of neighbouring tags. One group has one packing, whatever the order of the members given. Two
// members with one tag are a mistake of Steward's, and Pack panics. Values that Unpack returns share b's memory; it answers no members
// for empty b.
func Pack(members []Member) []byte {
	size := 0
	sorted := true
	for i, m := range members {
		size += 6 + len(m.Value)
		sorted = sorted && (i == 0 || members[i-1].Tag < m.Tag)
	}
	if !sorted {
		members = slices.Clone(members)
		slices.SortFunc(members, func(a, b Member) int { return int(a.Tag) - int(b.Tag) })
	}
	b := make([]byte, 0, size)
	last := -1
	for _, m := range members {
		if int(m.Tag) == last {
			panic("crypt: two members of a group have one tag")
		}
		b = binary.AppendUvarint(b, uint64(int(m.Tag)-last-1))
		b = binary.AppendUvarint(b, uint64(len(m.Value)))
		b = append(b, m.Value...)
		last = int(m.Tag)
	}
	return b
}

// Unpack takes a group apart; see Pack.
func Unpack(b []byte) ([]Member, error) {
	var out []Member
	last := -1
	for len(b) > 0 {
		gap, n := uvarint(b)
		if n == 0 || gap > 1<<16 {
			return nil, mismatch("not a packed group")
		}
		b = b[n:]
		tag := last + 1 + int(gap)
		size, n := uvarint(b)
		if n == 0 || size > uint64(len(b)-n) || tag > 1<<16-1 {
			return nil, mismatch("not a packed group")
		}
		b = b[n:]
		if out == nil {
			out = make([]Member, 0, 8)
		}
		out = append(out, Member{Tag: uint16(tag), Value: b[:size:size]})
		b, last = b[size:], tag
	}
	return out, nil
}

// uvarint reads a number in its shortest form; n is 0 when there is none.
func uvarint(b []byte) (v uint64, n int) {
	v, n = binary.Uvarint(b)
	if n <= 0 || n > 1 && b[n-1] == 0 {
		return 0, 0
	}
	return v, n
}
