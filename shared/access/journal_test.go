package access_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
)

// change commits the writes as every noun does that changes roles or organisation.
func (w *world) change(writes ...table.Write) {
	w.Helper()
	row, version := w.row()
	c := change.New(principal.System(w.tenant, "test", noon), w.ids, noon)
	for i, x := range writes {
		if i == len(writes)/2 { // whatever is staged after it counts, too
			w.raise(c, row, version)
		}
		if x.Op == table.OpDelete {
			c.Delete(x.Item.Key, table.Always, nil)
		} else {
			c.Put(x.Item, table.Always, nil)
		}
	}
	if len(writes) == 0 {
		w.raise(c, row, version)
	}
	c.Check(key.Department(w.tenant, "dept_of_nobody"), table.Absent, nil) // a premise, and no change
	c.Record(audit.Event{Target: string(w.tenant)})
	if err := c.Commit(w.Context(), w.table); err != nil {
		w.Fatal(err)
	}
}

func (w *world) raise(c *change.Set, row principal.Tenant, version int64) {
	w.Helper()
	err := access.Raise(c, row, version, func(x *principal.Tenant) {
		if version%3 != 0 {
			x.AuthzVer++
		}
		if version%3 != 1 {
			x.OrgVer++
		}
	})
	if err != nil {
		w.Fatal(err)
	}
}

// asSeen wants the kept snapshot to be what the table holds.
func (w *world) asSeen(says string) {
	w.Helper()
	row, _ := w.row()
	have, err := w.access.Compiled(w.Context(), row)
	if err != nil {
		w.Fatalf("%s: %v", says, err)
	}
	want, err := w.access.Organisation(w.Context(), w.tenant)
	if err != nil {
		w.Fatal(err)
	}
	if d := cmp.Diff(want, have.Organisation, cmpopts.EquateEmpty()); d != "" {
		w.Fatalf("%s: the snapshot is not what is stored:\n%s", says, d)
	}
}

// anything is a change of one row of any kind: often of one that is there.
func (w *world) anything(r *rand.Rand) table.Write {
	n := fmt.Sprint(r.IntN(5))
	some := func() string { return fmt.Sprint(r.IntN(5)) }
	grants := []policy.Grant{grant(policy.View, policy.Scope(1+r.IntN(5)))}
	var x table.Write
	switch r.IntN(7) {
	case 0:
		d := id.Department("dept_" + n)
		x = w.item(key.Department(w.tenant, d), map[string]any{"id": d, "parentId": "dept_" + some(), "headId": "user_" + some(), "name": "Research"})
	case 1:
		p := id.Post("post_" + n)
		x = w.item(key.Post(w.tenant, p), access.Post{ID: p, Department: id.Department("dept_" + some()), Roles: []id.Role{id.Role("role_" + some())}})
	case 2:
		u := id.User("user_" + n)
		x = w.item(key.Place(w.tenant, u), principal.Place{User: u, Manager: id.User("user_" + some()), Active: r.IntN(2) == 0})
	case 3:
		role := id.Role("role_" + n)
		x = w.item(key.Role(w.tenant, role), policy.Role{ID: role, Name: "r" + some(), Grants: grants})
	case 4:
		role := id.Role("role_" + n)
		return w.item(key.RoleVersion(w.tenant, role, 1), policy.Role{ID: role, Grants: grants}) // no part of the organisation
	case 5:
		c := id.Category("cat_" + n)
		x = w.item(key.Category(w.tenant, c), access.Category{ID: c, Grants: []access.CategoryGrant{{To: policy.Grantee("U:user_" + some()), On: policy.ActView}}})
	default:
		g := "D:dept_" + n
		x = w.item(key.Granted(w.tenant, g), access.Granted{To: policy.Grantee(g), Mark: policy.Mark{Off: r.IntN(2) == 0}})
	}
	if r.IntN(4) == 0 {
		return table.Delete(x.Item.Key, table.Always)
	}
	return x
}

