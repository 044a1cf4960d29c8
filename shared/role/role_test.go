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
		b, err := k.Open(role.AuditPlace(made.ID), e.Sealed)
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

// TestBadDrafts: every field at fault at once, each with its pointer; nothing is stored. Entries 12, 55 and 59 of the bad input.
func TestBadDrafts(t *testing.T) {
	w := newWorld(t)
	w.made(w.admin, role.Draft{Name: "Ｂuyers 组"})
	long := strings.Repeat("x", 1001)
	many := make([]role.Grant, role.MaxGrants+1)
	rules := make([]role.FieldRule, role.MaxFields+1)
	ok := []role.Grant{g("account", "view", "own")}
	before := w.dump()
	for says, c := range map[string]struct {
		draft role.Draft
		kind  fault.Kind
		want  []string
	}{
		"no name":               {role.Draft{}, fault.Invalid, []string{"/name=required"}},
		"white space":           {role.Draft{Name: " 　 "}, fault.Invalid, []string{"/name=required"}},
		"name too long":         {role.Draft{Name: long}, fault.Invalid, []string{"/name=too_long"}},
		"bidi override in name": {role.Draft{Name: "a\u202eb"}, fault.Invalid, []string{"/name=forbidden_character"}},
		"description too long":  {role.Draft{Name: "x", Description: &long}, fault.Invalid, []string{"/description=too_long"}},
		"same name, other case and width": {
			role.Draft{Name: "bＵYERS  组"}, fault.Conflict, []string{"/name=role_name_taken"},
		},
		"name of a predefined role": {role.Draft{Name: "ADMINISTRATOR"}, fault.Conflict, []string{"/name=role_name_taken"}},
		"unknown level":             {role.Draft{Name: "x", Level: "root"}, fault.Invalid, []string{"/level=unknown_role_level"}},
		"unknown module":            {role.Draft{Name: "x", Grants: []role.Grant{g("spaceship", "view", "own")}}, fault.Invalid, []string{"/grants/0/module=unknown_permission"}},
		"unknown action":            {role.Draft{Name: "x", Grants: []role.Grant{ok[0], g("account", "fly", "own")}}, fault.Invalid, []string{"/grants/1/action=unknown_permission"}},
		"action of another module":  {role.Draft{Name: "x", Grants: []role.Grant{g("audit", "delete", "all")}}, fault.Invalid, []string{"/grants/0/action=unknown_permission"}},
		"unknown scope":             {role.Draft{Name: "x", Grants: []role.Grant{g("account", "view", "galaxy")}}, fault.Invalid, []string{"/grants/0/scope=unknown_permission"}},
		"scope none":                {role.Draft{Name: "x", Grants: []role.Grant{g("account", "view", "none")}}, fault.Invalid, []string{"/grants/0/scope=unknown_permission"}},
		"own roles":                 {role.Draft{Name: "x", Grants: []role.Grant{g("role", "view", "own")}}, fault.Invalid, []string{"/grants/0/scope=unknown_permission"}},
		"module in another case":    {role.Draft{Name: "x", Grants: []role.Grant{g("Account", "view", "own")}}, fault.Invalid, []string{"/grants/0/module=unknown_permission"}},
		"the same grant twice":      {role.Draft{Name: "x", Grants: []role.Grant{ok[0], g("account", "view", "all")}}, fault.Invalid, []string{"/grants/1=duplicate_grant"}},
		"the same field twice": {
			role.Draft{Name: "x", Fields: []role.FieldRule{{Module: "account", Field: "phone", Access: "read"}, {Module: "account", Field: "phone", Access: "edit"}}},
			fault.Invalid, []string{"/fields/1=duplicate_grant"},
		},
		"too many grants": {role.Draft{Name: "x", Grants: many}, fault.Invalid, []string{"/grants=too_many_grants"}},
		"too many rules":  {role.Draft{Name: "x", Fields: rules}, fault.Invalid, []string{"/fields=too_many_grants"}},
		"beyond the level": {
			role.Draft{Name: "x", Level: "standard", Grants: []role.Grant{ok[0], g("user", "create", "all"), g("order", "approve", "all")}},
			fault.Invalid, []string{"/grants/1=role_level_exceeded", "/grants/2=role_level_exceeded"},
		},
		"rules on what is not": {
			role.Draft{Name: "x", Fields: []role.FieldRule{
				{Module: "moon", Field: "phone", Access: "read"}, {Module: "account", Field: "wings", Access: "read"}, {Module: "account", Field: "phone", Access: "open"},
				{Module: "account", Field: "custom." + long, Access: "read"},
			}},
			fault.Invalid, []string{"/fields/0/module=unknown_permission", "/fields/1/field=unknown_permission", "/fields/2/access=unknown_permission", "/fields/3/field=unknown_permission"},
		},
		"a copy of nothing": {role.Draft{Name: "x", CloneOf: "role_none"}, fault.Invalid, []string{"/cloneOf=unknown_role"}},
		"everything at once": {
			role.Draft{Level: "root", Grants: []role.Grant{g("moon", "view", "own"), g("account", "fly", "own")}, Fields: []role.FieldRule{{}}},
			fault.Invalid, []string{"/name=required", "/grants/0/module=unknown_permission", "/grants/1/action=unknown_permission", "/fields/0/module=unknown_permission", "/level=unknown_role_level"},
		},
	} {
		_, err := w.create(w.admin, c.draft)
		var got []string
		for _, f := range fault.Of(err).Fields {
			got = append(got, f.Pointer+"="+f.Code)
		}
		if !fault.IsKind(err, c.kind) || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v", says, err)
		}
	}
	if w.dump() != before {
		t.Error("a refused draft changed the store")
	}
	if got := w.made(w.admin, role.Draft{Name: "lowest", Grants: []role.Grant{g("order", "approve", "all")}}); got.Level != policy.Power {
		t.Errorf("without a level it is %s", got.Level)
	}
}

