package account

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// judge says which accounts a clause means, each as it is stored now. Every account that it is asked about may be viewed by the reader.
type judge struct {
	s      *Accounts
	who    *policy.Subject
	clause *clause          // nil: all
	tenant *crypt.TenantKey // nil: the clause needs nothing opened
}

func (j *judge) admits(ctx context.Context, w *row) (bool, error) {
	if j.clause == nil {
		return true, nil
	}
	var k *crypt.AccountKey
	if j.tenant != nil {
		if w.key == nil { // deleted for good
			return false, nil
		}
		var err error
		if k, err = j.tenant.OpenAccount(w.account.ID, *w.key); err != nil {
			return false, err
		}
		if err := w.account.open(k, w.sealed); err != nil {
			return false, err
		}
	}
	return j.holds(ctx, j.clause, w.account, k)
}

func (j *judge) holds(ctx context.Context, c *clause, a *Account, k *crypt.AccountKey) (bool, error) {
	switch c.join {
	case 0:
		if c.field.ofContacts {
			return j.ofContacts(ctx, c.condition, a, k)
		}
		return c.holds(a), nil
	case '!':
		ok, err := j.holds(ctx, &c.parts[0], a, k)
		return !ok, err
	}
	for i := range c.parts {
		ok, err := j.holds(ctx, &c.parts[i], a, k)
		if err != nil || ok == (c.join == '|') {
			return ok, err
		}
	}
	return c.join == '&', nil
}

// holds judges a condition on the account's own fields.
func (c *condition) holds(a *Account) bool {
	switch c.field.kind {
	case ofTime:
		at := a.CreatedAt
		if c.field.name == "updatedAt" {
			at = a.UpdatedAt
		}
		return c.compares(at.Compare(c.moment))
	case ofNumber:
		return c.compares(cmp.Compare(a.ContactCount, c.number))
	}
	return c.matches(c.field.texts(a))
}

func (c *condition) matches(has []string) bool {
	switch c.op {
	case IsEmpty:
		return (len(has) == 0) == c.empty
	case Ne:
		return !slices.Contains(has, c.texts[0])
	case Prefix:
		return slices.ContainsFunc(has, func(s string) bool { return strings.HasPrefix(s, c.texts[0]) })
	}
	return slices.ContainsFunc(has, func(s string) bool { return slices.Contains(c.texts, s) })
}

func (c *condition) compares(n int) bool {
	switch c.op {
	case Eq:
		return n == 0
	case Ne:
		return n != 0
	case Gt:
		return n > 0
	case Gte:
		return n >= 0
	case Lt:
		return n < 0
	}
	return n <= 0
}

// seesContacts reports whether the reader may view the contacts of the account. Whether their roles show contacts at all was settled before.
func seesContacts(who *policy.Subject, a *Account) bool {
	return policy.Decide(who, policy.ModContact, policy.View, a.resource(who.Tenant)).Allowed
}

// ofContacts judges a condition on the account's contacts: for who may not see those there is nothing to compare.
func (j *judge) ofContacts(ctx context.Context, c *condition, a *Account, k *crypt.AccountKey) (bool, error) {
	if !seesContacts(j.who, a) {
		return c.op == Ne, nil
	}
	if c.field.kind == ofNumber {
		return c.holds(a), nil
	}
	if c.among != nil && !c.among[a.ID] {
		return false, nil
	}
	q := table.Query{PK: key.AccountPartition(j.who.Tenant, a.ID), Prefix: key.ContactPrefix, Limit: MaxContacts}
	for {
		p, err := j.s.table.Query(ctx, q)
		if err != nil {
			return false, err
		}
		for _, it := range p.Items {
			x, err := contactFromItem(it, a, k)
			if err != nil {
				return false, err
			}
			has := x.mail
			if c.field.kind == ofPhone {
				has = string(x.Phone)
			}
			if slices.Contains(c.texts, has) {
				return true, nil
			}
		}
		if q.Cursor = p.Cursor; q.Cursor == "" {
			return false, nil
		}
	}
}
