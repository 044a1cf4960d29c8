package steward

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/steward-crm/steward/infra/bench/workload"
	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/preview"
	"github.com/steward-crm/steward/shared/role"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/metered"
)

// Away is the product over a table that is so far away, to be asked what things cost there.
type Away struct {
	e        *Engine
	access   *access.Access
	accounts *account.Accounts
}

// Away moves the table so far away.
func (e *Engine) Away(distance time.Duration) *Away {
	a, s := e.over(metered.Away(e.store, distance))
	return &Away{e, a, s}
}

// Cost is the user's first page of n, and what it asks of the table. Who asks is loaded before.
func (a *Away) Cost(ctx context.Context, u workload.UserID, n int) ([]workload.AccountID, metered.Figures, error) {
	who, err := a.e.subject(ctx, a.access, u)
	if err != nil {
		return nil, metered.Figures{}, err
	}
	if _, err := a.e.crypt.Tenant(ctx, who.Tenant); err != nil { // as in a process that is warm
		return nil, metered.Figures{}, err
	}
	ctx, cost := metered.Count(ctx)
	page, err := a.accounts.List(ctx, who, account.Query{Limit: n})
	if err != nil {
		return nil, metered.Figures{}, err
	}
	accounts, err := ids(page)
	return accounts, cost.Figures(), err
}

// Compile loads the user as the first request after a change of roles or organisation does: all rows are read and turned round, and the user's
// rights compiled.
func (e *Engine) Compile(ctx context.Context, u workload.UserID) error {
	_, err := e.subject(ctx, access.New(e.store, time.Now), u)
	return err
}

// Another is the same accounts with nothing kept in memory, which have counted once.
func (e *Engine) Another() (*account.Accounts, error) {
	_, s := e.over(e.store)
	_, err := e.count(s, 0)
	return s, err
}

// widen stages that a role's holders view their department's accounts, and not their own alone.
func (e *Engine) widen(ctx context.Context, a *access.Access, t table.Table, r int) (*policy.Subject, *change.Set, error) {
	row, version, err := e.row(ctx)
	if err != nil {
		return nil, nil, err
	}
	who := e.administrator(row, version)
	c := change.New(who.Principal, e.ids, time.Now())
	var grants []role.Grant
	for do, s := range e.w.Roles[r].Scopes {
		if workload.Action(do) == workload.View {
			s = workload.Department
		}
		if s != workload.None {
			grants = append(grants, role.Grant{Module: string(policy.ModAccount), Action: string(actions[do]), Scope: s.String()})
		}
	}
	_, err = role.New(t, a, e.crypt).Update(ctx, who, c, e.roles[r], 0, role.Patch{Grants: patch.Of(grants)})
	return who, c, err
}

// Preview previews that change of the role, whole: what would be written is staged, and everybody's access compared. It gives how many users
// it is about, how many of them gain accounts, and whether the comparison was exact.
func (e *Engine) Preview(ctx context.Context, r int) (users, gaining int, exact bool, err error) {
	who, c, err := e.widen(ctx, e.access, e.store, r)
	if err != nil {
		return 0, 0, false, err
	}
	writes, err := c.Writes()
	if err != nil {
		return 0, 0, false, err
	}
	seen, err := preview.Of(e.access, e.accounts)(ctx, who, writes)
	if err != nil {
		return 0, 0, false, err
	}
	p, ok := seen.(*preview.Preview)
	if !ok {
		return 0, 0, false, errors.New("preview: another answer than a preview")
	}
	for _, u := range p.Users {
		if len(u.Accounts) > 0 {
			gaining++
		}
	}
	for _, x := range e.w.Users {
		if slices.Contains(x.Roles, uint8(r)) {
			users++
		}
	}
	return users, gaining, p.Exact, nil
}

// ChangeRole makes that change and gives what it wrote, how many accounts among it, and whether the next request of a holder has it.
func (e *Engine) ChangeRole(ctx context.Context, r int) (f metered.Figures, accounts int, inForce bool, err error) {
	t := metered.New(e.store)
	_, c, err := e.widen(ctx, e.access, t, r)
	if err != nil {
		return f, 0, false, err
	}
	writes, err := c.Writes()
	if err != nil {
		return f, 0, false, err
	}
	for _, w := range writes {
		if key.AccountOf(e.tenant.ID, w.Item.Key) != "" {
			accounts++
		}
	}
	counted, cost := metered.Count(ctx)
	if err := c.Commit(counted, t); err != nil {
		return f, 0, false, err
	}
	holder := slices.IndexFunc(e.w.Users, func(x workload.User) bool { return slices.Equal(x.Roles, []uint8{uint8(r)}) })
	s, err := e.subject(ctx, e.access, workload.UserID(holder))
	if err != nil {
		return f, 0, false, err
	}
	return cost.Figures(), accounts, policy.May(s, policy.ModAccount, policy.View) == policy.Department, nil
}
