// Package once holds the idempotency record: the reply that a request with an Idempotency-Key got, stored by the very commit that the
// reply speaks of. One key of one principal on one operation has one effect and one reply for 24 hours; after that it is forgotten.
package once

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// Life is how long a reply is kept.
const Life = 24 * time.Hour

// Request is a request that carries an Idempotency-Key.
type Request struct {
	Tenant id.Tenant
	hash   string // of tenant, user, operation and key
	body   string // of method, path and body
}

// Of returns the request. The body hash covers everything that makes the request what it is: pass its path, query and body.
func Of(p principal.Principal, idempotencyKey string, parts ...[]byte) Request {
	h := sha256.New()
	for _, s := range []string{string(p.Tenant), string(p.User), p.Operation, idempotencyKey} {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	b := sha256.New()
	for _, s := range parts {
		b.Write(s)
		b.Write([]byte{0})
	}
	return Request{Tenant: p.Tenant, hash: hex.EncodeToString(h.Sum(nil)), body: hex.EncodeToString(b.Sum(nil))}
}

// ID names the request within the process, for a register of requests in flight.
func (r Request) ID() string { return r.hash }

// Key is the record's key.
func (r Request) Key() table.Key { return key.Idempotency(r.Tenant, r.hash) }

// Reply is what was answered. Sealed holds the body when it may contain personal data: edge seals and opens it.
type Reply struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    []byte            `json:"-"`
}

type record struct {
	Body  string `json:"body"`
	Reply Reply  `json:"reply"`
}

// Write stores the reply, sealed body and all, with the change that it speaks of.
func (r Request) Write(reply Reply, sealedBody []byte, now time.Time) (table.Write, error) {
	doc, err := json.Marshal(record{Body: r.body, Reply: reply})
	if err != nil {
		return table.Write{}, err
	}
	return table.Put(table.Item{Key: r.Key(), Doc: doc, Sealed: sealedBody, Expires: now.Add(Life)}, table.Absent), nil
}

// Find returns the stored reply and its sealed body, or nil when the key is new. The same key with another request is a fault of kind
// Invalid, code idempotency_mismatch.
func (r Request) Find(ctx context.Context, t table.Table) (*Reply, []byte, error) {
	items, err := t.Get(ctx, r.Key())
	if err != nil || len(items) == 0 {
		return nil, nil, err
	}
	var rec record
	if err := json.Unmarshal(items[0].Doc, &rec); err != nil {
		return nil, nil, err
	}
	if rec.Body != r.body {
		return nil, nil, fault.New(fault.Invalid, "idempotency_mismatch")
	}
	return &rec.Reply, items[0].Sealed, nil
}
