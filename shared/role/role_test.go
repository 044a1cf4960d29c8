package role_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/role"
	"github.com/steward-crm/steward/shared/table"
)

func g(module, action, scope string) role.Grant {
	return role.Grant{Module: module, Action: action, Scope: scope}
}

func TestPredefinedRoles(t *testing.T) {
	w := newWorld(t, func(x *principal.Tenant) { x.Settings.Locale = "zh-CN" })
	if len(w.have) != len(role.Templates()) {
		t.Fatalf("%v", w.have)
	}
	r, err := w.roles.Get(t.Context(), w.subject(w.admin), w.have["sales_manager"])
	if err != nil || r.Name != "销售经理" || !strings.Contains(r.Description, "审批商机") || r.Template != "sales_manager" || !r.Predefined || r.Version != 1 {
		t.Errorf("%+v %v", r, err)
	}
	before := w.dump()
	if again := w.predefine(); fmt.Sprint(again) != fmt.Sprint(w.have) {
		t.Errorf("again: %v", again)
	}
	if w.dump() != before {
		t.Error("doing it again changed the store")
	}
	if _, err := w.roles.StagePredefined(t.Context(), nil, "tnt_none"); !fault.IsKind(err, fault.NotFound) {
		t.Errorf("without a tenant: %v", err)
	}
}

