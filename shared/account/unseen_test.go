package account_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// seesOwn may do everything with every account and contact, but view others'.
func seesOwn() policy.Role {
	r := everything(policy.All)
	for i := range r.Grants {
		if r.Grants[i].Action == policy.View {
			r.Grants[i].Scope = policy.Own
		}
	}
	return r
}

// TestChangedUnseen: roles may let somebody change what they cannot view. They do, and are shown nothing of it: not by the answer, not by a
// patch that changes nothing, and not by revealing.
func TestChangedUnseen(t *testing.T) {
	w := newWorld(t)
	boss, owner := w.user(t, principal.UserActive, "", ""), w.user(t, principal.UserActive, "", "")
	all, blind := w.as(owner, everything(policy.All)), w.as(boss, seesOwn())
	a := w.create(t, all, owner)
	bare := func(x *account.Account) account.Account {
		return account.Account{ID: a.ID, Version: x.Version, Status: x.Status, CreatedAt: x.CreatedAt, UpdatedAt: x.UpdatedAt}
	}
	if _, err := w.accounts.Get(t.Context(), blind, a.ID); !fault.IsKind(err, fault.NotFound) {
		t.Fatalf("they see it: %v", err)
	}
	for name, stage := range map[string]func(c *change.Set) (*account.Account, error){
		"a change": func(c *change.Set) (*account.Account, error) {
			return w.accounts.Update(t.Context(), blind, c, a.ID, 0, account.Patch{Stage: patch.Of("loyal")})
		},
		"no change": func(c *change.Set) (*account.Account, error) {
			return w.accounts.Update(t.Context(), blind, c, a.ID, 0, account.Patch{})
		},
		"deactivation": func(c *change.Set) (*account.Account, error) {
			return w.accounts.Deactivate(t.Context(), blind, c, a.ID, 0)
		},
		"reactivation": func(c *change.Set) (*account.Account, error) {
			return w.accounts.Reactivate(t.Context(), blind, c, a.ID, 0)
		},
	} {
		must(t, w.run(t.Context(), blind, func(c *change.Set) error {
			got, err := stage(c)
			if err == nil {
				if d := cmp.Diff(bare(got), *got, cmp.AllowUnexported(account.Account{})); d != "" {
					t.Errorf("%s shows:\n%s", name, d)
				}
			}
			return err
		}))
	}
	must(t, w.run(t.Context(), blind, func(c *change.Set) error {
		if _, err := w.accounts.Reveal(t.Context(), blind, c, a.ID, account.RevealDraft{Field: "phone", Reason: "curious"}); !fault.IsKind(err, fault.NotFound) {
			t.Errorf("revealed: %v", err)
		}
		return nil
	}))
	if got, err := w.accounts.Get(t.Context(), all, a.ID); err != nil || got.Name == "" || got.Phone == "" {
		t.Errorf("the owner sees %+v, %v", got, err)
	}
}

// TestContactChangedUnseen is the same for contacts of an account that is seen.
func TestContactChangedUnseen(t *testing.T) {
	w := newWorld(t)
	boss, owner := w.user(t, principal.UserActive, "", ""), w.user(t, principal.UserActive, "", "")
	all, half := w.as(owner, everything(policy.All)), seesOwn()
	for i := range half.Grants {
		if half.Grants[i].Module == policy.ModAccount {
			half.Grants[i].Scope = policy.All
		}
	}
	blind := w.as(boss, half)
	a := w.create(t, all, owner)
	x := w.addContact(t, all, a.ID, account.ContactDraft{Name: "Ann", Phone: "13900139000"})
	shows := func(name string, got *account.Contact) {
		t.Helper()
		bare := account.Contact{ID: got.ID, Account: a.ID, Version: got.Version, CreatedAt: got.CreatedAt, UpdatedAt: got.UpdatedAt}
		if d := cmp.Diff(bare, *got, cmp.AllowUnexported(account.Contact{})); d != "" {
			t.Errorf("%s shows:\n%s", name, d)
		}
	}
	shows("a new one", w.addContact(t, blind, a.ID, account.ContactDraft{Name: "Bob", Phone: "13900139001"}))
	for name, p := range map[string]account.ContactPatch{"a change": {Title: patch.Of("CEO")}, "no change": {}} {
		must(t, w.run(t.Context(), blind, func(c *change.Set) error {
			got, err := w.accounts.UpdateContact(t.Context(), blind, c, a.ID, x.ID, 0, p)
			if err == nil {
				shows(name, got)
			}
			return err
		}))
	}
	must(t, w.run(t.Context(), blind, func(c *change.Set) error {
		if _, err := w.accounts.RevealContact(t.Context(), blind, c, a.ID, x.ID, account.RevealDraft{Field: "phone", Reason: "curious"}); !fault.IsKind(err, fault.NotFound) {
			t.Errorf("revealed: %v", err)
		}
		return nil
	}))
}
