package local

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	bolt "go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/fault"
)

func newAEAD(key [32]byte) (cipher.AEAD, error) {
	k, err := hkdf.Key(sha256.New, key[:], nil, "steward identity file v1", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(k)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// place binds a sealed record to its bucket and key, so that one user's record cannot be put in another's place.
func place(bucket, key []byte) []byte {
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(bucket))), bucket...), key...)
}

func (p *Provider) put(tx *bolt.Tx, bucket, key []byte, v any) error {
	plain, err := json.Marshal(v)
	if err != nil {
		return err
	}
	nonce, err := p.random(p.aead.NonceSize())
	if err != nil {
		return err
	}
	return tx.Bucket(bucket).Put(key, p.aead.Seal(nonce, nonce, plain, place(bucket, key)))
}

func (p *Provider) get(tx *bolt.Tx, bucket, key []byte, v any) (bool, error) {
	sealed := tx.Bucket(bucket).Get(key)
	if sealed == nil {
		return false, nil
	}
	return true, p.open(bucket, key, sealed, v)
}

func (p *Provider) open(bucket, key, sealed []byte, v any) error {
	n := p.aead.NonceSize()
	if len(sealed) < n {
		return broken(errors.New("a record is too short"))
	}
	plain, err := p.aead.Open(nil, sealed[:n], sealed[n:], place(bucket, key))
	if err != nil {
		return broken(fmt.Errorf("a record of %s does not open", bucket))
	}
	if err := json.Unmarshal(plain, v); err != nil {
		return broken(err)
	}
	return nil
}

// broken is a record that somebody changed or moved, or that another version wrote: trying again does not help.
func broken(cause error) error { return fault.New(fault.Internal, "internal").Because(cause) }

func (p *Provider) random(n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(p.o.Random, b)
	return b, err
}

// expire notes that a record may be forgotten after the time.
func expire(tx *bolt.Tx, at time.Time, bucket, key []byte) error {
	k := binary.BigEndian.AppendUint64(nil, uint64(at.Unix()))
	k = append(k, byte(len(bucket)))
	k = append(append(k, bucket...), key...)
	return tx.Bucket(bucketExpiry).Put(k, []byte{})
}

// forget removes a few records whose time is over. Each writing transaction adds at most three such records and removes up to eight, so
// the file stays bounded by what is alive.
func (p *Provider) forget(tx *bolt.Tx) error {
	due := binary.BigEndian.AppendUint64(nil, uint64(p.now().Unix()))
	var done [][]byte
	c := tx.Bucket(bucketExpiry).Cursor()
	for k, _ := c.First(); k != nil && string(k[:8]) < string(due) && len(done) < 8; k, _ = c.Next() {
		done = append(done, append([]byte(nil), k...))
	}
	for _, k := range done {
		n := int(k[8])
		if err := tx.Bucket(k[9 : 9+n]).Delete(k[9+n:]); err != nil {
			return err
		}
		if err := tx.Bucket(bucketExpiry).Delete(k); err != nil {
			return err
		}
	}
	return nil
}