// some are up to three changes of different rows.
func (w *world) some(r *rand.Rand) []table.Write {
	var out []table.Write
	for range r.IntN(4) {
		x := w.anything(r)
		if !slices.ContainsFunc(out, func(y table.Write) bool { return y.Item.Key == x.Item.Key }) {
			out = append(out, x)
		}
	}
	return out
}

// TestJournalLeadsToWhatIsStored: whatever is changed, a kept snapshot is brought to it, by one query of the journal and none of the
// organisation.
func TestJournalLeadsToWhatIsStored(t *testing.T) {
	for seed := range uint64(30) {
		w, r := newWorld(t), rand.New(rand.NewPCG(seed, 1))
		w.asSeen("at first")
		for step := range 20 {
			for range 1 + r.IntN(3) {
				w.change(w.some(r)...)
			}
			w.meet(nil)
			row, _ := w.row()
			if _, err := w.access.Compiled(t.Context(), row); err != nil {
				t.Fatal(err)
			}
			if n := w.count("query"); n != 1 {
				t.Errorf("seed %d, step %d: %d queries", seed, step, n)
			}
			w.asSeen(fmt.Sprintf("seed %d, step %d", seed, step))
		}
	}
}

// TestLoadAmongChanges: the organisation changes before every single read of a load, and what is loaded is a state that was: the last one.
func TestLoadAmongChanges(t *testing.T) {
	for seed := range uint64(30) {
		w, r := newWorld(t), rand.New(rand.NewPCG(seed, 2))
		for range 10 {
			w.change(w.some(r)...)
		}
		left, within := 5, false
		w.meet(func(c local.Call) error {
			if c.Op == "query" && !within && left > 0 && !strings.HasPrefix(c.Query.From, "JOURNAL#") {
				within = true
				defer func() { within = false }()
				left--
				w.change(w.some(r)...)
			}
			return nil
		})
		ann := w.user(principal.Standing{})
		left = 4 // the reads of a load
		s, err := w.access.Subject(t.Context(), w.claims(ann), principal.Principal{})
		if err != nil || left != 0 {
			t.Fatalf("seed %d: %v, %d changes left", seed, err, left)
		}
		now, _ := w.row()
		have, err := w.access.Compiled(t.Context(), s.Org) // of the row that was read before all the changes
		if err != nil {
			t.Fatal(err)
		}
		queries := w.count("query")
		if _, err := w.access.Compiled(t.Context(), now); err != nil || w.count("query") != queries {
			t.Errorf("seed %d: what was loaded is not the newest state, or %v", seed, err)
		}
		want, err := w.access.Organisation(t.Context(), w.tenant)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, have.Organisation, cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("seed %d: a state that never was:\n%s", seed, d)
		}
	}
}

// TestNeverStillWithAJournal: a change before every read of every load, and still nobody is told to come back.
func TestNeverStillWithAJournal(t *testing.T) {
	w := newWorld(t)
	ann := w.user(principal.Standing{})
	within := false
	w.meet(func(c local.Call) error {
		if c.Op == "query" && !within {
			within = true
			defer func() { within = false }()
			w.change(w.item(key.Department(w.tenant, "dept_1"), access.Department{ID: "dept_1"}))
		}
		return nil
	})
	for range 5 {
		w.subject(ann)
	}
}

