package local

import (
	"context"
	"crypto/subtle"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Cost is what one argon2id hash takes.
type Cost struct {
	Time   uint32 `json:"t"`
	Memory uint32 `json:"m"` // KiB
	Lanes  uint8  `json:"p"`
}

// Sane is the second of the equivalent settings that the OWASP password storage cheat sheet recommends (read November 2026).
var Sane = Cost{Time: 2, Memory: 19 * 1024, Lanes: 1}

// Cheap is for tests only.
var Cheap = Cost{Time: 1, Memory: 64, Lanes: 1}

// hash is a stored password hash with what it was made with, so that a change of cost leaves old hashes good.
type hash struct {
	Cost Cost   `json:"cost"`
	Salt []byte `json:"salt"`
	Sum  []byte `json:"sum"`
}

func (p *Provider) newHash(ctx context.Context, password string) (hash, error) {
	salt, err := p.random(16)
	if err != nil {
		return hash{}, err
	}
	h := hash{Cost: p.o.Cost, Salt: salt}
	h.Sum, err = p.sum(ctx, h, password)
	return h, err
}

// matches computes the hash whatever comes, so that an unknown user costs the time of a known one.
func (p *Provider) matches(ctx context.Context, h hash, password string) (bool, error) {
	known := len(h.Sum) > 0
	if !known {
		h = hash{Cost: p.o.Cost, Salt: make([]byte, 16), Sum: make([]byte, 32)}
	}
	if len(password) > maxPassword*utf8.UTFMax {
		password, known = password[:maxPassword], false // no password is that long
	}
	sum, err := p.sum(ctx, h, password)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(sum, h.Sum) == 1 && known, nil
}

func (p *Provider) sum(ctx context.Context, h hash, password string) ([]byte, error) {
	select {
	case p.busy <- struct{}{}:
		defer func() { <-p.busy }()
	case <-ctx.Done():
		return nil, unavailable(ctx.Err())
	}
	return argon2.IDKey([]byte(password), h.Salt, h.Cost.Time, h.Cost.Memory, h.Cost.Lanes, 32), nil
}
