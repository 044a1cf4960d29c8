package account_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// TestNothingPlain is the canary: no sealed value is in the store, raw, in hex, in base64 or in UTF-16, audit and key space included.
func TestNothingPlain(t *testing.T) {
	w := newWorld(t)
	boss := w.user(t, principal.UserActive, "", "")
	who := w.as(boss, everything(policy.All))
	canaries := []string{"canary.account@lotus.example", "+8613912345671", "ID-CANARY-31415926", "canary.ann@lotus.example", "+8613912345672", "canary.new@lotus.example", "+8613912345673"}
	a := w.create(t, who, "", func(d *account.Draft) {
		d.Email, d.Phone, d.IDNumber = canaries[0], canaries[1], canaries[2]
		d.Contacts = []account.ContactDraft{{Name: "Ann", Email: canaries[3], Phone: canaries[4]}}
	})
	w.addContact(t, who, a.ID, account.ContactDraft{Name: "Bob", Email: canaries[5]})
	must(t, w.run(t.Context(), who, func(c *change.Set) error {
		_, err := w.accounts.Update(t.Context(), who, c, a.ID, 0, account.Patch{Phone: patch.Of(canaries[6])})
		return err
	}))
	var stored bytes.Buffer
	for it, err := range w.Table.Scan(t.Context(), 0, 1) {
		must(t, err)
		stored.WriteString(it.PK + "\n" + it.SK + "\n")
		stored.Write(it.Doc)
		stored.Write(it.Sealed)
		for _, k := range it.Index {
			stored.WriteString(k.PK + k.SK)
		}
	}
	items, err := w.Table.Get(t.Context(), key.AccountKey(w.row.ID, a.ID))
	must(t, err)
	stored.Write(items[0].Doc)
	stored.Write(items[0].Sealed)
	all := bytes.ToLower(stored.Bytes())
	for _, c := range canaries {
		c = strings.TrimPrefix(c, "+86")
		b64 := base64.RawStdEncoding.EncodeToString([]byte(c))
		var wide []byte
		for _, r := range c {
			wide = append(wide, byte(r), 0)
		}
		for _, form := range []string{c, hex.EncodeToString([]byte(c)), b64[:len(b64)-2], string(wide)} {
			if bytes.Contains(all, bytes.ToLower([]byte(form))) {
				t.Errorf("%q is in the store", form)
			}
		}
	}
	if !bytes.Contains(all, []byte("lotus trading")) {
		t.Error("the name is not in the store: the canary looks in the wrong place")
	}
}

// TestMovedCiphertext holds E03 for accounts: a sealed group that is put into another account, or back after its account's key changed,
// does not open.
func TestMovedCiphertext(t *testing.T) {
	w := newWorld(t)
	boss := w.user(t, principal.UserActive, "", "")
	who := w.as(boss, everything(policy.All))
	a, b := w.create(t, who, ""), w.create(t, who, "")
	items, err := w.Table.Get(t.Context(), key.Account(w.row.ID, a.ID), key.Account(w.row.ID, b.ID))
	must(t, err)
	items[1].Sealed = items[0].Sealed
	w.Commit(t, table.Put(items[1], table.Present))
	if _, err := w.accounts.Get(t.Context(), who, b.ID); !fault.Is(err, "sealed_mismatch") {
		t.Errorf("get: %v", err)
	}
	if _, err := w.accounts.List(t.Context(), who, account.Query{Limit: 10}); !fault.Is(err, "sealed_mismatch") {
		t.Errorf("list: %v", err)
	}
}

// TestShredded holds that an account without its key is gone for everybody.
func TestShredded(t *testing.T) {
	w := newWorld(t)
	boss := w.user(t, principal.UserActive, "", "")
	who := w.as(boss, everything(policy.All))
	a, b := w.create(t, who, ""), w.create(t, who, "")
	w.Commit(t, table.Delete(key.AccountKey(w.row.ID, a.ID), table.Present))
	if _, err := w.accounts.Get(t.Context(), who, a.ID); !fault.Is(err, "not_found") {
		t.Errorf("get: %v", err)
	}
	p, err := w.accounts.List(t.Context(), who, account.Query{Limit: 10})
	must(t, err)
	if len(p.Items) != 1 || p.Items[0].ID != b.ID {
		t.Errorf("list: %+v", p.Items)
	}
}

// TestAuditHoldsBeforeAndAfter holds that the event names the changed fields alone, and that its sealed part opens under the account's key.
func TestAuditHoldsBeforeAndAfter(t *testing.T) {
	w := newWorld(t)
	boss := w.user(t, principal.UserActive, "", "")
	who := w.as(boss, everything(policy.All))
	a := w.create(t, who, "")
	c := change.New(who.Principal, w.IDs, w.Now())
	_, err := w.accounts.Update(t.Context(), who, c, a.ID, 0, account.Patch{Name: patch.Of("Lotus Trading"), Email: patch.Of("new@lotus.example")})
	must(t, err)
	writes, err := c.Writes()
	must(t, err)
	event := writes[len(writes)-1].Item
	if !bytes.Contains(event.Doc, []byte(`"fields":["email"]`)) || !bytes.Contains(event.Doc, []byte(a.ID)) {
		t.Errorf("event: %s", event.Doc)
	}
	tk, err := w.Crypt.Tenant(t.Context(), w.row.ID)
	must(t, err)
	items, err := w.Table.Get(t.Context(), key.AccountKey(w.row.ID, a.ID))
	must(t, err)
	ak, err := tk.OpenAccount(a.ID, items[0])
	must(t, err)
	plain, err := ak.Open(audit.Place(string(a.ID)), event.Sealed)
	must(t, err)
	if want := `{"before":{"email":"hello@lotus.example"},"after":{"email":"new@lotus.example"}}`; string(plain) != want {
		t.Errorf("sealed %s, want %s", plain, want)
	}
}

// TestBlindIndexFollows holds that an exact lookup finds the value that is, and never the value that was.
func TestBlindIndexFollows(t *testing.T) {
	w := newWorld(t)
	boss := w.user(t, principal.UserActive, "", "")
	who := w.as(boss, everything(policy.All))
	a := w.create(t, who, "")
	x := w.addContact(t, who, a.ID, account.ContactDraft{Name: "Ann", Email: "Ann@Lotus.example", Phone: "13900139000"})
	tk, err := w.Crypt.Tenant(t.Context(), w.row.ID)
	must(t, err)
	holds := func(field, value string, want bool) {
		t.Helper()
		p, err := w.Table.Query(t.Context(), table.Query{PK: key.BlindPartition(w.row.ID, field, tk.Blind(field, value))})
		must(t, err)
		if (len(p.Items) == 1) != want {
			t.Errorf("%s %s: %d entries", field, value, len(p.Items))
		}
	}
	holds("account.email", "hello@lotus.example", true)
	holds("account.phone", "+8613800138000", true)
	holds("contact.email", "ann@lotus.example", true)
	holds("contact.phone", "+8613900139000", true)
	must(t, w.run(t.Context(), who, func(c *change.Set) error {
		_, err := w.accounts.Update(t.Context(), who, c, a.ID, 0, account.Patch{Email: patch.Of("new@lotus.example")})
		return err
	}))
	holds("account.email", "hello@lotus.example", false)
	holds("account.email", "new@lotus.example", true)
	must(t, w.run(t.Context(), who, func(c *change.Set) error { return w.accounts.DeleteContact(t.Context(), who, c, a.ID, x.ID, 0) }))
	holds("contact.email", "ann@lotus.example", false)
	holds("contact.phone", "+8613900139000", false)
}
