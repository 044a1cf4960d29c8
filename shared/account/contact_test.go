package account_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// TestContactsAgainstModel adds, edits and removes contacts at random and holds after each step: the stored contacts are the model's,
// exactly one is primary when there are any, and whoever's answer would differ has another version.
func TestContactsAgainstModel(t *testing.T) {
	w := newWorld(t)
	boss := w.user(t, principal.UserActive, "", "")
	who := w.as(boss, everything(policy.All))
	type person struct {
		name    string
		version int64
	}
	rapid.Check(t, func(r *rapid.T) {
		a := w.create(t, who, "")
		model := map[id.Contact]*person{}
		var order []id.Contact
		var primary id.Contact
		do := func(f func(*change.Set) error) error { return w.run(t.Context(), who, f) }
		pick := func() id.Contact { return rapid.SampledFrom(order).Draw(r, "who") }
		setPrimary := func(x id.Contact) {
			if primary != x {
				if p := model[primary]; p != nil {
					p.version++
				}
				primary = x
			}
		}
		r.Repeat(map[string]func(*rapid.T){
			"add": func(r *rapid.T) {
				d := account.ContactDraft{Name: rapid.StringMatching(`[a-z]{1,5}`).Draw(r, "name"), Primary: rapid.Bool().Draw(r, "primary")}
				x := w.addContact(t, who, a.ID, d)
				model[x.ID] = &person{d.Name, 1}
				if d.Primary || len(order) == 0 {
					setPrimary(x.ID)
				}
				order = append(order, x.ID)
			},
			"rename": func(r *rapid.T) {
				if len(order) == 0 {
					return
				}
				x, name := pick(), rapid.StringMatching(`[a-z]{1,2}`).Draw(r, "name")
				if model[x].name != name {
					model[x].name = name
					model[x].version++
				}
				must(t, do(func(c *change.Set) error {
					_, err := w.accounts.UpdateContact(t.Context(), who, c, a.ID, x, 0, account.ContactPatch{Name: patch.Of(name)})
					return err
				}))
			},
			"make primary": func(r *rapid.T) {
				if len(order) == 0 {
					return
				}
				x := pick()
				if x != primary {
					setPrimary(x)
					model[x].version++
				}
				must(t, do(func(c *change.Set) error {
					_, err := w.accounts.UpdateContact(t.Context(), who, c, a.ID, x, 0, account.ContactPatch{Primary: patch.Of(true)})
					return err
				}))
			},
			"make not primary": func(r *rapid.T) {
				if len(order) == 0 {
					return
				}
				x := pick()
				err := do(func(c *change.Set) error {
					_, err := w.accounts.UpdateContact(t.Context(), who, c, a.ID, x, 0, account.ContactPatch{Primary: patch.Of(false)})
					return err
				})
				if (x == primary) != fault.Is(err, "one_primary") {
					r.Fatalf("answered %v", err)
				}
			},
			"remove": func(r *rapid.T) {
				if len(order) == 0 {
					return
				}
				x := pick()
				order = slices.DeleteFunc(order, func(y id.Contact) bool { return y == x })
				delete(model, x)
				if primary == x {
					primary = ""
					if len(order) > 0 {
						primary = order[0]
						model[primary].version++
					}
				}
				must(t, do(func(c *change.Set) error { return w.accounts.DeleteContact(t.Context(), who, c, a.ID, x, 0) }))
			},
			"": func(r *rapid.T) {
				got, err := w.accounts.Get(t.Context(), who, a.ID)
				must(t, err)
				if got.ContactCount != len(order) || len(got.Contacts) != len(order) {
					r.Fatalf("%d contacts, counted %d, want %d", len(got.Contacts), got.ContactCount, len(order))
				}
				for i, x := range got.Contacts {
					want := model[order[i]]
					if x.ID != order[i] || x.Name != want.name || x.Version != want.version || *x.Primary != (x.ID == primary) {
						r.Fatalf("contact %d is %+v primary %v, want %+v primary %v", i, x, *x.Primary, *want, order[i] == primary)
					}
				}
			},
		})
	})
}

// TestContactsInParallel has many make themselves primary and come and go at once: one remains primary, and nothing is lost.
func TestContactsInParallel(t *testing.T) {
	w := newWorld(t)
	boss := w.user(t, principal.UserActive, "", "")
	who := w.as(boss, everything(policy.All))
	a := w.create(t, who, "")
	again := func(f func(*change.Set) error) error {
		for {
			if err := w.run(t.Context(), who, f); !fault.Is(err, "busy") {
				return err
			}
		}
	}
	var wg sync.WaitGroup
	for n := range 12 {
		wg.Go(func() {
			var x *account.Contact
			if err := again(func(c *change.Set) (err error) {
				x, err = w.accounts.AddContact(t.Context(), who, c, a.ID, 0, account.ContactDraft{Name: fmt.Sprint("No ", n), Primary: n%2 == 0})
				return err
			}); err != nil {
				t.Error(err)
				return
			}
			if n%3 == 0 {
				if err := again(func(c *change.Set) error { return w.accounts.DeleteContact(t.Context(), who, c, a.ID, x.ID, 0) }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	got, err := w.accounts.Get(t.Context(), who, a.ID)
	must(t, err)
	primaries := 0
	for _, x := range got.Contacts {
		if *x.Primary {
			primaries++
		}
	}
	if len(got.Contacts) != 8 || got.ContactCount != 8 || primaries != 1 {
		t.Errorf("%d contacts, counted %d, %d primary", len(got.Contacts), got.ContactCount, primaries)
	}
}

// TestContactPages holds that pages of contacts give each once, oldest first, while others come and go.
func TestContactPages(t *testing.T) {
	w := newWorld(t)
	boss := w.user(t, principal.UserActive, "", "")
	who := w.as(boss, everything(policy.All))
	a := w.create(t, who, "")
	var want []id.Contact
	for n := range 11 {
		want = append(want, w.addContact(t, who, a.ID, account.ContactDraft{Name: fmt.Sprint("No ", n)}).ID)
	}
	for _, limit := range []int{1, 3, 10, 11, 12} {
		var got []id.Contact
		for after := ""; ; {
			p, err := w.accounts.Contacts(t.Context(), who, a.ID, after, limit)
			must(t, err)
			for _, x := range p.Items {
				got = append(got, x.ID)
			}
			if len(p.Items) > limit || p.Total != 11 {
				t.Fatalf("limit %d: %d items of %d", limit, len(p.Items), p.Total)
			}
			if after = p.Next; after == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("limit %d: %v, want %v", limit, got, want)
		}
	}
}
