package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"sync"

	"github.com/steward-crm/steward/shared/fault"
)

// A sealed value is
//
//	0xE1 | suite and flags | key version (uvarint) | nonce (12) | ciphertext | tag (16)
//
// 31 bytes more than the plaintext while key versions are below 128. The second byte's high half is the suite, its low half flags, of
// which none is defined. The additional data is header, tenant, record, item, path and schema, each with its length before it.
const (
	magic      = 0xE1
	aes256GCM  = 0x10
	nonceSize  = 12
	tagSize    = 16
	maxVersion = 1<<32 - 1

	// Overhead is how much longer a sealed value is than its plaintext, for key versions below 128.
	Overhead = 1 + 1 + 1 + nonceSize + tagSize
)

// Place is where a sealed value stands. It is bound as additional data and never stored: a value that was moved does not open.
type Place struct {
	Record string // id of the account or user that the value belongs to
	Item   string // sort key of the item
	Path   string // of the field, or of the protection class's group
	Schema uint32 // version of the group's layout
}

// A sealer seals under one key. With random nonces of 96 bits a key is good for 2³² values (NIST SP 800-38D, 8.3); a tenant key that
// comes near it is to be rotated.
type sealer struct {
	aead    cipher.AEAD
	version uint64
	tenant  string
	random  io.Reader
}

func newSealer(secret []byte, version uint64, tenant string, random io.Reader) (sealer, error) {
	a, err := newAEAD(secret)
	return sealer{aead: a, version: version, tenant: tenant, random: random}, err
}

func newAEAD(secret []byte) (cipher.AEAD, error) {
	b, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(b)
}

func (s *sealer) seal(p *Place, plain []byte) ([]byte, error) {
	out := make([]byte, 0, Overhead+4+len(plain)) // 4: a version takes up to five bytes
	out = append(out, magic, aes256GCM)
	out = binary.AppendUvarint(out, s.version)
	header := len(out)
	out = out[:header+nonceSize]
	nonce := out[header:]
	if _, err := io.ReadFull(s.random, nonce); err != nil {
		return nil, fault.New(fault.Internal, "internal").Because(err)
	}
	sc := scratches.Get().(*scratch)
	sc.ad = appendPlace(sc.ad[:0], out[:header], s.tenant, p)
	out = s.aead.Seal(out, nonce, plain, sc.ad)
	scratches.Put(sc)
	return out, nil
}

func (s *sealer) open(p *Place, header int, sealed []byte) ([]byte, error) {
	nonce, text := sealed[header:header+nonceSize], sealed[header+nonceSize:]
	sc := scratches.Get().(*scratch)
	sc.ad = appendPlace(sc.ad[:0], sealed[:header], s.tenant, p)
	out, err := s.aead.Open(make([]byte, 0, len(text)-tagSize), nonce, text, sc.ad)
	scratches.Put(sc)
	if err != nil {
		return nil, mismatch("changed, or moved from another place")
	}
	return out, nil
}

// parse reads the header of a sealed value: its length and the key version. What it cannot judge is the AEAD's to refuse, since the header
// is bound too.
func parse(sealed []byte) (version uint64, header int, err error) {
	if len(sealed) < Overhead || sealed[0] != magic {
		return 0, 0, mismatch("not a sealed value")
	}
	if sealed[1] != aes256GCM {
		return 0, 0, mismatch("unknown suite or flags")
	}
	v, n := binary.Uvarint(sealed[2:min(len(sealed), 2+5)])
	if n <= 0 || v > maxVersion || len(sealed) < 2+n+nonceSize+tagSize {
		return 0, 0, mismatch("no key version")
	}
	return v, 2 + n, nil
}

func appendPlace(b, header []byte, tenant string, p *Place) []byte {
	b = append(binary.AppendUvarint(b, uint64(len(header))), header...)
	b = appendPart(b, tenant)
	b = appendPart(b, p.Record)
	b = appendPart(b, p.Item)
	b = appendPart(b, p.Path)
	return binary.BigEndian.AppendUint32(append(b, 4), p.Schema)
}

func appendPart(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// scratch holds additional data while a value is sealed or opened, so that either costs the one allocation of its result.
type scratch struct{ ad []byte }

var scratches = sync.Pool{New: func() any { return &scratch{ad: make([]byte, 0, 256)} }}

// derive gives the key for one use of a random secret that belongs to the owner. The secret is uniform, so HKDF's extraction is not
// needed (RFC 5869, 3.3).
func derive(secret []byte, use, owner string) []byte {
	b, err := hkdf.Expand(sha256.New, secret, "steward/1 "+use+"\x00"+owner, 32)
	if err != nil {
		panic("crypt: " + err.Error()) // only for lengths that are constants here
	}
	return b
}

func mismatch(cause string) error {
	return fault.New(fault.Internal, "sealed_mismatch").Because(errors.New("crypt: " + cause))
}