// TestNobodyGivesMoreThanTheyHold is I8 and entry 56, through Create and Update: a right, a scope, a field, a level.
func TestNobodyGivesMoreThanTheyHold(t *testing.T) {
	w := newWorld(t)
	clerk := w.made(w.admin, role.Draft{
		Name: "Role clerk", Level: "admin",
		Grants: []role.Grant{g("role", "view", "all"), g("role", "create", "all"), g("role", "edit", "all"), g("account", "view", "department")},
		Fields: []role.FieldRule{{Module: "account", Field: "address", Access: "masked"}},
	})
	powerful := w.made(w.admin, role.Draft{Name: "Wide", Level: "standard", Grants: []role.Grant{g("account", "view", "all")}, Fields: []role.FieldRule{{Module: "account", Field: "address", Access: "hidden"}}})
	ann := w.holder()
	w.give(ann, clerk.ID)
	masked := []role.FieldRule{{Module: "account", Field: "address", Access: "masked"}}
	mine := w.made(ann, role.Draft{Name: "Mine", Grants: []role.Grant{g("account", "view", "own")}, Fields: masked})
	before := w.dump()
	for says, d := range map[string]role.Draft{
		"a wider scope":                    {Name: "x", Grants: []role.Grant{g("account", "view", "subtree")}, Fields: masked},
		"another action":                   {Name: "x", Grants: []role.Grant{g("account", "edit", "own")}, Fields: masked},
		"another module":                   {Name: "x", Grants: []role.Grant{g("order", "view", "own")}},
		"a masked field, to read":          {Name: "x", Grants: []role.Grant{g("account", "view", "own")}, Fields: []role.FieldRule{{Module: "account", Field: "address", Access: "read"}}},
		"a masked field, by silence":       {Name: "x", Grants: []role.Grant{g("account", "view", "own")}},
		"a sensitive field":                {Name: "x", Grants: []role.Grant{g("account", "view", "own")}, Fields: append(masked, role.FieldRule{Module: "account", Field: "idNumber", Access: "read"})},
		"a copy of more":                   {Name: "x", CloneOf: w.have["administrator"]},
		"everything, by the administrator": {Name: "x", CloneOf: w.have["power_user"]},
	} {
		if _, err := w.create(ann, d); !fault.Is(err, "grant_exceeds_own") || !fault.IsKind(err, fault.Denied) {
			t.Errorf("create %s: %v", says, err)
		}
		if d.CloneOf != "" {
			continue
		}
		if _, err := w.update(ann, mine.ID, 0, role.Patch{Grants: patch.Of(d.Grants), Fields: patch.Of(d.Fields)}); !fault.Is(err, "grant_exceeds_own") {
			t.Errorf("update to %s: %v", says, err)
		}
	}
	if _, err := w.update(ann, powerful.ID, 0, role.Patch{Fields: patch.Of(masked)}); !fault.Is(err, "grant_exceeds_own") {
		t.Errorf("a field of a role that is wider: %v", err)
	}
	// What she holds of admin's level is hers alone to give at that level; a lower one's holder could not.
	if w.dump() != before {
		t.Error("a denied change left a trace")
	}
	if _, err := w.update(ann, powerful.ID, 0, role.Patch{Description: patch.Of("wider than Ann's, and not by her doing")}); err != nil {
		t.Errorf("a description of a role that is wider: %v", err)
	}
}

