package signin

import (
	"context"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/email"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/principal"
)

// Stand-ins for who does not exist: the reads that a known tenant and user cost are made on them.
const (
	noTenant id.Tenant = "tnt_00000000000000000000000000"
	noUser   id.User   = "user_00000000000000000000000000"
	noSlug             = "-"
)

// maxSlug is more than any slug has: longer ones are not looked for.
const maxSlug = 63

// found is what a slug and an address lead to.
type found struct {
	tenant *principal.Tenant // nil: none has the slug
	person *Person           // nil: none has the address
}

// name is who is asked for at the provider: nobody, when there is nobody.
func (f *found) name() identity.Name {
	if f.person == nil {
		return identity.NameOf(noTenant, noUser)
	}
	return identity.NameOf(f.person.Tenant, f.person.ID)
}

func (f *found) tenantID() id.Tenant {
	if f.tenant == nil {
		return noTenant
	}
	return f.tenant.ID
}

// account names who was meant, known or not, for counting attempts.
func account(slug, address string) string {
	if a, err := email.Parse(address); err == nil {
		address = a.Canonical
	}
	if len(address) > 320 {
		address = address[:320]
	}
	return slug + "\x00" + address
}

// find looks the pair up in four reads, whatever there is.
func (d *Desk) find(ctx context.Context, slug, address string) (found, error) {
	var f found
	if !plausible(slug) {
		slug = noSlug
	}
	items, err := d.Table.Get(ctx, key.Slug(slug))
	if err != nil {
		return f, err
	}
	var holder struct {
		Tenant id.Tenant `json:"tenantId"`
	}
	if len(items) == 1 {
		if err := json.Unmarshal(items[0].Doc, &holder); err != nil {
			return f, fault.New(fault.Internal, "internal").Because(err)
		}
	}
	if f.tenant, err = d.tenant(ctx, holder.Tenant); err != nil {
		return f, err
	}
	a, err := email.Parse(address)
	if f.tenant == nil || err != nil {
		_, err = d.Table.Get(ctx, key.User(noTenant, noUser))
		if err != nil {
			return f, err
		}
	} else {
		p, err := d.People.ByEmail(ctx, f.tenant.ID, a)
		if err == nil && p.Status != principal.UserDeleted {
			f.person = &p
			return f, nil
		}
		if err != nil && !fault.IsKind(err, fault.NotFound) {
			return f, err
		}
	}
	// What a known address leads to: the row, and the key of the user's own history.
	_, err = d.Table.Get(ctx, key.User(f.tenantID(), noUser), key.AccountKey(f.tenantID(), id.Account(noUser)))
	return f, err
}

// tenant reads the tenant's row; nil when there is none.
func (d *Desk) tenant(ctx context.Context, t id.Tenant) (*principal.Tenant, error) {
	if t == "" {
		t = noTenant
	}
	items, err := d.Table.Get(ctx, key.Tenant(t))
	if err != nil || len(items) == 0 {
		return nil, err
	}
	var row principal.Tenant
	if err := json.Unmarshal(items[0].Doc, &row); err != nil {
		return nil, fault.New(fault.Internal, "internal").Because(err)
	}
	return &row, nil
}

// mayEnter judges a person who has shown the right password. Whoever may not is refused like anybody unknown; only the state of the tenant
// is told, which its people may know.
func mayEnter(row *principal.Tenant, p *Person) error {
	switch {
	case row == nil || p == nil, p.Status != principal.UserActive && p.Status != principal.UserInvited:
		return refused()
	case row.Status != principal.TenantActive:
		return fault.New(fault.Denied, "tenant_suspended")
	}
	return nil
}

// plausible reports whether the slug is worth looking for: what is not has never been given to a tenant.
func plausible(slug string) bool {
	if slug == "" || len(slug) > maxSlug {
		return false
	}
	for _, r := range slug {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return true
}
