package account

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// Create stages a new account with its contacts and answers it as who may see it. Faults: Denied permission_denied (no right to create,
// to create there, or to name another owner), field_not_writable, category_not_usable; Invalid with every field at fault at once: required,
// not_one_of, owner_required, invalid_owner, unknown_department, unknown_category, too_many, one_primary, too_many_contacts,
// record_too_large and those of text, e-mail and phone;
// Conflict owner_not_active.
func (s *Accounts) Create(ctx context.Context, who *policy.Subject, c *change.Set, d Draft) (*Account, error) {
	if err := mayCreate(who, &d); err != nil {
		return nil, err
	}
	r := &rules{region: who.Org.Settings.Region}
	a, contacts := d.account(who, c, r)
	owner := d.owner(who, r)
	if owner != "" && owner != who.User {
		if err := policy.RequireAny(who, policy.ModAccount, policy.Transfer); err != nil {
			return nil, err
		}
	}
	a.Owner = owner
	dept, err := s.department(ctx, who, owner, r)
	if err != nil {
		return nil, err
	}
	if !d.Department.Set {
		a.Department = dept
	}
	a.required(who.Org.Settings.RequiredAccountFields, func(string) bool { return true }, r)
	closed, err := s.file(ctx, who, a.Categories.IDs(), d.Categories, r)
	if err != nil {
		return nil, err
	}
	if err := cmp.Or(r.err(), closed); err != nil {
		return nil, err
	}
	if err := mayHold(who, a); err != nil {
		return nil, err
	}

	tk, err := s.crypt.Tenant(ctx, who.Tenant)
	if err != nil {
		return nil, err
	}
	ak, keyItem, err := tk.NewAccount(a.ID)
	if err != nil {
		return nil, err
	}
	items := make([]table.Item, len(contacts))
	for i, x := range contacts {
		if items[i], err = x.item(who.Tenant, ak); err != nil {
			return nil, err
		}
		a.size += items[i].Size()
	}
	var it table.Item
	if it.Sealed, err = a.seal(ak); err != nil {
		return nil, err
	}
	a.settle(who)
	if err := a.place(&it, &who.Org); err != nil {
		return nil, err
	}
	if err := fits(it.Size() + a.size); err != nil {
		return nil, err
	}

	c.Put(it, table.Absent, nil)
	c.Put(keyItem, table.Absent, nil)
	c.Put(table.Item{Key: key.Owned(who.Tenant, a.Owner, a.ID)}, table.Absent, nil)
	mustBeActive(c, a.Owner, ownerNotActive())
	mustExist(c, a.Department)
	for _, cat := range a.Categories.IDs() {
		enter(c, cat, a.listed(who.Tenant))
	}
	reindexAccount(c, tk, &Account{}, a)
	a.Contacts = []Contact{}
	for i, x := range contacts {
		c.Put(items[i], table.Absent, nil)
		reindexContact(c, tk, a.ID, x.ID, &Contact{}, x)
		a.Contacts = append(a.Contacts, *x)
	}
	names := filled(accountFields, a)
	if len(contacts) > 0 {
		names = append(names, "contacts")
	}
	if err := record(c, ak, a.ID, "", names, beforeAfter{After: a}); err != nil {
		return nil, err
	}
	a.Team = []Grant{}
	return a.as(who, sightOf(who)), nil
}

// account makes the account and its contacts from the draft, in the order of the body.
func (d *Draft) account(who *policy.Subject, c *change.Set, r *rules) (*Account, []*Contact) {
	now := moment(c.Now, c.Now)
	a := &Account{
		ID: id.New[id.Account](c.IDs()), Version: 1, Status: Active, Protection: Standard, CreatedAt: now, UpdatedAt: now, CreatedBy: who.User,
	}
	p := d.patch()
	p.apply(a, r)
	if most := MaxInlineContacts - len(a.Categories.IDs()); len(d.Contacts) > most {
		r.add(fault.At("/contacts", "too_many_contacts", "max", strconv.Itoa(most)))
		return a, nil
	}
	first := primaries(d.Contacts, r)
	var contacts []*Contact
	for i := range d.Contacts {
		x := &Contact{ID: id.New[id.Contact](c.IDs()), Account: a.ID, Version: 1, CreatedAt: now, UpdatedAt: now, Primary: new(i == first)}
		cp := d.Contacts[i].patch()
		cp.apply(x, "/contacts/"+strconv.Itoa(i), r)
		if *x.Primary {
			a.primary = x.ID
		}
		contacts = append(contacts, x)
	}
	a.ContactCount = len(contacts)
	return a, contacts
}

