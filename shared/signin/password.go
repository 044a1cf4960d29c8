package signin

import (
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/crypto/argon2"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/password"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// Former is how many passwords a new one must differ from.
const Former = 5

// Cost is what one argon2id hash of a former password takes.
type Cost struct {
	Time   uint32 `json:"t"`
	Memory uint32 `json:"m"` // KiB
	Lanes  uint8  `json:"p"`
}

// Sane is what the OWASP password storage cheat sheet recommends (read November 2026). Cheap is for tests.
var (
	Sane  = Cost{Time: 2, Memory: 19 * 1024, Lanes: 1}
	Cheap = Cost{Time: 1, Memory: 64, Lanes: 1}
)

// former is one former password, as a hash. The list of them is sealed under the tenant's key besides.
type former struct {
	Cost Cost      `json:"cost"`
	Salt []byte    `json:"salt"`
	Sum  []byte    `json:"sum"`
	At   time.Time `json:"at"`
}

const partFormer = "PWH"

func formerPlace(u id.User) crypt.Place {
	return crypt.Place{Record: string(u), Item: partFormer, Path: "former", Schema: 1}
}

// judge holds a new password to the tenant's policy and the last passwords, and answers its hash to be remembered. Ask it only for who
// has shown a session, a code or the old password: its verdict tells things about the person.
func (d *Desk) judge(ctx context.Context, row *principal.Tenant, p *Person, pointer, pw string) (former, error) {
	company, err := d.company(ctx, p.Tenant)
	if err != nil {
		return former{}, err
	}
	local, _, _ := strings.Cut(p.Email, "@")
	err = password.Check(pointer, pw, password.Rules{
		MinLength: row.Settings.PasswordMinLength, Composition: row.Settings.PasswordComposition,
		Personal: []string{row.Slug, company, p.Name, p.Email, local, p.Phone},
		Reused:   func(pw string) (bool, error) { return d.reused(ctx, p, pw) },
	})
	if err != nil {
		return former{}, err
	}
	h := former{Cost: d.Cost, Salt: make([]byte, 16), At: d.Now().UTC()}
	if _, err := io.ReadFull(d.Random, h.Salt); err != nil {
		return former{}, fault.New(fault.Internal, "internal").Because(err)
	}
	h.Sum, err = d.sum(ctx, h, pw)
	return h, err
}

// company reads the name of the person's company; "" while there is none.
func (d *Desk) company(ctx context.Context, t id.Tenant) (string, error) {
	items, err := d.Table.Get(ctx, key.Company(t))
	if err != nil || len(items) == 0 {
		return "", err
	}
	var doc struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal(items[0].Doc, &doc); err != nil {
		return "", fault.New(fault.Internal, "internal").Because(err)
	}
	return doc.Name, nil
}

// reused compares with the last passwords. The newest of them may never have come into force, when the provider failed after the commit:
// then it is no reason to refuse, or a person could not repeat what was cut short.
func (d *Desk) reused(ctx context.Context, p *Person, pw string) (bool, error) {
	list, _, err := d.formers(ctx, p)
	if err != nil {
		return false, err
	}
	for i, h := range list {
		sum, err := d.sum(ctx, h, pw)
		if err != nil {
			return false, err
		}
		if subtle.ConstantTimeCompare(sum, h.Sum) == 0 {
			continue
		}
		if i > 0 {
			return true, nil
		}
		err = d.Identity.CheckPassword(ctx, identity.NameOf(p.Tenant, p.ID), pw)
		if fault.IsKind(err, fault.Unauthenticated) {
			continue
		}
		return err == nil, err
	}
	return false, nil
}

func (d *Desk) sum(ctx context.Context, h former, pw string) ([]byte, error) {
	select {
	case d.busy <- struct{}{}:
		defer func() { <-d.busy }()
	case <-ctx.Done():
		return nil, fault.New(fault.Unavailable, "busy").Because(ctx.Err())
	}
	return argon2.IDKey([]byte(pw), h.Salt, h.Cost.Time, h.Cost.Memory, h.Cost.Lanes, 32), nil
}

// formers reads the last passwords, newest first, and the condition to write them by.
func (d *Desk) formers(ctx context.Context, p *Person) ([]former, table.Cond, error) {
	items, err := d.Table.Get(ctx, key.UserPart(p.Tenant, p.ID, partFormer))
	if err != nil || len(items) == 0 {
		return nil, table.Absent, err
	}
	tk, err := d.Crypt.Tenant(ctx, p.Tenant)
	if err != nil {
		return nil, table.Cond{}, err
	}
	b, err := tk.Open(formerPlace(p.ID), items[0].Sealed)
	if err != nil {
		return nil, table.Cond{}, err
	}
	var list []former
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, table.Cond{}, fault.New(fault.Internal, "internal").Because(err)
	}
	return list, table.VersionIs(items[0].Version), nil
}

