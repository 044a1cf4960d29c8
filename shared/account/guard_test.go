package account_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math/bits"
	"strings"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/user"
)

// TestOwnerGoesMeanwhile holds I10 and I11 at their root: between the reading of the owner and the commit the owner is deactivated, and the
// commit refuses.
func TestOwnerGoesMeanwhile(t *testing.T) {
	for _, self := range []bool{true, false} {
		w := newWorld(t)
		boss := w.user(t, principal.UserActive, "", "")
		owner := boss
		if !self {
			owner = w.user(t, principal.UserActive, "", "")
		}
		who := w.as(boss, everything(policy.All))
		c := change.New(who.Principal, w.IDs, w.Now())
		_, err := w.accounts.Create(t.Context(), who, c, account.Draft{Name: "Lotus", Email: "a@b.example", Phone: "13800138000", Owner: patch.Of(string(owner))})
		must(t, err)
		w.setStatus(t, owner, principal.UserInactive)
		before := edgetest.Dump(t, w.Table)
		if err := c.Verify(t.Context(), w.Table); !fault.Is(err, "owner_not_active") {
			t.Errorf("self %v: the dry run answered %v", self, err)
		}
		if err := c.Commit(t.Context(), w.Table); !fault.Is(err, "owner_not_active") {
			t.Errorf("self %v: the commit answered %v", self, err)
		}
		if edgetest.Dump(t, w.Table) != before {
			t.Errorf("self %v: the store changed", self)
		}
	}
}

// TestDepartmentGoesMeanwhile is the same for the department.
func TestDepartmentGoesMeanwhile(t *testing.T) {
	w := newWorld(t)
	dept := w.department(t, "")
	boss := w.user(t, principal.UserActive, "", "")
	who := w.as(boss, everything(policy.All))
	made := w.create(t, who, "")
	c, u := change.New(who.Principal, w.IDs, w.Now()), change.New(who.Principal, w.IDs, w.Now())
	_, err := w.accounts.Create(t.Context(), who, c, account.Draft{Name: "Lotus", Email: "a@b.example", Phone: "13800138000", Department: patch.Of(string(dept))})
	must(t, err)
	_, err = w.accounts.Update(t.Context(), who, u, made.ID, 0, account.Patch{Department: patch.Of(string(dept))})
	must(t, err)
	w.Commit(t, table.Delete(key.Department(w.row.ID, dept), table.Present))
	for name, set := range map[string]*change.Set{"create": c, "update": u} {
		if err := set.Commit(t.Context(), w.Table); !fault.Is(err, "unknown_department") {
			t.Errorf("%s answered %v", name, err)
		}
	}
}

// TestCountOwnedIsStrong holds that a lagging index hides no account from the count that a deletion relies on.
func TestCountOwnedIsStrong(t *testing.T) {
	w := newWorld(t)
	boss := w.user(t, principal.UserActive, "", "")
	other := w.user(t, principal.UserActive, "", "")
	who := w.as(boss, everything(policy.All))
	w.Store.FreezeIndexes()
	a := w.create(t, who, "")
	w.create(t, who, other)
	must(t, w.run(t.Context(), who, func(c *change.Set) error {
		_, err := w.accounts.Deactivate(t.Context(), who, c, a.ID, 0)
		return err
	}))
	for u, want := range map[id.User]int{boss: 1, other: 1, id.New[id.User](w.IDs): 0} {
		if n, err := w.accounts.CountOwned(t.Context(), w.row.ID, u); err != nil || n != want {
			t.Errorf("counted %d, %v; want %d", n, err, want)
		}
	}
}

// TestDeletionAgainstCreation runs the leaving of a user (deactivate; decide to delete; commit) against an account being given to them
// (decide; commit), in every order of the steps and on an index that lags: no account is ever left with an owner who is gone.
func TestDeletionAgainstCreation(t *testing.T) {
	w := newWorld(t)
	w.Store.FreezeIndexes()
	boss := w.user(t, principal.UserActive, "", "")
	admin := everything(policy.All)
	for _, a := range []policy.Action{policy.View, policy.Update, policy.Delete} {
		admin.Grants = append(admin.Grants, policy.Grant{Module: policy.ModUser, Action: a, Scope: policy.All})
	}
	users := user.New(w.Table, w.Crypt, access.New(w.Table, w.Now), noJobs{})
	given, gone := 0, 0
	for order := range 1 << 5 {
		if bits.OnesCount(uint(order)) != 2 { // the steps that are the account's
			continue
		}
		leaver := w.user(t, principal.UserActive, "", "")
		who := w.as(boss, admin)
		items, err := w.Table.Get(t.Context(), key.Tenant(w.row.ID))
		must(t, err)
		who.OrgVersion = items[0].Version
		create, remove := change.New(who.Principal, w.IDs, w.Now()), change.New(who.Principal, w.IDs, w.Now())
		var made, left error
		give := []func(){
			func() {
				_, made = w.accounts.Create(t.Context(), who, create, account.Draft{Name: "Lotus", Email: "a@b.example", Phone: "13800138000", Owner: patch.Of(string(leaver))})
			},
			func() {
				if made == nil {
					made = create.Commit(t.Context(), w.Table)
				}
			},
		}
		leave := []func(){
			func() { w.setStatus(t, leaver, principal.UserInactive) },
			func() { left = users.Delete(t.Context(), who, remove, leaver, 0, w.accounts) },
			func() {
				if left == nil {
					left = remove.Commit(t.Context(), w.Table)
				}
			},
		}
		for step := range 5 {
			if order>>step&1 == 1 {
				give[0]()
				give = give[1:]
			} else {
				leave[0]()
				leave = leave[1:]
			}
		}
		if made != nil && !fault.Is(made, "owner_not_active") && !fault.Is(made, "invalid_owner") {
			t.Errorf("order %05b: create: %v", order, made)
		}
		if left != nil && !fault.Is(left, "user_owns_accounts") {
			t.Errorf("order %05b: delete: %v", order, left)
		}
		n, err := w.accounts.CountOwned(t.Context(), w.row.ID, leaver)
		must(t, err)
		if (made == nil) != (n == 1) || (left == nil) == (n == 1) {
			t.Errorf("order %05b: create: %v; delete: %v; and %d accounts are owned", order, made, left, n)
		}
		if n == 1 {
			given++
		} else {
			gone++
		}
	}
	if given == 0 || gone == 0 {
		t.Errorf("%d given, %d gone: the orders do not cover both", given, gone)
	}
}

type noJobs struct{}

func (noJobs) Stage(*change.Set, id.Tenant, string, any, time.Time) (id.Job, error) { return "", nil }

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
	plain, err := ak.Open(account.AuditPlace(a.ID), event.Sealed)
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
