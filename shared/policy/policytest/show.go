package policytest

import (
	"maps"
	"strings"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

// Row is a record as a user is shown it: the text of each field by the name that field rules give it. A field that is hidden or empty is
// not there.
type Row map[string]string

// fields is what the account holds.
func (a *Account) fields() Row {
	cats := make([]string, len(a.Categories))
	for i, c := range a.Categories {
		cats[i] = string(c)
	}
	return Row{
		"name": a.Name, "type": a.Type, "valueTier": a.ValueTier, "stage": a.Stage, "email": a.Email, "phone": a.Phone,
		"idNumber": a.IDNumber, "address.city": a.City, "ownerId": string(a.Owner), "departmentId": string(a.Department),
		"categoryIds": strings.Join(cats, ","),
	}
}

func (c *Contact) fields() Row {
	return Row{"name": c.Name, "title": c.Title, "email": c.Email, "phone": c.Phone}
}

// Shown gives what the user is shown of an account that they may view.
func (o Oracle) Shown(u id.User, a *Account) Row { return o.masked(u, policy.ModAccount, a.fields()) }

// Contacts gives what the user is shown of the account's contacts, in their order; false when they are not shown that there are any: they
// are seen with their account and never without it, by who may view contacts here and whose roles show the account's field contacts.
func (o Oracle) Contacts(u id.User, a *Account) ([]Row, bool) {
	if !o.partOf(u, a.ID, policy.View) {
		return nil, false
	}
	rows := []Row{}
	for i := range a.Contacts {
		rows = append(rows, o.masked(u, policy.ModContact, a.Contacts[i].fields()))
	}
	return rows, true
}

// partOf: whether the user may do the action on the account's contacts as operations have it.
func (o Oracle) partOf(u id.User, a id.Account, act policy.Action) bool {
	return o.Check(Question{u, policy.ModAccount, policy.View, a}).Allowed && o.Check(Question{u, policy.ModContact, act, a}).Allowed &&
		wider(o.Field(u, policy.ModAccount, policy.View, "contacts"), policy.Masked)
}

func (o Oracle) masked(u id.User, m policy.Module, row Row) Row {
	for field, value := range row {
		switch access := o.Field(u, m, policy.View, field); {
		case value == "" || access == policy.Hidden:
			delete(row, field)
		case access == policy.Masked:
			row[field] = rest(field, value)
		}
	}
	return row
}

// rest is what a mask leaves: of a phone the last four digits, of an e-mail the first letter and the domain, of anything else nothing.
func rest(field, value string) string {
	switch field {
	case "phone":
		return value[len(value)-4:]
	case "email":
		return value[:1] + value[strings.IndexByte(value, '@'):]
	}
	return ""
}

// uncovered takes the signs out of a row that stand for what is masked: dots and asterisks, however many.
func uncovered(r Row) Row {
	r = maps.Clone(r)
	for field, value := range r {
		r[field] = strings.NewReplacer("•", "", "*", "").Replace(value)
	}
	return r
}