// remember stages the new password among the last ones.
func (d *Desk) remember(ctx context.Context, c *change.Set, p *Person, h former) error {
	list, cond, err := d.formers(ctx, p)
	if err != nil {
		return err
	}
	list = slices.Insert(list, 0, h)
	b, err := json.Marshal(list[:min(len(list), Former)])
	if err != nil {
		return fault.New(fault.Internal, "internal").Because(err)
	}
	tk, err := d.Crypt.Tenant(ctx, p.Tenant)
	if err != nil {
		return err
	}
	sealed, err := tk.Seal(formerPlace(p.ID), b)
	if err != nil {
		return err
	}
	c.Put(table.Item{Key: key.UserPart(p.Tenant, p.ID, partFormer), Doc: []byte(`{}`), Sealed: sealed}, cond, nil)
	return nil
}

// ChangePassword replaces the subject's password and ends all their other sessions. Invalid password_wrong when the present one is not
// right, Exhausted too_many_attempts when that happens too often, Invalid for a new one against the policy. A dry run judges and changes
// nothing but the count of attempts.
//
// The commit comes before the provider: a crash between them leaves the old password in force, with the other sessions ended; the person
// changes it again. The other order could leave a new password with a thief's sessions alive.
func (d *Desk) ChangePassword(ctx context.Context, who *policy.Subject, current, next string, dry bool) error {
	var missing []fault.Field
	for _, f := range []struct{ pointer, value string }{{"/currentPassword", current}, {"/newPassword", next}} {
		if f.value == "" {
			missing = append(missing, fault.At(f.pointer, "required"))
		}
	}
	if err := fault.Fields(missing...); err != nil {
		return err
	}
	a, err := d.own(ctx, who, current)
	if err != nil {
		return err
	}
	p, err := d.People.Load(ctx, who.Tenant, who.User)
	if err != nil {
		return err
	}
	h, err := d.judge(ctx, &who.Org, &p, "/newPassword", next)
	if err == nil && current == next { // the present one may be older than the memory of the last ones
		err = fault.Fields(fault.At("/newPassword", "password_reused"))
	}
	if err != nil || dry {
		return errors.Join(a.undo(ctx), err)
	}
	err = d.commit(ctx, who.Principal, func(c *change.Set) error {
		if err := d.People.EndOtherSessions(ctx, c, who.Tenant, who.User, who.Session); err != nil {
			return err
		}
		if err := a.succeeded(c); err != nil {
			return err
		}
		c.Record(audit.Event{Target: string(who.User), Fields: []string{"password"}})
		return d.remember(ctx, c, &p, h)
	})
	if err != nil {
		return err
	}
	return d.Identity.SetPassword(context.WithoutCancel(ctx), identity.NameOf(who.Tenant, who.User), next)
}

// ProveSelf demands the subject's present password before they change an address that they sign in or recover with: a stolen session alone
// must not be a way into the account. Invalid required or password_wrong at /currentPassword, Exhausted too_many_attempts.
func (d *Desk) ProveSelf(ctx context.Context, who *policy.Subject, current string) error {
	if current == "" {
		return fault.Fields(fault.At("/currentPassword", "required"))
	}
	a, err := d.own(ctx, who, current)
	if err != nil {
		return err
	}
	return a.undo(ctx)
}

// own counts an attempt and judges the subject's present password by it.
func (d *Desk) own(ctx context.Context, who *policy.Subject, current string) (*attempt, error) {
	a, err := d.attempt(ctx, pairPasswords, string(who.User), who.Source)
	if err != nil {
		return nil, err
	}
	err = d.Identity.CheckPassword(ctx, identity.NameOf(who.Tenant, who.User), current)
	if err == nil || !fault.IsKind(err, fault.Unauthenticated) {
		return a, err
	}
	e := denied(who.User, "password_wrong")
	if err := a.failed(ctx, who.Principal, &e); err != nil {
		return nil, err
	}
	return nil, fault.Fields(fault.At("/currentPassword", "password_wrong"))
}