// TestLevelCannotBeGivenFromBelow: a level above one's own, though the role be empty.
func TestLevelCannotBeGivenFromBelow(t *testing.T) {
	w := newWorld(t)
	// Only a role of level admin may contain role.create, so a lower one is written past the noun, as a later rule might leave one behind.
	low := w.User(t, w.tenant, policy.Grant{Module: policy.ModRole, Action: policy.Create, Scope: policy.All})
	o, err := w.access.Organisation(t.Context(), w.tenant)
	if err != nil {
		t.Fatal(err)
	}
	w.Edit(t, key.Role(w.tenant, o.RolesOf(low.User)[0]), func(doc map[string]any) { doc["level"] = "standard" })
	w.Edit(t, key.Tenant(w.tenant), func(doc map[string]any) { doc["authzVer"] = doc["authzVer"].(float64) + 1 })
	for level, ok := range map[string]bool{"restricted": true, "standard": true, "power": false, "admin": false} {
		if _, err := w.create(low.User, role.Draft{Name: level, Level: level}); (err == nil) != ok || !ok && !fault.Is(err, "grant_exceeds_own") {
			t.Errorf("%s: %v", level, err)
		}
	}
}

// TestRightsAreAsked: each operation needs its own grant (R03, R11), and an unknown role looks like a foreign one.
func TestRightsAreAsked(t *testing.T) {
	w := newWorld(t)
	mine := w.made(w.admin, role.Draft{Name: "Mine"})
	ops := map[policy.Action]func(u id.User) error{
		policy.View: func(u id.User) error {
			_, err := w.roles.Get(t.Context(), w.subject(u), mine.ID)
			_, _, err2 := w.roles.List(t.Context(), w.subject(u), "", 10)
			_, err3 := w.roles.Count(t.Context(), w.subject(u))
			if (err == nil) != (err2 == nil) || (err == nil) != (err3 == nil) {
				t.Errorf("get %v, list %v, count %v", err, err2, err3)
			}
			return err
		},
		policy.Create: func(u id.User) error { _, err := w.create(u, role.Draft{Name: "x"}); return err },
		policy.Update: func(u id.User) error {
			_, err := w.update(u, mine.ID, 0, role.Patch{Name: patch.Of("Mine too")})
			return err
		},
		policy.Delete: func(u id.User) error { return w.remove(u, mine.ID, 0) },
	}
	for _, may := range []policy.Action{policy.View, policy.Create, policy.Update, policy.Delete} {
		u := w.User(t, w.tenant, policy.Grant{Module: policy.ModRole, Action: may, Scope: policy.All}).User
		for _, does := range []policy.Action{policy.View, policy.Create, policy.Update, policy.Delete} {
			if does == may {
				continue
			}
			before := w.dump()
			if err := ops[does](u); !fault.Is(err, "permission_denied") {
				t.Errorf("may %s, does %s: %v", may, does, err)
			}
			if w.dump() != before {
				t.Errorf("may %s, does %s: the store changed", may, does)
			}
		}
		if err := ops[may](u); err != nil {
			t.Errorf("may %s: %v", may, err)
		}
	}
	other := newTenantRole(w)
	for _, r := range []id.Role{other, id.New[id.Role](w.IDs)} {
		_, err := w.roles.Get(t.Context(), w.subject(w.admin), r)
		_, err2 := w.update(w.admin, r, 0, role.Patch{Name: patch.Of("y")})
		err3 := w.remove(w.admin, r, 0)
		for _, err := range []error{err, err2, err3} {
			if !fault.IsKind(err, fault.NotFound) || !fault.Is(err, "not_found") {
				t.Errorf("%s: %v", r, err)
			}
		}
	}
	if _, err := w.create(w.admin, role.Draft{Name: "z", CloneOf: other}); !fault.Is(err, "unknown_role") {
		t.Errorf("a copy of a foreign role: %v", err)
	}
}

// newTenantRole is a role of another tenant.
func newTenantRole(w *world) id.Role {
	x := *w
	x.tenant = w.Deployment.Tenant(w.T)
	return x.predefine()["administrator"]
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
	s := w.subject(w.admin)
	want := len(role.Templates())
	for ; want < role.MaxRoles; want++ {
		r := policy.Role{ID: id.New[id.Role](w.IDs), Name: fmt.Sprint(want)}
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		w.Commit(t, table.Put(table.Item{Key: key.Role(w.tenant, r.ID), Doc: b}, table.Absent))
	}
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