// TestGapInTheJournal: where an entry is missing, or was too large to leave one, the organisation is read whole.
func TestGapInTheJournal(t *testing.T) {
	for name, gap := range map[string]func(w *world){
		"an entry went": func(w *world) {
			row, _ := w.row()
			w.change(w.item(key.Department(w.tenant, "dept_1"), access.Department{ID: "dept_1"}))
			w.change(w.item(key.Department(w.tenant, "dept_2"), access.Department{ID: "dept_2"}))
			now, _ := w.row()
			for a := row.AuthzVer; a <= row.AuthzVer+1; a++ {
				for o := row.OrgVer; o <= now.OrgVer; o++ {
					w.commit(table.Delete(key.RightsJournal(w.tenant, a, o), table.Always))
				}
			}
		},
		"the last one went": func(w *world) {
			w.change(w.item(key.Department(w.tenant, "dept_1"), access.Department{ID: "dept_1"}))
			w.change(w.item(key.Department(w.tenant, "dept_2"), access.Department{ID: "dept_2"}))
			now, _ := w.row()
			w.commit(table.Delete(key.RightsJournal(w.tenant, now.AuthzVer, now.OrgVer), table.Always))
		},
		"too large": func(w *world) {
			grants := make([]policy.Grant, 2000)
			for i := range grants {
				grants[i] = grant(policy.View, policy.All)
			}
			w.change(w.item(key.Role(w.tenant, "role_1"), policy.Role{ID: "role_1", Grants: grants}))
			now, _ := w.row()
			if items, err := w.table.Get(w.Context(), key.RightsJournal(w.tenant, now.AuthzVer, now.OrgVer)); len(items) != 0 || err != nil {
				w.Errorf("a large entry was left: %v", err)
			}
		},
		"too many": func(w *world) {
			for range 201 {
				w.change()
			}
			w.change(w.item(key.Department(w.tenant, "dept_1"), access.Department{ID: "dept_1"}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.asSeen("at first")
			gap(w)
			w.asSeen("after the gap")
			w.change(w.item(key.Department(w.tenant, "dept_3"), access.Department{ID: "dept_3"}))
			w.asSeen("after the next change")
		})
	}
}

// TestJournalPassesFaultsOn: who cannot read the journal, or what lies in it, is told so, and is not served by what is older. A change whose row
// cannot be read leaves no entry and is none.
func TestJournalPassesFaultsOn(t *testing.T) {
	w := newWorld(t)
	ann := w.user(principal.Standing{})
	w.subject(ann)
	w.change(w.item(key.Department(w.tenant, "dept_1"), access.Department{ID: "dept_1"}))
	w.meet(func(c local.Call) error {
		if c.Op == "query" && strings.HasPrefix(c.Query.From, "JOURNAL#") {
			return fault.New(fault.Unavailable, "table_unavailable")
		}
		return nil
	})
	if _, err := w.access.Subject(t.Context(), w.claims(ann), principal.Principal{}); !fault.Is(err, "table_unavailable") {
		t.Errorf("unread: %v", err)
	}
	w.meet(nil)
	row, version := w.row()
	w.put(key.RightsJournal(w.tenant, row.AuthzVer, row.OrgVer), map[string]string{"from": "nowhere"})
	if _, err := w.access.Subject(t.Context(), w.claims(ann), principal.Principal{}); !fault.IsKind(err, fault.Internal) {
		t.Errorf("not to be understood: %v", err)
	}
	c := change.New(principal.System(w.tenant, "test", noon), w.ids, noon)
	w.raise(c, row, version)
	c.Put(table.Item{Key: key.Department(w.tenant, "dept_2"), Doc: []byte(`{"id":5}`)}, table.Always, nil)
	c.Record(audit.Event{Target: string(w.tenant)})
	if err := c.Commit(t.Context(), w.table); !fault.IsKind(err, fault.Internal) {
		t.Errorf("a row that is none: %v", err)
	}
	if now, _ := w.row(); now.AuthzVer != row.AuthzVer || now.OrgVer != row.OrgVer {
		t.Error("it was committed all the same")
	}
}

// TestJournalSaysNoMore than decisions need: names of departments and posts stay where they are.
func TestJournalSaysNoMore(t *testing.T) {
	w := newWorld(t)
	w.change(w.item(key.Department(w.tenant, "dept_1"), map[string]any{"id": "dept_1", "name": "Mergers"}))
	row, _ := w.row()
	items, err := w.table.Get(t.Context(), key.RightsJournal(w.tenant, row.AuthzVer, row.OrgVer))
	if err != nil || len(items) != 1 || items[0].Expires.IsZero() || !strings.Contains(string(items[0].Doc), "dept_1") || strings.Contains(string(items[0].Doc), "Mergers") {
		t.Errorf("%v, %v", items, err)
	}
}
