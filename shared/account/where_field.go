package account

import (
	"slices"
	"strconv"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/plain"
	"github.com/steward-crm/steward/shared/policy"
)

// soughtKind is how a field's values are compared, and so which ops it takes.
type soughtKind uint8

const (
	ofWord soughtKind = iota // one of a few
	ofText                   // as people type it
	ofCountry
	ofID
	ofEmail
	ofPhone
	ofSecret // sealed: nothing is told of it but whether it is there
	ofTime
	ofNumber
)

var kindOps = map[soughtKind][]Op{
	ofWord:    {Eq, Ne, In, IsEmpty},
	ofText:    {Eq, Ne, In, IsEmpty, Prefix},
	ofCountry: {Eq, Ne, In, IsEmpty},
	ofID:      {Eq, Ne, In, IsEmpty},
	ofEmail:   {Eq, In},
	ofPhone:   {Eq, In},
	ofSecret:  {IsEmpty},
	ofTime:    {Eq, Ne, Gt, Gte, Lt, Lte},
	ofNumber:  {Eq, Ne, Gt, Gte, Lt, Lte},
}

// sought is a field that can be asked for, or sorted by.
type sought struct {
	name       string
	kind       soughtKind
	words      []string // of ofWord
	isID       func(string) bool
	texts      func(*Account) []string // what it holds, ready to compare
	sort       func(*Account) string   // what stands for it in an order: letters and digits, or absent; nil: it is not sorted by
	blind      string                  // the blind index that has its values
	ofContacts bool                    // it is of the account's contacts
	contact    string                  // the contact's field
}

var soughtFields = []sought{
	{name: "name", kind: ofText, texts: func(a *Account) []string { return text(a.Name) }, sort: func(a *Account) string { return weight(a.Name) }},
	words("type", Types, func(a *Account) string { return a.Type }),
	words("valueTier", reversed(ValueTiers), func(a *Account) string { return a.ValueTier }),
	words("stage", Stages, func(a *Account) string { return a.Stage }),
	words("status", []string{string(Active), string(Inactive)}, func(a *Account) string { return string(a.Status) }),
	{name: "protection", kind: ofWord, words: []string{Standard}, texts: func(a *Account) []string { return some(a.Protection) }},
	{name: "email", kind: ofEmail, blind: blindEmail, texts: func(a *Account) []string { return some(a.mail) }},
	{name: "phone", kind: ofPhone, blind: blindPhone, texts: func(a *Account) []string { return some(string(a.Phone)) }},
	{name: "idNumber", kind: ofSecret, texts: func(a *Account) []string { return some(string(a.IDNumber)) }},
	{name: "address.country", kind: ofCountry, texts: func(a *Account) []string { return some(a.Address.Country) }},
	{name: "address.region", kind: ofText, texts: func(a *Account) []string { return text(a.Address.Region) }},
	{
		name: "address.city", kind: ofText, texts: func(a *Account) []string { return text(a.Address.City) },
		sort: func(a *Account) string { return weightOr(a.Address.City) },
	},
	{name: "address.postalCode", kind: ofText, texts: func(a *Account) []string { return text(a.Address.PostalCode) }},
	{name: "website", kind: ofText, texts: func(a *Account) []string { return text(a.Website) }},
	{
		name: "industry", kind: ofText, texts: func(a *Account) []string { return text(a.Industry) },
		sort: func(a *Account) string { return weightOr(a.Industry) },
	},
	{name: "ownerId", kind: ofID, isID: isID[id.User], texts: func(a *Account) []string { return some(string(a.Owner)) }},
	{name: "departmentId", kind: ofID, isID: isID[id.Department], texts: func(a *Account) []string { return some(string(a.Department)) }},
	{name: "categoryIds", kind: ofID, isID: isID[id.Category], texts: categories},
	{name: "createdBy", kind: ofID, isID: isID[id.User], texts: func(a *Account) []string { return some(string(a.CreatedBy)) }},
	{name: "createdAt", kind: ofTime, sort: func(a *Account) string { return key.Stamp(a.CreatedAt) }},
	{name: "updatedAt", kind: ofTime, sort: func(a *Account) string { return key.Stamp(a.UpdatedAt) }},
	{
		name: "contactCount", kind: ofNumber, ofContacts: true,
		sort: func(a *Account) string { return strconv.Itoa(1_000_000 + a.ContactCount) },
	},
	{name: "contacts.email", kind: ofEmail, blind: blindContactEmail, ofContacts: true, contact: "email"},
	{name: "contacts.phone", kind: ofPhone, blind: blindContactPhone, ofContacts: true, contact: "phone"},
}

func soughtField(name string) *sought {
	i := slices.IndexFunc(soughtFields, func(f sought) bool { return f.name == name })
	if i < 0 {
		return nil
	}
	return &soughtFields[i]
}

// usable reports whether the reader may filter and sort by the field. Access to fields is of roles, so it is the same for every account; who
// sees contacts of some accounts only is told nothing of the others' when an account is judged.
func (f *sought) usable(who *policy.Subject) bool {
	if !f.ofContacts {
		return Filterable(who, f.name)
	}
	return policy.May(who, policy.ModContact, policy.View) != policy.None && Filterable(who, "contacts") &&
		(f.contact == "" || !narrow(who.Field(policy.ModContact, policy.View, f.contact)))
}

// opened reports whether the account has to be opened to judge the field.
func (f *sought) opened() bool { return f.blind != "" || f.kind == ofSecret }

// words is a field of a few words, which are sorted in the order of the list.
func words(name string, list []string, of func(*Account) string) sought {
	return sought{
		name: name, kind: ofWord, words: list, texts: func(a *Account) []string { return some(of(a)) },
		sort: func(a *Account) string {
			if of(a) == "" {
				return absent
			}
			return strconv.Itoa(1 + slices.Index(list, of(a)))
		},
	}
}

func reversed(list []string) []string {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}

func some(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// text is what people typed, as it is compared.
func text(s string) []string {
	if s == "" {
		return nil
	}
	return []string{plain.Fold(s)}
}

// weightOr is the weight of a text that may be absent.
func weightOr(s string) string {
	if s == "" {
		return absent
	}
	return weight(s)
}

func categories(a *Account) []string {
	var out []string
	for _, c := range a.Categories.IDs() {
		out = append(out, string(c))
	}
	return out
}

func isID[K id.Kind](s string) bool {
	_, err := id.Parse[K](s)
	return err == nil
}
