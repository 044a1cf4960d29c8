package org

import (
	"context"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/email"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/phone"
	"github.com/steward-crm/steward/shared/plain"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/sealed"
	"github.com/steward-crm/steward/shared/table"
)

// The limits of a company, in code points.
const (
	MaxCompanyName    = 200
	MaxCompanyAddress = 500
)

// Company is the company that a tenant is. Name is required; the rest may be left out.
type Company struct {
	Name      string      `json:"name"`
	Address   string      `json:"address"` // lines allowed
	Phone     sealed.Text `json:"phone"`   // E.164
	Email     sealed.Text `json:"email"`   // as people read it
	CreatedAt time.Time   `json:"createdAt"`
	UpdatedAt time.Time   `json:"updatedAt"`
	Version   int64       `json:"-"`
}

type companyDoc struct {
	Tenant    id.Tenant `json:"tenantId"`
	Name      string    `json:"name"`
	Address   string    `json:"address,omitzero"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

// Members of the company's sealed group. A tag is never given another meaning.
const (
	tagEmail = 1
	tagPhone = 2
)

func companyPlace(t id.Tenant) crypt.Place {
	return crypt.Place{Record: string(t), Item: "COMPANY", Path: "contact", Schema: 1}
}

// ParseCompany normalises a company and judges it. A phone without a country is read in the region. Invalid with every field at fault.
func ParseCompany(d Company, region string) (Company, error) {
	bad := words(&d.Name, patch.Of(d.Name), "/name", plain.Rule{Min: 1, Max: MaxCompanyName})
	bad = append(bad, words(&d.Address, patch.Of(d.Address), "/address", plain.Rule{Max: MaxCompanyAddress, Lines: true})...)
	if d.Email != "" {
		a, err := email.Parse(string(d.Email))
		if err != nil {
			bad = append(bad, under("/email", err)...)
		}
		d.Email = sealed.Text(a.Display)
	}
	if d.Phone != "" {
		n, err := phone.Parse(string(d.Phone), region)
		if err != nil {
			bad = append(bad, under("/phone", err)...)
		}
		d.Phone = sealed.Text(n)
	}
	return d, fault.Fields(bad...)
}

// Company reads the subject's company. Phone and e-mail are locked when the tenant's key is disabled.
func (s *Store) Company(ctx context.Context, who *policy.Subject) (Company, error) {
	if err := policy.RequireAny(who, policy.ModTenant, policy.View); err != nil {
		return Company{}, err
	}
	tk, err := s.crypt.Tenant(ctx, who.Tenant)
	if err != nil && !fault.IsKind(err, fault.Locked) {
		return Company{}, err
	}
	d, err := s.company(ctx, who.Tenant, tk)
	if err == nil && d.Version == 0 {
		err = notFound()
	}
	return d, err
}

// SetCompany replaces the subject's company. version is the one that the client named, 0 for none. The same again stages nothing.
func (s *Store) SetCompany(ctx context.Context, who *policy.Subject, c *change.Set, version int64, d Company) (Company, error) {
	if err := policy.RequireAny(who, policy.ModTenant, policy.Update); err != nil {
		return Company{}, err
	}
	tk, err := s.crypt.Tenant(ctx, who.Tenant)
	if err != nil {
		return Company{}, err
	}
	was, err := s.company(ctx, who.Tenant, tk)
	if err != nil {
		return Company{}, err
	}
	if err := fault.Match(version, was.Version); err != nil {
		return Company{}, err
	}
	if d, err = ParseCompany(d, who.Org.Settings.Region); err != nil {
		return Company{}, err
	}
	return s.putCompany(ctx, c, who.Tenant, tk, was, d)
}

// PutCompany is SetCompany without the question who asks, for the onboarding of a tenant and for seeding. A phone needs its country.
func (s *Store) PutCompany(ctx context.Context, c *change.Set, t id.Tenant, d Company) (Company, error) {
	d, err := ParseCompany(d, "")
	if err != nil {
		return Company{}, err
	}
	tk, err := s.crypt.Tenant(ctx, t)
	if err != nil {
		return Company{}, err
	}
	was, err := s.company(ctx, t, tk)
	if err != nil {
		return Company{}, err
	}
	return s.putCompany(ctx, c, t, tk, was, d)
}

// company reads the company of a tenant; the zero Company when there is none yet. Without a key phone and e-mail are locked.
func (s *Store) company(ctx context.Context, t id.Tenant, tk *crypt.TenantKey) (Company, error) {
	items, err := s.table.Get(ctx, key.Company(t))
	if err != nil || len(items) == 0 {
		return Company{}, err
	}
	var d companyDoc
	if err := json.Unmarshal(items[0].Doc, &d); err != nil {
		return Company{}, fault.New(fault.Internal, "internal").Because(err)
	}
	out := Company{Name: d.Name, Address: d.Address, CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt, Version: items[0].Version}
	if tk == nil {
		out.Phone, out.Email = sealed.Locked, sealed.Locked
		return out, nil
	}
	b, err := tk.Open(companyPlace(t), items[0].Sealed)
	if err != nil {
		return Company{}, err
	}
	members, err := crypt.Unpack(b)
	for _, m := range members {
		switch m.Tag {
		case tagEmail:
			out.Email = sealed.Text(m.Value)
		case tagPhone:
			out.Phone = sealed.Text(m.Value)
		}
	}
	return out, err
}

func (s *Store) putCompany(ctx context.Context, c *change.Set, t id.Tenant, tk *crypt.TenantKey, was, d Company) (Company, error) {
	var fields []string
	for _, f := range []struct{ name, was, now string }{
		{"name", was.Name, d.Name}, {"address", was.Address, d.Address}, {"phone", string(was.Phone), string(d.Phone)}, {"email", string(was.Email), string(d.Email)},
	} {
		if f.was != f.now {
			fields = append(fields, f.name)
		}
	}
	if len(fields) == 0 {
		return was, nil
	}
	d.CreatedAt, d.UpdatedAt, d.Version = was.CreatedAt, moment(c.Now, was.UpdatedAt), was.Version+1
	if was.Version == 0 {
		d.CreatedAt = d.UpdatedAt
	}
	b, err := json.Marshal(companyDoc{t, d.Name, d.Address, d.CreatedAt, d.UpdatedAt}, json.Deterministic(true))
	if err != nil {
		return Company{}, fault.New(fault.Internal, "internal").Because(err)
	}
	sealed, err := tk.Seal(companyPlace(t), crypt.Pack([]crypt.Member{
		{Tag: tagEmail, Value: []byte(d.Email)}, {Tag: tagPhone, Value: []byte(d.Phone)},
	}))
	if err != nil {
		return Company{}, err
	}
	c.Put(table.Item{Key: key.Company(t), Doc: b, Sealed: sealed}, at(was.Version), nil)
	return d, s.record(ctx, c, t, string(t), fields, was, d)
}
