package signin

import (
	"context"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
)

// The life of one-time codes.
const (
	CodeLife    = 15 * time.Minute
	CodeTries   = 5           // wrong ones, then the code is dead; a reset counts them for each source
	ResendPause = time.Minute // within which asking again sends nothing
)

// purpose is what a code is for. A code of one purpose is nothing to another.
type purpose string

const purposeReset purpose = "reset"

func purposeVerify(a identity.Attribute) purpose { return purpose("verify_" + string(a)) }

// code is the stored half of a code that was sent: a keyed digest, never the code. The code itself follows from the tenant's key and the
// job that sends it, so it is stored nowhere, and a job that runs twice sends the same.
type code struct {
	Job    id.Job    `json:"jobId"`
	Issued time.Time `json:"issued"`
	Tries  int       `json:"tries"`
	Digest []byte    `json:"digest"`
}

func codeKey(t id.Tenant, u id.User, p purpose) table.Key {
	return key.UserPart(t, u, "CODE#"+string(p))
}

func (c *code) alive(now time.Time) bool { return now.Before(c.Issued.Add(CodeLife)) }

// unspent is the condition that this very code is still out.
func (c *code) unspent() table.Cond { return table.Equals("jobId", string(c.Job)) }

// matches compares in constant time. bound is what the code was issued for besides user and purpose: the address.
func (c *code) matches(tk *crypt.TenantKey, u id.User, p purpose, bound, given string) bool {
	return subtle.ConstantTimeCompare(c.Digest, codeDigest(tk, u, p, bound, given)) == 1
}

func codeDigest(tk *crypt.TenantKey, u id.User, p purpose, bound, plain string) []byte {
	return tk.Digest(fmt.Appendf(nil, "one-time code\x00%s\x00%s\x00%s\x00%s", u, p, bound, plain))
}

// crockford is the alphabet of codes for people to type: no two letters of it are taken for each other.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// draw gives the plain code of a job. A code for a reset is ten characters, 50 bits, because anyone may try it and stopping them after a
// few tries would stop its owner too; a code for verification is eight digits, which only its owner may try, five times.
func draw(tk *crypt.TenantKey, p purpose, job id.Job) string {
	d := tk.Digest(fmt.Appendf(nil, "one-time code drawn\x00%s\x00%s", p, job))
	if p != purposeReset {
		return fmt.Sprintf("%08d", binary.BigEndian.Uint64(d)%100_000_000)
	}
	var b strings.Builder
	for i := range 10 {
		b.WriteByte(crockford[d[i]&31])
	}
	return b.String()
}

// shown is the code as a message has it.
func shown(p purpose, plain string) string {
	if p == purposeReset {
		return plain[:5] + "-" + plain[5:]
	}
	return plain
}

// typed undoes what people do to a code when they type it.
func typed(s string) string {
	if len(s) > 64 {
		return ""
	}
	return strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(s))
}

// issue is the item of a fresh code.
func issue(t id.Tenant, u id.User, p purpose, c code) (table.Item, error) {
	doc, err := json.Marshal(c)
	if err != nil {
		return table.Item{}, fault.New(fault.Internal, "internal").Because(err)
	}
	// The item outlives the code: whether a code is over is decided here, and not by when the store forgets.
	return table.Item{Key: codeKey(t, u, p), Doc: doc, Expires: c.Issued.Add(2 * CodeLife)}, nil
}

// code reads the code that is out, and its item's version: 0 for none.
func (d *Desk) code(ctx context.Context, t id.Tenant, u id.User, p purpose) (code, int64, error) {
	items, err := d.Table.Get(ctx, codeKey(t, u, p))
	if err != nil || len(items) == 0 {
		return code{}, 0, err
	}
	var c code
	if err := json.Unmarshal(items[0].Doc, &c); err != nil {
		return code{}, 0, fault.New(fault.Internal, "internal").Because(err)
	}
	return c, items[0].Version, nil
}

// unmoved is the condition that an item is as it was read: version 0 is none.
func unmoved(version int64) table.Cond {
	if version == 0 {
		return table.Absent
	}
	return table.VersionIs(version)
}