// TestPredefinedOnceUnderRaces: two runs of the onboarding step at the same time leave one role for each template (I31).
func TestPredefinedOnceUnderRaces(t *testing.T) {
	w := newWorld(t)
	w.tenant = w.Deployment.Tenant(t)
	who := principal.System(w.tenant, "onboarding", w.Now())
	first, second := change.New(who, w.IDs, w.Now()), change.New(who, w.IDs, w.Now())
	for _, c := range []*change.Set{first, second} {
		if _, err := w.roles.StagePredefined(t.Context(), c, w.tenant); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.Commit(t.Context(), w.Platform.Table); err != nil {
		t.Fatal(err)
	}
	if err := second.Commit(t.Context(), w.Platform.Table); !errors.Is(err, change.ErrMoved) {
		t.Errorf("the second: %v", err)
	}
	o, err := w.access.Organisation(t.Context(), w.tenant)
	if err != nil || len(o.Roles) != len(role.Templates()) {
		t.Errorf("%d roles, %v", len(o.Roles), err)
	}
}

// TestLifeOfARole is R01: made, read, listed, changed, versioned, cloned, deleted.
func TestLifeOfARole(t *testing.T) {
	w := newWorld(t)
	about := "Looks after buyers"
	made := w.made(w.admin, role.Draft{
		Name: "  Buyers’ desk ", Description: &about, Level: "standard", Grants: []role.Grant{g("account", "view", "department"), g("account", "edit", "own")},
		Fields: []role.FieldRule{{Module: "account", Field: "idNumber", Access: "masked"}},
	})
	if made.Name != "Buyers’ desk" || made.Version != 1 || made.Predefined || made.Template != "" {
		t.Errorf("%+v", made)
	}
	got, err := w.roles.Get(t.Context(), w.subject(w.admin), made.ID)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(made) {
		t.Errorf("read %+v, made %+v: %v", got, made, err)
	}
	ann := w.holder()
	w.give(ann, made.ID)
	if policy.May(w.subject(ann), policy.ModAccount, policy.View) != policy.Department {
		t.Error("the role does not work")
	}
	after, err := w.update(w.admin, made.ID, 1, role.Patch{Grants: patch.Of([]role.Grant{g("account", "view", "own")}), Name: patch.Of("Buyers")})
	if err != nil || after.Version != 2 || after.Description != about || after.Level != policy.Standard || len(after.Fields) != 1 {
		t.Errorf("%+v %v", after, err)
	}
	if s := w.subject(ann); policy.May(s, policy.ModAccount, policy.View) != policy.Own || policy.May(s, policy.ModAccount, policy.Update) != policy.None {
		t.Error("the change is not in force on the next request")
	}
	w.made(w.admin, role.Draft{Name: "BUYERS’ DESK"}) // the old name is free
	copied := w.made(w.admin, role.Draft{Name: "Second", CloneOf: made.ID})
	if copied.ID == made.ID || copied.Description != about || !slices.Equal(copied.Grants, after.Grants) || !slices.Equal(copied.Fields, after.Fields) {
		t.Errorf("copy: %+v", copied)
	}
	none := ""
	narrowed := w.made(w.admin, role.Draft{Name: "Third", Description: &none, CloneOf: w.have["power_user"], Level: "power", Fields: []role.FieldRule{}, Grants: []role.Grant{g("order", "approve", "all")}})
	if narrowed.Predefined || narrowed.Template != "" || narrowed.Description != "" || len(narrowed.Grants) != 1 {
		t.Errorf("copy of a predefined role: %+v", narrowed)
	}
	items, err := w.Platform.Table.Get(t.Context(), key.RoleVersion(w.tenant, made.ID, 1), key.RoleVersion(w.tenant, made.ID, 2))
	if err != nil || len(items) != 2 || !strings.Contains(string(items[0].Doc), "Buyers’ desk") || strings.Contains(string(items[1].Doc), "desk") {
		t.Errorf("versions: %v %v", items, err)
	}
	if err := w.remove(w.admin, copied.ID, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := w.roles.Get(t.Context(), w.subject(w.admin), copied.ID); !fault.IsKind(err, fault.NotFound) {
		t.Errorf("deleted: %v", err)
	}
	w.made(w.admin, role.Draft{Name: "second"}) // the name is free again
	items, _ = w.Platform.Table.Get(t.Context(), key.RoleVersion(w.tenant, copied.ID, 1))
	if len(items) != 1 {
		t.Error("the past versions of a deleted role are gone")
	}
}

// TestEveryChangeIsAudited: who, what, which fields, and before and after under the tenant's key; a change of nothing leaves nothing.
func TestEveryChangeIsAudited(t *testing.T) {
	w := newWorld(t)
	made := w.made(w.admin, role.Draft{Name: "Buyers", Grants: []role.Grant{g("account", "view", "own")}})
	if _, err := w.update(w.admin, made.ID, 1, role.Patch{Description: patch.Of("Buy"), Level: patch.Of("power")}); err != nil {
		t.Fatal(err)
	}
	before := w.dump()
	same, err := w.update(w.admin, made.ID, 2, role.Patch{Name: patch.Of(" Buyers"), Description: patch.Of("Buy"), Grants: patch.Of([]role.Grant{g("account", "view", "own")})})
	if err != nil || same.Version != 2 || w.dump() != before {
		t.Errorf("a change of nothing: %+v %v", same, err)
	}
	if err := w.remove(w.admin, made.ID, 2); err != nil {
		t.Fatal(err)
	}
	events, _, err := audit.Events(t.Context(), w.Platform.Table, w.tenant, audit.Filter{Target: string(made.ID)}, w.Now().AddDate(0, 0, -1), w.Now(), "", 10)
	if err != nil || len(events) != 3 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	want := [][]string{{"name", "description", "level", "grants"}, {"description", "level"}, {"name", "level", "grants"}} // newest first
	k, err := w.Crypt.Tenant(t.Context(), w.tenant)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range events {
		if e.Actor != string(w.admin) || e.Action != "roles.test" || !slices.Equal(e.Fields, want[i]) {
			t.Errorf("%+v", e)
		}
		b, err := k.Open(audit.Place(string(made.ID)), e.Sealed)
		if err != nil || string(k.Digest(b)) != string(e.Digest) {
			t.Fatalf("sealed: %v", err)
		}
		var was struct{ Before, After *policy.Role }
		if err := json.Unmarshal(b, &was, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Fatal(err)
		}
		if (was.Before == nil) != (i == 2) || (was.After == nil) != (i == 0) {
			t.Errorf("event %d: before %v, after %v", i, was.Before, was.After)
		}
	}
}

// TestConflicts: entries 57 and 58, and stale versions.
func TestConflicts(t *testing.T) {
	w := newWorld(t)
	held, given, free := w.made(w.admin, role.Draft{Name: "Held"}), w.made(w.admin, role.Draft{Name: "Given"}), w.made(w.admin, role.Draft{Name: "Free"})
	ann, bob := w.holder(), w.holder()
	w.give(ann, held.ID)
	w.give(bob, held.ID)
	w.Edit(t, key.Place(w.tenant, bob), func(doc map[string]any) { doc["active"] = false }) // deactivated, and waking with their roles
	w.post(given.ID)
	before := w.dump()
	rename := role.Patch{Name: patch.Of("free")}
	update := func(r id.Role, match int64, p role.Patch) error { _, err := w.update(w.admin, r, match, p); return err }
	for _, c := range []struct {
		says string
		err  error
		kind fault.Kind
		code string
	}{
		{"delete a role that users hold", w.remove(w.admin, held.ID, 0), fault.Conflict, "role_in_use"},
		{"delete a role that a post gives", w.remove(w.admin, given.ID, 0), fault.Conflict, "role_in_use"},
		{"delete a predefined role", w.remove(w.admin, w.have["data_analyst"], 0), fault.Conflict, "role_read_only"},
		{"change a predefined role", update(w.have["administrator"], 1, role.Patch{Grants: patch.Of([]role.Grant{})}), fault.Conflict, "role_read_only"},
		{"rename to a name that is taken", update(held.ID, 1, rename), fault.Conflict, "role_name_taken"},
		{"change with an old version", update(held.ID, 7, rename), fault.Stale, "version_conflict"},
		{"delete with an old version", w.remove(w.admin, free.ID, 7), fault.Stale, "version_conflict"},
		{"a bad patch", update(free.ID, 1, role.Patch{Name: patch.Field[string]{Set: true, Null: true}}), fault.Invalid, "required"},
	} {
		if !fault.IsKind(c.err, c.kind) || !fault.Is(c.err, c.code) {
			t.Errorf("%s: %v", c.says, c.err)
		}
	}
	if w.dump() != before {
		t.Error("a refused change left a trace")
	}
	f := fault.Of(w.remove(w.admin, held.ID, 0))
	if f.Args["users"] != "2" || f.Args["posts"] != "0" {
		t.Errorf("in use by %v", f.Args)
	}
	if f := fault.Of(w.remove(w.admin, free.ID, 7)); f.Version != 1 {
		t.Errorf("stale: current version %d", f.Version)
	}
	if err := update(free.ID, 1, role.Patch{Name: patch.Of("FREE")}); err != nil {
		t.Errorf("the same name in another case, by its holder: %v", err)
	}
	if err := w.remove(w.admin, free.ID, 2); err != nil {
		t.Error(err)
	}
}

// TestRoleTakenWhileDeleted: a role is given to somebody while another request deletes it: one of the two sees the other (I1: no reference
// to nothing).
func TestRoleTakenWhileDeleted(t *testing.T) {
	w := newWorld(t)
	r := w.made(w.admin, role.Draft{Name: "Brief"})
	ann := w.holder()
	who := w.subject(w.admin)
	c := change.New(who.Principal, w.IDs, w.Now())
	if err := w.roles.Delete(t.Context(), who, c, r.ID, 0); err != nil {
		t.Fatal(err)
	}
	w.give(ann, r.ID)
	if err := c.Commit(t.Context(), w.Platform.Table); !errors.Is(err, change.ErrMoved) {
		t.Errorf("deleted a role that was just given: %v", err)
	}
	if err := w.remove(w.admin, r.ID, 0); !fault.Is(err, "role_in_use") {
		t.Errorf("run again: %v", err)
	}
}

// TestNamesStayUniqueUnderRaces: many create the same name at once; one wins (R).
func TestNamesStayUniqueUnderRaces(t *testing.T) {
	w := newWorld(t)
	var wg sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		wg.Go(func() {
			for {
				_, err := w.create(w.admin, role.Draft{Name: []string{"night", "NIGHT", "ｎight"}[i%3]})
				if errs[i] = err; !errors.Is(err, change.ErrMoved) {
					return
				}
			}
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !fault.Is(err, "role_name_taken") {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d won", won)
	}
}

func TestListPagesAndLimit(t *testing.T) {
	w := newWorld(t)
	want := len(role.Templates())
	for ; want < role.MaxRoles; want++ {
		r := policy.Role{ID: id.New[id.Role](w.IDs), Name: fmt.Sprint(want)}
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		w.Commit(t, table.Put(table.Item{Key: key.Role(w.tenant, r.ID), Doc: b}, table.Absent))
	}
	w.raise()
	s := w.subject(w.admin)
	if n, err := w.roles.Count(t.Context(), s); err != nil || n != want {
		t.Errorf("counted %d of %d: %v", n, want, err)
	}
	for _, size := range []int{1, 7, 100, want, want + 1} {
		seen, after, pages := map[id.Role]bool{}, id.Role(""), 0
		for {
			page, next, err := w.roles.List(t.Context(), s, after, size)
			if err != nil || len(page) > size || len(page) == 0 {
				t.Fatalf("size %d: a page of %d, %v", size, len(page), err)
			}
			for _, r := range page {
				if r.ID <= after || seen[r.ID] {
					t.Fatalf("size %d: out of order", size)
				}
				seen[r.ID], after = true, r.ID
			}
			if pages++; next == "" {
				break
			}
			after = next
		}
		if len(seen) != want || pages != (want+size-1)/size {
			t.Errorf("size %d: %d roles in %d pages", size, len(seen), pages)
		}
	}
	if _, err := w.create(w.admin, role.Draft{Name: "one more"}); !fault.Is(err, "role_limit") || !fault.IsKind(err, fault.Conflict) {
		t.Errorf("over the limit: %v", err)
	}
}

// TestDryRun: validateOnly gives the verdict of the real call and writes nothing (A05).
func TestDryRun(t *testing.T) {
	w := newWorld(t)
	w.made(w.admin, role.Draft{Name: "Taken"})
	for name, code := range map[string]string{"Fresh": "", "taken": "role_name_taken"} {
		before := w.dump()
		who := w.subject(w.admin)
		c := change.New(who.Principal, w.IDs, w.Now())
		_, err := w.roles.Create(context.Background(), who, c, role.Draft{Name: name})
		if err == nil {
			err = c.Verify(t.Context(), w.Platform.Table)
		}
		if code == "" && err != nil || code != "" && !fault.Is(err, code) {
			t.Errorf("%s: %v", name, err)
		}
		if w.dump() != before {
			t.Errorf("%s: the dry run wrote", name)
		}
	}
}
