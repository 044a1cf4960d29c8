package account

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/sealed"
)

// field is a field that people fill in, by its name in JSON. All that treats fields alike (rules of roles, required fields, what changed)
// goes through these lists, so that a new field cannot be forgotten by one of them.
type field[T any] struct {
	name    string
	members []string            // of a field that has any, as field rules name them
	parts   func(*T) []*string  // one for each member, or one
	mask    func(string) string // what a role that masks the field is shown of a part
}

var accountFields = []field[Account]{
	{"name", nil, func(a *Account) []*string { return []*string{&a.Name} }, maskAll},
	{"type", nil, func(a *Account) []*string { return []*string{&a.Type} }, maskAll},
	{"valueTier", nil, func(a *Account) []*string { return []*string{&a.ValueTier} }, maskAll},
	{"stage", nil, func(a *Account) []*string { return []*string{&a.Stage} }, maskAll},
	{"email", nil, func(a *Account) []*string { return []*string{(*string)(&a.Email)} }, maskEmail},
	{"phone", nil, func(a *Account) []*string { return []*string{(*string)(&a.Phone)} }, maskPhone},
	{"idNumber", nil, func(a *Account) []*string { return []*string{(*string)(&a.IDNumber)} }, maskAll},
	{"address", addressMembers, func(a *Account) []*string {
		d := &a.Address
		return []*string{&d.Country, &d.Region, &d.City, &d.Street, &d.PostalCode}
	}, maskAll},
	{"website", nil, func(a *Account) []*string { return []*string{&a.Website} }, maskAll},
	{"industry", nil, func(a *Account) []*string { return []*string{&a.Industry} }, maskAll},
	{"ownerId", nil, func(a *Account) []*string { return []*string{(*string)(&a.Owner)} }, maskAll},
	{"departmentId", nil, func(a *Account) []*string { return []*string{(*string)(&a.Department)} }, maskAll},
	{"categoryIds", nil, func(a *Account) []*string { return []*string{(*string)(&a.Categories)} }, maskAll},
	{"protection", nil, func(a *Account) []*string { return []*string{&a.Protection} }, maskAll},
}

var addressMembers = []string{"address.country", "address.region", "address.city", "address.street", "address.postalCode"}

var contactFields = []field[Contact]{
	{"name", nil, func(c *Contact) []*string { return []*string{&c.Name} }, maskAll},
	{"title", nil, func(c *Contact) []*string { return []*string{&c.Title} }, maskAll},
	{"email", nil, func(c *Contact) []*string { return []*string{(*string)(&c.Email)} }, maskEmail},
	{"phone", nil, func(c *Contact) []*string { return []*string{(*string)(&c.Phone)} }, maskPhone},
}

func (f *field[T]) empty(x *T) bool {
	return !slices.ContainsFunc(f.parts(x), func(p *string) bool { return *p != "" })
}

// changed names the fields in which b differs from a.
func changed[T any](fields []field[T], a, b *T) []string {
	var names []string
	for _, f := range fields {
		if !slices.EqualFunc(f.parts(a), f.parts(b), func(x, y *string) bool { return *x == *y }) {
			names = append(names, f.name)
		}
	}
	return names
}

// filled names the fields that hold something.
func filled[T any](fields []field[T], x *T) []string { return changed(fields, new(T), x) }

// only is x as JSON with the named members alone.
func only(x any, names []string) (map[string]jsontext.Value, error) {
	b, err := json.Marshal(x)
	if err != nil {
		return nil, err
	}
	var all map[string]jsontext.Value
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, err
	}
	for name := range all {
		if !slices.Contains(names, name) {
			delete(all, name)
		}
	}
	return all, nil
}

// sight is what a subject's roles show of accounts and contacts: the access to each part of each field, in the order of the lists.
type sight struct {
	account, contact  []policy.Access
	contacts, primary bool // whether the contacts are part of the account, the primary mark part of a contact
}

func sightOf(s *policy.Subject) sight {
	seen := func(a policy.Access) bool { return a == policy.Read || a == policy.Edit }
	return sight{
		account:  accesses(accountFields, s, policy.ModAccount),
		contact:  accesses(contactFields, s, policy.ModContact),
		contacts: seen(s.Field(policy.ModAccount, policy.View, "contacts")),
		primary:  seen(s.Field(policy.ModContact, policy.View, "primary")),
	}
}

func accesses[T any](fields []field[T], s *policy.Subject, m policy.Module) []policy.Access {
	var out []policy.Access
	for _, f := range fields {
		if f.members == nil {
			out = append(out, s.Field(m, policy.View, f.name))
		}
		for _, name := range f.members {
			out = append(out, s.Field(m, policy.View, name))
		}
	}
	return out
}

// show takes out of x what is hidden, and masks what is masked.
func show[T any](fields []field[T], x *T, access []policy.Access) {
	for _, f := range fields {
		mine := access[:max(1, len(f.members))]
		access = access[len(mine):]
		if !slices.ContainsFunc(mine, narrow) {
			continue
		}
		for i, p := range f.parts(x) {
			switch {
			case !narrow(mine[i]) || *p == "":
			case mine[i] != policy.Masked:
				*p = ""
			case sealed.Text(*p) != sealed.Locked: // of what is locked there is no part to leave
				*p = f.mask(*p)
			}
		}
	}
}

// narrow reports that the access shows less than the whole value. What is no known access shows nothing.
func narrow(a policy.Access) bool { return a != policy.Read && a != policy.Edit }

// writable refuses the named fields that the subject's roles do not let them write when doing the action. It speaks of the field's name
// alone, so it tells nothing of what is stored.
func writable(s *policy.Subject, m policy.Module, a policy.Action, under string, names []string) error {
	var at []fault.Field
	for _, n := range names {
		if s.Field(m, a, n) != policy.Edit {
			at = append(at, fault.At(under+"/"+strings.ReplaceAll(n, ".", "/"), "field_not_writable"))
		}
	}
	if len(at) == 0 {
		return nil
	}
	return fault.New(fault.Denied, "field_not_writable").With(at...)
}

const dots = "•••"

func maskAll(string) string { return dots }

// maskPhone leaves the last four digits.
func maskPhone(s string) string {
	if len(s) <= 8 {
		return dots
	}
	return dots + s[len(s)-4:]
}

// maskEmail leaves the first letter and the domain.
func maskEmail(s string) string {
	at := strings.LastIndexByte(s, '@')
	if at < 1 {
		return dots
	}
	_, n := utf8.DecodeRuneInString(s)
	return s[:n] + dots + s[at:]
}
