// Package id holds the typed identifiers of Steward. Each is a prefix that names the kind, an underscore and a ULID, such as
// acct_01JD3Z4T0X8Y6QH2N5W7R9K1MB: 26 characters of Crockford base 32, upper case, ordered by the time of making (milliseconds).
// The package decides what an id looks like and makes new ones; it knows nothing of what an id names.
package id

import (
	"errors"
	"io"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
)

// The ids. Their Prefix methods give the prefix without the underscore.
type (
	Tenant     string // tnt_: a customer of the SaaS; the border of isolation
	User       string // user_: a tenant's person who signs in
	Role       string // role_
	Department string // dept_
	Post       string // post_
	Account    string // acct_: a customer kept in the CRM
	Contact    string // cont_: a person at an account
	Category   string // cat_: a class of accounts
	Job        string // job_: long or delayed work
	Onboarding string // onb_: one onboarding of a tenant
	Event      string // evt_: an audit event
	Message    string // msg_: a mail or text message that was handed to notify
	Request    string // req_: one HTTP request
)

// Prefix of the kind.
func (Tenant) Prefix() string     { return "tnt" }
func (User) Prefix() string       { return "user" }
func (Role) Prefix() string       { return "role" }
func (Department) Prefix() string { return "dept" }
func (Post) Prefix() string       { return "post" }
func (Account) Prefix() string    { return "acct" }
func (Contact) Prefix() string    { return "cont" }
func (Category) Prefix() string   { return "cat" }
func (Job) Prefix() string        { return "job" }
func (Onboarding) Prefix() string { return "onb" }
func (Event) Prefix() string      { return "evt" }
func (Message) Prefix() string    { return "msg" }
func (Request) Prefix() string    { return "req" }

// Kind is any of the typed ids.
type Kind interface {
	~string
	Prefix() string
}

// ErrMalformed is what Parse answers for anything that is not an id of the kind.
var ErrMalformed = errors.New("id: malformed")

// Parse returns s as an id of the kind, or ErrMalformed. Only the canonical upper-case form is accepted, so that one thing has one
// id.
func Parse[K Kind](s string) (K, error) {
	var none K
	p := none.Prefix()
	if len(s) != len(p)+1+ulid.EncodedSize || s[:len(p)] != p || s[len(p)] != '_' {
		return none, ErrMalformed
	}
	u, err := ulid.ParseStrict(s[len(p)+1:])
	if err != nil || u.String() != s[len(p)+1:] {
		return none, ErrMalformed
	}
	return K(s), nil
}

// Source makes new ids. Ids of one source grow strictly, also within a millisecond and when the clock steps back, so that sorting
// by id is sorting by making. Safe for concurrent use.
type Source struct {
	mu   sync.Mutex
	now  func() time.Time
	rand *ulid.MonotonicEntropy
	last uint64
}

// NewSource returns a source that reads the clock and the randomness given.
func NewSource(now func() time.Time, rand io.Reader) *Source {
	return &Source{now: now, rand: ulid.Monotonic(rand, 0)}
}

// ULID returns the next 26 characters. It panics when the randomness fails, which on a sound system it does not.
func (s *Source) ULID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ms := max(ulid.Timestamp(s.now()), s.last)
	u, err := ulid.New(ms, s.rand)
	if errors.Is(err, ulid.ErrMonotonicOverflow) {
		ms++
		u, err = ulid.New(ms, s.rand)
	}
	if err != nil {
		panic("id: no randomness: " + err.Error())
	}
	s.last = ms
	return u.String()
}

// New returns a new id of the kind.
func New[K Kind](s *Source) K {
	var none K
	return K(none.Prefix() + "_" + s.ULID())
}
