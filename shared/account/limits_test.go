package account_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// TestReenabledIsTheSame holds A14: what comes back is byte for byte what was put away, and in between nothing can be changed.
func TestReenabledIsTheSame(t *testing.T) {
	w := newWorld(t)
	boss := w.user(t, principal.UserActive, "", "")
	who := w.as(boss, everything(policy.All))
	a := w.create(t, who, "", func(d *account.Draft) { d.Contacts = []account.ContactDraft{{Name: "Ann", Email: "ann@lotus.example"}} })
	stored := func() []table.Item {
		items, err := w.Table.Get(t.Context(), key.Account(w.row.ID, a.ID), key.Contact(w.row.ID, a.ID, a.Contacts[0].ID), key.AccountKey(w.row.ID, a.ID))
		must(t, err)
		return items
	}
	was := stored()
	set := func(f func(*change.Set) error) error { return w.run(t.Context(), who, f) }
	w.Clock.Add(1e9)
	must(t, set(func(c *change.Set) error {
		_, err := w.accounts.Deactivate(t.Context(), who, c, a.ID, a.Version)
		return err
	}))
	off := edgetest.Dump(t, w.Table)

	got, err := w.accounts.Get(t.Context(), who, a.ID)
	must(t, err)
	if got.Status != account.Inactive || got.Email != a.Email || len(got.Contacts) != 1 || !got.UpdatedAt.Equal(a.UpdatedAt) {
		t.Errorf("put away: %+v", got)
	}
	for name, f := range map[string]func(*change.Set) error{
		"update": func(c *change.Set) error {
			_, err := w.accounts.Update(t.Context(), who, c, a.ID, 0, account.Patch{Name: patch.Of("Other")})
			return err
		},
		"add contact": func(c *change.Set) error {
			_, err := w.accounts.AddContact(t.Context(), who, c, a.ID, 0, account.ContactDraft{Name: "Bob"})
			return err
		},
		"update contact": func(c *change.Set) error {
			_, err := w.accounts.UpdateContact(t.Context(), who, c, a.ID, a.Contacts[0].ID, 0, account.ContactPatch{Name: patch.Of("Bob")})
			return err
		},
		"delete contact": func(c *change.Set) error {
			return w.accounts.DeleteContact(t.Context(), who, c, a.ID, a.Contacts[0].ID, 0)
		},
	} {
		if err := set(f); !fault.Is(err, "account_deactivated") {
			t.Errorf("%s of a deactivated account: %v", name, err)
		}
	}
	must(t, set(func(c *change.Set) error { _, err := w.accounts.Deactivate(t.Context(), who, c, a.ID, 0); return err }))
	if edgetest.Dump(t, w.Table) != off {
		t.Error("deactivating twice wrote something")
	}
	must(t, set(func(c *change.Set) error { _, err := w.accounts.Reactivate(t.Context(), who, c, a.ID, 0); return err }))
	for i, it := range stored() {
		if !bytes.Equal(it.Doc, was[i].Doc) || !bytes.Equal(it.Sealed, was[i].Sealed) || len(it.Index) != len(was[i].Index) {
			t.Errorf("%s is not what it was", it.SK)
		}
		for n, k := range it.Index {
			if was[i].Index[n] != k {
				t.Errorf("%s stands elsewhere in index %d", it.SK, n)
			}
		}
	}
}

// TestTooLarge holds I39: an account with its contacts does not outgrow its limit, and the refusal writes nothing.
func TestTooLarge(t *testing.T) {
	w := newWorld(t)
	boss := w.user(t, principal.UserActive, "", "")
	who := w.as(boss, everything(policy.All))
	a := w.create(t, who, "")
	fat := account.ContactDraft{Name: strings.Repeat("龘", 200), Title: strings.Repeat("龘", 100), Email: strings.Repeat("a", 60) + "@" + strings.Repeat("b", 60) + ".example", Phone: "13800138000"}
	for n := range account.MaxContacts {
		before := edgetest.Dump(t, w.Table)
		err := w.run(t.Context(), who, func(c *change.Set) error {
			_, err := w.accounts.AddContact(t.Context(), who, c, a.ID, 0, fat)
			return err
		})
		if err == nil {
			continue
		}
		f, _ := errors.AsType[*fault.Fault](err)
		if f == nil || f.Code != "record_too_large" || f.Args["max"] != "262144" || f.Args["size"] <= "262144" {
			t.Fatalf("after %d: %v %v", n, err, f.Args)
		}
		if edgetest.Dump(t, w.Table) != before {
			t.Error("the store changed")
		}
		page, err := w.Table.Query(t.Context(), table.Query{PK: key.AccountPartition(w.row.ID, a.ID), Limit: 1000})
		must(t, err)
		size := 0
		for _, it := range page.Items {
			size += it.Size()
		}
		if size > account.MaxSize || size < account.MaxSize-4096 || page.Cursor != "" {
			t.Errorf("refused at %d bytes with %d contacts", size, n)
		}
		return
	}
	t.Error("never refused")
}

// TestContactLimit holds the limit of contacts, at its edge.
func TestContactLimit(t *testing.T) {
	w := newWorld(t)
	boss := w.user(t, principal.UserActive, "", "")
	who := w.as(boss, everything(policy.All))
	a := w.create(t, who, "")
	var last *account.Contact
	for range account.MaxContacts {
		last = w.addContact(t, who, a.ID, account.ContactDraft{Name: "Ann"})
	}
	one := func(c *change.Set) error {
		_, err := w.accounts.AddContact(t.Context(), who, c, a.ID, 0, account.ContactDraft{Name: "One more"})
		return err
	}
	if err := w.run(t.Context(), who, one); !fault.Is(err, "too_many_contacts") {
		t.Errorf("one more: %v", err)
	}
	got, err := w.accounts.Get(t.Context(), who, a.ID)
	must(t, err)
	if len(got.Contacts) != account.ContactsShown || got.ContactCount != account.MaxContacts {
		t.Errorf("shown with %d of %d", len(got.Contacts), got.ContactCount)
	}
	must(t, w.run(t.Context(), who, func(c *change.Set) error { return w.accounts.DeleteContact(t.Context(), who, c, a.ID, last.ID, 0) }))
	must(t, w.run(t.Context(), who, one))
}
