package account_test

import (
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/fault"
	master "github.com/steward-crm/steward/shared/keys"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/sealed"
)

// TestLocked: without the key an account is read as ever but for what is sealed, and not changed; with the key it is what it was.
func TestLocked(t *testing.T) {
	w := newWorld(t)
	who := w.as(w.user(t, principal.UserActive, "", ""), everything(policy.All))
	a := w.create(t, who, "", func(d *account.Draft) { d.IDNumber = "91310000" })
	x := w.addContact(t, who, a.ID, account.ContactDraft{Name: "Ann", Email: "ann@lotus.example"})
	read := func() *account.Account {
		t.Helper()
		got, err := w.accounts.Get(t.Context(), who, a.ID)
		must(t, err)
		page, err := w.accounts.List(t.Context(), who, account.Query{Limit: 10, Count: true})
		must(t, err)
		contacts, err := w.accounts.Contacts(t.Context(), who, a.ID, "", 10)
		must(t, err)
		contact, err := w.accounts.Contact(t.Context(), who, a.ID, x.ID)
		must(t, err)
		if len(page.Items) != 1 || page.Items[0].Email != got.Email || len(contacts.Items) != 1 || contacts.Items[0].Email != contact.Email {
			t.Fatalf("list and get tell two things: %+v, %+v", page, contacts)
		}
		return got
	}
	before := read()

	must(t, w.Master.SetState(master.Data, master.Disabled))
	w.Clock.Add(crypt.MaxAge)
	store := edgetest.Dump(t, w.Table)
	want := *before
	want.Email, want.Phone, want.IDNumber = sealed.Locked, sealed.Locked, sealed.Locked
	want.Contacts = []account.Contact{before.Contacts[0]}
	want.Contacts[0].Email, want.Contacts[0].Phone = sealed.Locked, sealed.Locked
	if d := cmp.Diff(body(t, &want), body(t, read())); d != "" {
		t.Errorf("locked (-want +got):\n%s", d)
	}
	for what, do := range map[string]func(*change.Set) error{
		"update": func(c *change.Set) error {
			_, err := w.accounts.Update(t.Context(), who, c, a.ID, 0, account.Patch{Name: patch.Of("New")})
			return err
		},
		"update nothing": func(c *change.Set) error {
			_, err := w.accounts.Update(t.Context(), who, c, a.ID, 0, account.Patch{})
			return err
		},
		"deactivate": func(c *change.Set) error {
			_, err := w.accounts.Deactivate(t.Context(), who, c, a.ID, 0)
			return err
		},
		"add contact": func(c *change.Set) error {
			_, err := w.accounts.AddContact(t.Context(), who, c, a.ID, 0, account.ContactDraft{Name: "Bob"})
			return err
		},
		"update contact": func(c *change.Set) error {
			_, err := w.accounts.UpdateContact(t.Context(), who, c, a.ID, x.ID, 0, account.ContactPatch{Title: patch.Of("CEO")})
			return err
		},
		"delete contact": func(c *change.Set) error { return w.accounts.DeleteContact(t.Context(), who, c, a.ID, x.ID, 0) },
		"create": func(c *change.Set) error {
			_, err := w.accounts.Create(t.Context(), who, c, account.Draft{Name: "New", Email: "a@b.example", Phone: "13800138000"})
			return err
		},
	} {
		if err := w.run(t.Context(), who, do); !fault.IsKind(err, fault.Locked) {
			t.Errorf("%s: %v, want Locked", what, err)
		}
	}
	if edgetest.Dump(t, w.Table) != store {
		t.Error("the store changed")
	}

	must(t, w.Master.SetState(master.Data, master.Enabled)) // and no time passes
	if d := cmp.Diff(body(t, before), body(t, read())); d != "" {
		t.Errorf("unlocked (-want +got):\n%s", d)
	}
}

// body is the account as it is answered.
func body(t *testing.T, a *account.Account) string {
	t.Helper()
	b, err := json.Marshal(a, jsontext.WithIndent(" "))
	must(t, err)
	return string(b)
}
