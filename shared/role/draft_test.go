package role_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/role"
)

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
			fault.Invalid,
			[]string{"/fields/1=duplicate_grant"},
		},
		"too many grants": {role.Draft{Name: "x", Grants: many}, fault.Invalid, []string{"/grants=too_many_grants"}},
		"too many rules":  {role.Draft{Name: "x", Fields: rules}, fault.Invalid, []string{"/fields=too_many_grants"}},
		"beyond the level": {
			role.Draft{Name: "x", Level: "standard", Grants: []role.Grant{ok[0], g("user", "create", "all"), g("order", "approve", "all")}},
			fault.Invalid,
			[]string{"/grants/1=role_level_exceeded", "/grants/2=role_level_exceeded"},
		},
		"rules on what is not": {
			role.Draft{Name: "x", Fields: []role.FieldRule{
				{Module: "moon", Field: "phone", Access: "read"},
				{Module: "account", Field: "wings", Access: "read"},
				{Module: "account", Field: "phone", Access: "open"},
				{Module: "account", Field: "custom." + long, Access: "read"},
			}},
			fault.Invalid,
			[]string{"/fields/0/module=unknown_permission", "/fields/1/field=unknown_permission", "/fields/2/access=unknown_permission", "/fields/3/field=unknown_permission"},
		},
		"a copy of nothing": {role.Draft{Name: "x", CloneOf: "role_none"}, fault.Invalid, []string{"/cloneOf=unknown_role"}},
		"everything at once": {
			role.Draft{Level: "root", Grants: []role.Grant{g("moon", "view", "own"), g("account", "fly", "own")}, Fields: []role.FieldRule{{}}},
			fault.Invalid,
			[]string{"/name=required", "/grants/0/module=unknown_permission", "/grants/1/action=unknown_permission", "/fields/0/module=unknown_permission", "/level=unknown_role_level"},
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
