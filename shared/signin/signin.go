// Package signin is how a person proves who they are: sign-in with tenant slug, e-mail and password, the challenges that follow, refresh
// and sign-out, and what users do about their own credentials: a forgotten password, a new one, the proof that an address is theirs, a
// second factor. It owns the pace of attempts, one-time codes and the memory of the last passwords. The identity provider keeps the
// passwords and signs the tokens; the people themselves are behind the interface People; HTTP is unknown here.
//
// Nobody tells known from unknown. Whatever is asked without a token runs through the same reads, one hash and the same number of commits
// whether the tenant, the user and the password exist or not, and gets the same answer. What would take unequal work (sending a code) is
// left to a job.
//
// Judging a secret spends something: an attempt, a session, a code. That must stand whatever becomes of the rest, and it cannot be done
// twice. So the operations here commit by themselves instead of staging into the request's change.Set: first the attempt, then the
// verdict of the provider, then one commit of everything that follows from it, with its event. What a crash between two of them leaves is
// said at each operation; it always leaves a person who can go on, and never one who gets further than they should.
package signin

import (
	"context"
	"io"
	"time"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/email"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/keys"
	"github.com/steward-crm/steward/shared/notify"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// Person is a user as far as credentials go.
type Person struct {
	principal.Standing
	ID            id.User
	Tenant        id.Tenant
	Name          string
	Email         string // as people read it
	Canonical     string // as machines send to it
	Phone         string // E.164; "" for none
	EmailVerified bool
	PhoneVerified bool
}

// People keeps the users. What stages does so once for each Set and answers the same when it is asked again.
type People interface {
	// ByEmail and Load are NotFound for none.
	ByEmail(ctx context.Context, t id.Tenant, a email.Address) (Person, error)
	Load(ctx context.Context, t id.Tenant, u id.User) (Person, error)
	// Activate makes an invited user active; an active one stays so; another is a Conflict.
	Activate(ctx context.Context, c *change.Set, t id.Tenant, u id.User) error
	EndSessions(ctx context.Context, c *change.Set, t id.Tenant, u id.User) error
	EndOtherSessions(ctx context.Context, c *change.Set, t id.Tenant, u id.User, keep string) error
	SetVerified(ctx context.Context, c *change.Set, t id.Tenant, u id.User, a identity.Attribute) error
}

// Subjects judges a token by the rows that may end it; package access does.
type Subjects interface {
	Subject(ctx context.Context, c identity.Claims, base principal.Principal) (*policy.Subject, error)
}

// Jobs stages work that follows a change; package job does.
type Jobs interface {
	Stage(c *change.Set, t id.Tenant, kind string, payload any, due time.Time) (id.Job, error)
}

// Parts are what a Desk works with. All are required but Cost; the jobs that send ask no Identity, and nothing else asks Notify.
type Parts struct {
	Table    table.Table
	Crypt    *crypt.Crypt
	Keys     keys.Keys
	Identity identity.Identity
	Notify   notify.Notify
	Subjects Subjects
	People   People
	Jobs     Jobs
	IDs      *id.Source
	Now      func() time.Time
	Random   io.Reader
	Cost     Cost // of the hashes of former passwords; zero is Sane
}

// Desk is where people sign in. Safe for concurrent use.
type Desk struct {
	Parts
	secrets secrets
	sources *sources
	busy    chan struct{} // one hash at a time, so that memory stays bounded
}

// New returns a desk.
func New(p Parts) *Desk {
	if p.Cost == (Cost{}) {
		p.Cost = Sane
	}
	return &Desk{Parts: p, sources: newSources(), busy: make(chan struct{}, 1)}
}

// refused is the one answer to whoever did not prove who they are.
func refused() error { return fault.New(fault.Unauthenticated, "credentials_invalid") }

// codeInvalid is the one answer to a code that is wrong, expired, used, of another user or for another purpose.
func codeInvalid() error { return fault.New(fault.Malformed, "code_invalid") }

// commit writes what follows from a verdict, with its event, on premises that are read again when they moved.
func (d *Desk) commit(ctx context.Context, who principal.Principal, stage func(*change.Set) error) error {
	return change.Run(ctx, d.Table, who, d.IDs, d.Now, stage)
}

// denied is the event of a refusal of note.
func denied(u id.User, code string) audit.Event {
	e := audit.Event{Actor: string(u), Target: string(u), Outcome: audit.Denied, Code: code}
	if u == "" {
		e.Actor = "anonymous"
	}
	return e
}

// as is the principal of a person who has proved who they are within a request that came without a token.
func as(base principal.Principal, p *Person, session string) principal.Principal {
	base.Tenant, base.User, base.Session = p.Tenant, p.ID, session
	return base
}