// owner is the user whom the draft names, or the creator.
func (d *Draft) owner(who *policy.Subject, r *rules) id.User {
	s := strings.TrimSpace(d.Owner.Or(string(who.User)))
	if s == "" {
		r.add(fault.At("/ownerId", "owner_required"))
		return ""
	}
	u, err := id.Parse[id.User](s)
	if err != nil {
		r.add(fault.At("/ownerId", "invalid_owner"))
		return ""
	}
	return u
}

// department is the owner's. A refusal of the owner that is Invalid joins the other fields at fault.
func (s *Accounts) department(ctx context.Context, who *policy.Subject, owner id.User, r *rules) (id.Department, error) {
	switch owner {
	case "":
		return "", nil
	case who.User:
		return who.Self.Department, nil
	}
	dept, err := s.mayOwn(ctx, who.Tenant, owner)
	if fault.IsKind(err, fault.Invalid) {
		r.add(fault.At("/ownerId", "invalid_owner"))
		return "", nil
	}
	return dept, err
}

// mayCreate is what can be told before the owner is known.
func mayCreate(who *policy.Subject, d *Draft) error {
	if err := policy.RequireAny(who, policy.ModAccount, policy.Create); err != nil {
		return err
	}
	p := d.patch()
	names := p.names()
	if d.Owner.Set {
		names = append(names, "ownerId")
	}
	if len(d.Contacts) > 0 {
		names = append(names, "contacts")
	}
	if err := writable(who, policy.ModAccount, policy.Create, "", names); err != nil {
		return err
	}
	if len(d.Contacts) == 0 {
		return nil
	}
	if err := policy.RequireAny(who, policy.ModContact, policy.Create); err != nil {
		return err
	}
	for i := range min(len(d.Contacts), MaxInlineContacts) {
		cp := d.Contacts[i].patch()
		if err := writable(who, policy.ModContact, policy.Create, "/contacts/"+strconv.Itoa(i), cp.names()); err != nil {
			return err
		}
	}
	return nil
}

// mayHold demands that the new account lies where its creator may create: accounts, contacts if there are any, and another's if the owner
// is another. It is Denied and never NotFound: what it speaks of came from the creator.
func mayHold(who *policy.Subject, a *Account) error {
	r := a.resource(who.Tenant)
	ok := policy.Decide(who, policy.ModAccount, policy.Create, r).Allowed &&
		(a.Owner == who.User || policy.Decide(who, policy.ModAccount, policy.Transfer, r).Allowed) &&
		(a.ContactCount == 0 || policy.Decide(who, policy.ModContact, policy.Create, r).Allowed)
	if ok {
		return nil
	}
	return fault.New(fault.Denied, "permission_denied")
}

func ownerNotActive() error {
	return fault.New(fault.Conflict, "owner_not_active").With(fault.At("/ownerId", "owner_not_active"))
}

// mustBeActive guards that the user is active at the instant of the commit, so that a deactivation that runs beside it comes before or
// after and never between. Else the commit is refused with the fault.
func mustBeActive(c *change.Set, u id.User, otherwise error) {
	c.Check(key.User(c.Who.Tenant, u), table.Equals("status", string(principal.UserActive)), otherwise)
}

// mustExist guards that the department is there at the instant of the commit.
func mustExist(c *change.Set, d id.Department) {
	if d != "" {
		c.Check(key.Department(c.Who.Tenant, d), table.Present, fault.Fields(fault.At("/departmentId", "unknown_department")))
	}
}
