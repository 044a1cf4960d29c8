package policy_test

import (
	"slices"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// TestEveryRightIsAllowedAndDenied is R03 over the whole catalogue: a role with the one grant allows the one pair and no other.
func TestEveryRightIsAllowedAndDenied(t *testing.T) {
	mine := policy.Resource{Tenant: "acme", Owner: "ann"}
	for _, e := range policy.Catalogue() {
		for _, a := range policy.Actions {
			s := subject(policy.Role{Grants: []policy.Grant{grant(e.Module, a, policy.All)}})
			for _, f := range policy.Catalogue() {
				for _, b := range policy.Actions {
					want := e.Module == f.Module && a == b && slices.Contains(e.Actions, a)
					if got := policy.Decide(s, f.Module, b, mine).Allowed; got != want {
						t.Errorf("granted %s of %s: %s of %s is %v", a, e.Module, b, f.Module, got)
					}
				}
			}
		}
	}
}

// TestNothingIsAllowedByAccident: half-built subjects and resources deny (R11).
func TestNothingIsAllowedByAccident(t *testing.T) {
	whole := func() *policy.Subject { return subject(policy.Role{Grants: everything()}) }
	mine := policy.Resource{Tenant: "acme", Owner: "ann"}
	if !policy.Decide(whole(), policy.ModAccount, policy.View, mine).Allowed {
		t.Fatal("the whole subject is denied, so the rest proves nothing")
	}
	for name, spoil := range map[string]func(*policy.Subject){
		"no rights":            func(s *policy.Subject) { s.Rights = nil },
		"zero rights":          func(s *policy.Subject) { s.Rights = new(policy.Rights) },
		"the system":           func(s *policy.Subject) { s.User = "" },
		"no user at all":       func(s *policy.Subject) { s.User, s.Self.User = "", "" },
		"another's standing":   func(s *policy.Subject) { s.Self.User = "bob" },
		"no status":            func(s *policy.Subject) { s.Self.Status = "" },
		"deleted":              func(s *policy.Subject) { s.Self.Status = principal.UserDeleted },
		"another tenant's row": func(s *policy.Subject) { s.Org.ID = "other" },
		"tenant without id":    func(s *policy.Subject) { s.Org.ID, s.Tenant = "", "" },
		"provisioning":         func(s *policy.Subject) { s.Org.Status = principal.TenantProvisioning },
		"cancelled":            func(s *policy.Subject) { s.Org.Status = principal.TenantCancelled },
	} {
		s := whole()
		spoil(s)
		if policy.Decide(s, policy.ModAccount, policy.View, policy.Resource{Tenant: s.Tenant, Owner: s.User}).Allowed ||
			policy.Decide(s, policy.ModAccount, policy.View, mine).Allowed && s.Tenant == "acme" {
			t.Errorf("%s: allowed", name)
		}
	}
	if policy.Decide(nil, policy.ModAccount, policy.View, mine).Allowed || policy.May(nil, policy.ModAccount, policy.View) != policy.None {
		t.Error("nobody is allowed")
	}
	if err := policy.RequireAny(nil, policy.ModAccount, policy.View); !fault.Is(err, "permission_denied") {
		t.Errorf("nobody: %v", err)
	}
	if policy.Decide(whole(), policy.ModAccount, policy.View, policy.Resource{Owner: "ann"}).Allowed {
		t.Error("a resource without tenant is allowed")
	}
	if policy.Decide(whole(), "", "", mine).Allowed {
		t.Error("no module and no action is allowed")
	}
	var r policy.Rights
	if r.ReportIDs() != nil || r.DepartmentIDs(policy.Subtree) != nil || r.Level() != "" {
		t.Error("zero rights hold something")
	}
}

// TestRefusals: what may not be seen looks unknown; what may be seen is denied; a module that is off is unknown (R04, R12).
func TestRefusals(t *testing.T) {
	s := subject(policy.Role{Grants: []policy.Grant{grant(policy.ModAccount, policy.View, policy.Own), grant(policy.ModAccount, policy.Create, policy.Own)}})
	mine, other := policy.Resource{Tenant: "acme", Owner: "ann"}, policy.Resource{Tenant: "acme", Owner: "bob"}
	for _, c := range []struct {
		says string
		err  error
		kind fault.Kind
		code string
	}{
		{"editing what I see", policy.Require(s, policy.ModAccount, policy.Update, mine), fault.Denied, "permission_denied"},
		{"editing what I do not see", policy.Require(s, policy.ModAccount, policy.Update, other), fault.NotFound, "not_found"},
		{"seeing what I do not see", policy.Require(s, policy.ModAccount, policy.View, other), fault.NotFound, "not_found"},
		{"creating for another", policy.Require(s, policy.ModAccount, policy.Create, other), fault.Denied, "permission_denied"},
		{"an action I lack", policy.RequireAny(s, policy.ModAccount, policy.Delete), fault.Denied, "permission_denied"},
		{"an unknown module", policy.RequireAny(s, "spaceship", policy.View), fault.Denied, "permission_denied"},
	} {
		if !fault.IsKind(c.err, c.kind) || !fault.Is(c.err, c.code) {
			t.Errorf("%s: %v", c.says, c.err)
		}
	}
	s.Org.Settings.ModulesOff = []string{"account"}
	for says, err := range map[string]error{
		"viewing":  policy.Require(s, policy.ModAccount, policy.View, mine),
		"creating": policy.Require(s, policy.ModAccount, policy.Create, mine),
		"any":      policy.RequireAny(s, policy.ModAccount, policy.View),
	} {
		if !fault.IsKind(err, fault.NotFound) {
			t.Errorf("%s in a module that is off: %v", says, err)
		}
	}
	s.Org.Settings.ModulesOff = nil
	if err := policy.Require(s, policy.ModAccount, policy.View, mine); err != nil {
		t.Errorf("on again: %v", err)
	}
}

// TestGranting is I8 in single cases: a right, a scope, a field, a level that the granter lacks.
func TestGranting(t *testing.T) {
	view := []policy.Grant{grant(policy.ModAccount, policy.View, policy.Department)}
	rule := func(field string, a policy.Access) []policy.FieldRule {
		return []policy.FieldRule{{Module: policy.ModAccount, Field: field, Access: a}}
	}
	open := subject(policy.Role{Level: policy.Standard, Grants: view})
	closed := subject(policy.Role{Level: policy.Standard, Grants: view, Fields: rule("address", policy.Masked)})
	edit := []policy.Grant{grant(policy.ModAccount, policy.Update, policy.Own)}
	seesMore := subject(policy.Role{Grants: view}, policy.Role{Grants: edit, Fields: rule("custom", policy.Masked)})
	for _, c := range []struct {
		says string
		err  error
		ok   bool
	}{
		{"to edit a part of what I may see and not edit", policy.CanGrant(seesMore, edit, append(rule("custom", policy.Masked), rule("custom.a", policy.Edit)...)), false},
		{"to edit as I may", policy.CanGrant(seesMore, edit, append(rule("custom", policy.Masked), rule("custom.a", policy.Masked)...)), true},
		{"the same", policy.CanGrant(open, view, nil), true},
		{"nothing", policy.CanGrant(open, nil, nil), true},
		{"narrower", policy.CanGrant(open, []policy.Grant{grant(policy.ModAccount, policy.View, policy.Own)}, nil), true},
		{"wider", policy.CanGrant(open, []policy.Grant{grant(policy.ModAccount, policy.View, policy.Subtree)}, nil), false},
		{"another action", policy.CanGrant(open, []policy.Grant{grant(policy.ModAccount, policy.Update, policy.Own)}, nil), false},
		{"an unknown module", policy.CanGrant(open, []policy.Grant{grant("spaceship", policy.View, policy.Own)}, nil), false},
		{"no scope", policy.CanGrant(open, []policy.Grant{grant(policy.ModAccount, policy.View, policy.None)}, nil), false},
		{"no scope of an unknown module", policy.CanGrant(open, []policy.Grant{grant("spaceship", policy.View, policy.None)}, nil), false},
		{"a sensitive field", policy.CanGrant(open, view, rule("idNumber", policy.Masked)), false},
		{"a field of mine, narrower", policy.CanGrant(open, view, rule("address", policy.Read)), true},
		{"a field that is masked from me, by leaving its rule out", policy.CanGrant(closed, view, nil), false},
		{"a field that is masked from me, masked", policy.CanGrant(closed, view, rule("address", policy.Masked)), true},
		{"a field that is masked from me, to read", policy.CanGrant(closed, view, rule("address", policy.Read)), false},
		{"a part of a field that is masked from me", policy.CanGrant(closed, view, append(rule("address", policy.Hidden), rule("address.city", policy.Read)...)), false},
		{"a rule on a module that I do not see", policy.CanGrant(open, nil, []policy.FieldRule{{Module: policy.ModUser, Field: "phone", Access: policy.Read}}), false},
		{"a role of my level", policy.CanAssign(open, []policy.Role{{Level: policy.Standard, Grants: view}}), true},
		{"a role below", policy.CanAssign(open, []policy.Role{{Level: policy.Restricted}}), true},
		{"a role above, though empty", policy.CanAssign(open, []policy.Role{{Level: policy.Power}}), false},
		{"a role without level", policy.CanAssign(open, []policy.Role{{}}), false},
		{"a good role and a bad one", policy.CanAssign(open, []policy.Role{{Level: policy.Standard}, {Level: policy.Standard, Grants: everything()}}), false},
		{"by somebody without a role", policy.CanAssign(subject(), []policy.Role{{Level: policy.Restricted}}), false},
		{"by nobody", policy.CanAssign(nil, []policy.Role{{Level: policy.Restricted}}), false},
	} {
		if c.ok != (c.err == nil) || !c.ok && (!fault.Is(c.err, "grant_exceeds_own") || !fault.IsKind(c.err, fault.Denied)) {
			t.Errorf("%s: %v", c.says, c.err)
		}
	}
	if got := policy.Held(open); !slices.Equal(got, view) {
		t.Errorf("held: %v", got)
	}
}

// TestScopeWords: JSON has the words of the design and no others.
func TestScopeWords(t *testing.T) {
	g := policy.Role{Grants: []policy.Grant{}}
	for _, s := range policy.Scopes {
		g.Grants = append(g.Grants, grant(policy.ModAccount, policy.View, s))
	}
	b, err := json.Marshal(g.Grants)
	if err != nil {
		t.Fatal(err)
	}
	var back []policy.Grant
	if err := json.Unmarshal(b, &back); err != nil || !slices.Equal(back, g.Grants) {
		t.Errorf("%s came back as %v: %v", b, back, err)
	}
	for i, word := range []string{"own", "reports", "department", "subtree", "all"} {
		if policy.Scopes[i].String() != word {
			t.Errorf("%d is %s, want %s", i, policy.Scopes[i], word)
		}
	}
	for _, bad := range []string{`"none"`, `""`, `"ALL"`, `"everything"`, `3`, `null`} {
		s := policy.None
		if err := json.Unmarshal([]byte(bad), &s); err == nil && s != policy.None {
			t.Errorf("%s was read as %s", bad, s)
		}
	}
	for _, bad := range []policy.Scope{policy.None, policy.All + 1} {
		if b, err := json.Marshal(bad); err == nil {
			t.Errorf("%d was written as %s", bad, b)
		}
		if bad.String() != "none" {
			t.Errorf("%d is called %s", bad, bad)
		}
	}
	held := subject(policy.Role{Grants: []policy.Grant{grant(policy.ModAccount, policy.View, policy.All+1)}})
	if policy.May(held, policy.ModAccount, policy.View) != policy.None {
		t.Error("a scope beyond all grants something")
	}
}

// TestLevelsAndAccesses: both are ordered, and what is neither is below all as access and above all as level.
func TestLevelsAndAccesses(t *testing.T) {
	for i, a := range policy.Accesses {
		for j, b := range policy.Accesses {
			if a.AtLeast(b) != (i >= j) {
				t.Errorf("%s at least %s: %v", a, b, a.AtLeast(b))
			}
		}
	}
	for i, a := range policy.Levels {
		for j, b := range policy.Levels {
			if a.AtMost(b) != (i <= j) {
				t.Errorf("%s at most %s: %v", a, b, a.AtMost(b))
			}
		}
	}
	if policy.Access("open").Valid() || policy.Level("root").Valid() || policy.Level("").AtMost(policy.Admin) || !policy.Read.Valid() {
		t.Error("unknown words count")
	}
}

// TestLevelsContainEachOther: what a level may contain, each higher one may (I6); and power manages no users (R07).
func TestLevelsContainEachOther(t *testing.T) {
	for _, e := range policy.Catalogue() {
		for _, a := range e.Actions {
			for _, s := range e.Scopes {
				g, below := grant(e.Module, a, s), false
				for _, l := range policy.Levels {
					has := policy.LevelAllows(l, g)
					if below && !has {
						t.Errorf("%s may not contain %+v, the level below may", l, g)
					}
					below = has
				}
				if !below {
					t.Errorf("not even admin may contain %+v", g)
				}
			}
		}
	}
	for _, c := range []struct {
		level policy.Level
		g     policy.Grant
		want  bool
	}{
		{policy.Restricted, grant(policy.ModContact, policy.View, policy.Department), true},
		{policy.Restricted, grant(policy.ModContact, policy.Update, policy.Own), false},
		{policy.Restricted, grant(policy.ModOrder, policy.View, policy.Own), false},
		{policy.Standard, grant(policy.ModOrder, policy.Update, policy.Department), true},
		{policy.Standard, grant(policy.ModOrder, policy.Approve, policy.Department), false},
		{policy.Standard, grant(policy.ModAccount, policy.Export, policy.All), false},
		{policy.Standard, grant(policy.ModAccount, policy.Delete, policy.Own), true},
		{policy.Standard, grant(policy.ModAudit, policy.View, policy.All), false},
		{policy.Power, grant(policy.ModOrder, policy.Approve, policy.All), true},
		{policy.Power, grant(policy.ModUser, policy.View, policy.All), true},
		{policy.Power, grant(policy.ModUser, policy.Create, policy.Own), false},
		{policy.Power, grant(policy.ModRole, policy.Update, policy.All), false},
		{policy.Power, grant(policy.ModTenant, policy.Update, policy.All), false},
		{policy.Power, grant(policy.ModBackup, policy.View, policy.All), false},
		{policy.Admin, grant(policy.ModBackup, policy.Delete, policy.All), true},
		{"root", grant(policy.ModAccount, policy.View, policy.Own), false},
	} {
		if got := policy.LevelAllows(c.level, c.g); got != c.want {
			t.Errorf("%s contains %+v: %v", c.level, c.g, got)
		}
	}
}

// TestCatalogue: it is well formed, hands out copies, and says which fields and scopes there are.
func TestCatalogue(t *testing.T) {
	seen := map[policy.Module]bool{}
	for _, e := range policy.Catalogue() {
		if seen[e.Module] || len(e.Actions) == 0 || e.Actions[0] != policy.View || !slices.Contains(e.Scopes, policy.All) {
			t.Errorf("%+v", e)
		}
		seen[e.Module] = true
		for _, f := range e.Sensitive {
			if !slices.Contains(e.Fields, f) {
				t.Errorf("%s: %s is sensitive and no field", e.Module, f)
			}
		}
		e.Actions[0], e.Scopes[0] = "spoilt", policy.None
	}
	if !policy.Declared(policy.ModAccount, policy.View) || !policy.DeclaredScope(policy.ModAccount, policy.Own) {
		t.Error("the catalogue was changed through its copy")
	}
	for _, m := range []policy.Module{policy.ModUser, policy.ModRole, policy.ModOrg, policy.ModTenant, policy.ModAudit} {
		if !policy.Core(m) {
			t.Errorf("%s can be switched off", m)
		}
	}
	for says, got := range map[string]bool{
		"an unknown module is core":           policy.Core("spaceship"),
		"an unknown module has scopes":        policy.DeclaredScope("spaceship", policy.All),
		"roles have owners":                   policy.DeclaredScope(policy.ModRole, policy.Own),
		"none is a scope":                     policy.DeclaredScope(policy.ModAccount, policy.None),
		"an unknown module has fields":        policy.DeclaredField("spaceship", "name"),
		"accounts have wings":                 policy.DeclaredField(policy.ModAccount, "wings"),
		"a part without a name is a part":     policy.DeclaredField(policy.ModAccount, "custom."),
		"a user's id number is an account's":  policy.DeclaredField(policy.ModUser, "idNumber"),
		"accounts have no custom fields":      !policy.DeclaredField(policy.ModAccount, "custom.size"),
		"accounts have no address of parts":   !policy.DeclaredField(policy.ModAccount, "address.city"),
		"an action without a module is there": policy.Declared("", policy.View),
	} {
		if got {
			t.Error(says)
		}
	}
}

// TestTwoRulesOnOneField: the narrower holds, should a role ever be stored with both.
func TestTwoRulesOnOneField(t *testing.T) {
	s := subject(policy.Role{Grants: []policy.Grant{grant(policy.ModAccount, policy.View, policy.Own)}, Fields: []policy.FieldRule{
		{Module: policy.ModAccount, Field: "phone", Access: policy.Read},
		{Module: policy.ModAccount, Field: "phone", Access: policy.Hidden},
		{Module: policy.ModAccount, Field: "phone", Access: policy.Masked},
	}})
	if got := s.Field(policy.ModAccount, policy.View, "phone"); got != policy.Hidden {
		t.Errorf("%s", got)
	}
}

// TestNarrowedFields: every field that is less than open is named, with each action that a role grants, and no other.
func TestNarrowedFields(t *testing.T) {
	s := subject(
		policy.Role{Grants: []policy.Grant{grant(policy.ModAccount, policy.View, policy.Own)}, Fields: []policy.FieldRule{
			{Module: policy.ModAccount, Field: "phone", Access: policy.Masked}, {Module: policy.ModAccount, Field: "name", Access: policy.Edit},
		}},
		policy.Role{Grants: []policy.Grant{grant(policy.ModAccount, policy.Update, policy.Own)}},
	)
	want := []policy.FieldAccess{
		{Module: policy.ModAccount, Action: policy.View, Field: "idNumber", Access: policy.Hidden},
		{Module: policy.ModAccount, Action: policy.View, Field: "phone", Access: policy.Masked},
		{Module: policy.ModAccount, Action: policy.Update, Field: "idNumber", Access: policy.Hidden},
	}
	if got := policy.Narrowed(s); !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	s.Org.Settings.ModulesOff = []string{"account"}
	if got := policy.Narrowed(s); len(got) != 0 {
		t.Errorf("in a module that is off: %+v", got)
	}
}
