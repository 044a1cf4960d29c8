package account_test

import (
	"testing"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// TestCountInDepartment counts what lies in a department now, whatever an index remembers.
func TestCountInDepartment(t *testing.T) {
	w := newWorld(t)
	d, other := w.department(t, ""), w.department(t, "")
	who := w.as(w.user(t, principal.UserActive, "", ""), everything(policy.All))
	count := func(d id.Department, want int) {
		t.Helper()
		n, exact, err := w.accounts.CountInDepartment(t.Context(), w.row.ID, d)
		if must(t, err); n != want || !exact {
			t.Errorf("%d accounts, exact %v; want %d", n, exact, want)
		}
	}
	count(d, 0)
	in := func(d id.Department) func(*account.Draft) {
		return func(x *account.Draft) { x.Department = patch.Of(string(d)) }
	}
	a := w.create(t, who, "", in(d))
	w.create(t, who, "", in(other))
	w.create(t, who, "")
	count(d, 1)
	must(t, w.run(t.Context(), who, func(c *change.Set) error {
		_, err := w.accounts.Deactivate(t.Context(), who, c, a.ID, 0)
		return err
	}))
	count(d, 1)
	b := w.create(t, who, "", in(d))
	must(t, w.run(t.Context(), who, func(c *change.Set) error {
		_, err := w.accounts.Update(t.Context(), who, c, b.ID, 0, account.Patch{Department: patch.Of(string(other))})
		return err
	}))
	count(d, 1)
	count(other, 2)

	w.Store.FreezeIndexes()
	defer w.Store.ThawIndexes()
	must(t, w.run(t.Context(), who, func(c *change.Set) error {
		_, err := w.accounts.Reactivate(t.Context(), who, c, a.ID, 0)
		return err
	}))
	must(t, w.run(t.Context(), who, func(c *change.Set) error {
		_, err := w.accounts.Update(t.Context(), who, c, a.ID, 0, account.Patch{Department: patch.Field[string]{Set: true, Null: true}})
		return err
	}))
	count(d, 0)
}
