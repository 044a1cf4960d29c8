package policy_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// TestGrantsOnlyAdd is I6 for grants on records and of categories: one more that is on hides nothing, without it nothing more is shown, and
// one more that is off shows nothing.
func TestGrantsOnlyAdd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		u := rapid.SampledFrom(w.users).Draw(t, "who")
		r := drawRecord(t)
		more := drawRecordGrant(t)
		before := w.subject(u)
		on, off := more, more
		on.Off, off.On, off.Off = 0, 0, drawActs(t)
		then := w.clone()
		category := policy.CategoryGrant{Category: "c1", To: drawGrantee(t), On: drawActs(t), Superiors: rapid.Bool().Draw(t, "superiors")}
		then.categories = append(slices.Clone(w.categories), category)
		after := then.subject(u)
		for _, m := range someModules {
			for _, a := range someActions {
				allowed := policy.Decide(before, m, a, r).Allowed
				opened, closed := r, r
				opened.Grants, closed.Grants = insert(t, r.Grants, on), insert(t, r.Grants, off)
				switch {
				case allowed && !policy.Decide(before, m, a, opened).Allowed:
					t.Fatalf("%s %s %s: %+v hides %+v", u, a, m, on, r)
				case !allowed && policy.Decide(before, m, a, closed).Allowed:
					t.Fatalf("%s %s %s: %+v shows %+v", u, a, m, off, r)
				case allowed && !policy.Decide(after, m, a, r).Allowed:
					t.Fatalf("%s %s %s: %+v hides %+v", u, a, m, category, r)
				}
			}
		}
	})
}

// insert puts the grant somewhere among the others: their order must not matter to whether they allow.
func insert(t *rapid.T, all []policy.RecordGrant, g policy.RecordGrant) []policy.RecordGrant {
	return slices.Insert(slices.Clone(all), rapid.IntRange(0, len(all)).Draw(t, "place"), g)
}

// TestWhoMayShare: whoever may share the record and hold on it what they give or take; nobody opens to others what is closed to them (I8).
func TestWhoMayShare(t *testing.T) {
	share := grant(policy.ModAccount, policy.Share, policy.Own)
	view, edit := grant(policy.ModAccount, policy.View, policy.All), grant(policy.ModAccount, policy.Update, policy.Own)
	mine, other := policy.Resource{Tenant: "acme", Owner: "ann"}, policy.Resource{Tenant: "acme", Owner: "bob"}
	noEdit := mine
	noEdit.Grants = []policy.RecordGrant{{Kind: policy.KindOverride, To: policy.ToUser("ann"), Off: policy.ActEdit}}
	hidden := mine
	hidden.Grants = []policy.RecordGrant{{Kind: policy.KindOverride, To: policy.ToUser("ann"), Off: policy.ActView}}
	for _, c := range []struct {
		says   string
		grants []policy.Grant
		on     policy.Resource
		acts   policy.Acts
		code   string
	}{
		{"mine, to read", []policy.Grant{share, view}, mine, policy.ActView, ""},
		{"mine, to edit", []policy.Grant{share, view, edit}, mine, policy.ActsOf("edit"), ""},
		{"mine, nothing at all", []policy.Grant{share, view}, mine, 0, ""},
		{"to edit what I may only read", []policy.Grant{share, view}, mine, policy.ActsOf("edit"), "grant_exceeds_own"},
		{"to edit what is closed to me", []policy.Grant{share, view, edit}, noEdit, policy.ActsOf("edit"), "grant_exceeds_own"},
		{"to read that", []policy.Grant{share, view, edit}, noEdit, policy.ActView, ""},
		{"to delete what I may edit", []policy.Grant{share, view, edit}, mine, policy.ActDelete, "grant_exceeds_own"},
		{"what I see and may not share", []policy.Grant{share, view}, other, policy.ActView, "permission_denied"},
		{"without the right to share", []policy.Grant{view, edit}, mine, policy.ActView, "permission_denied"},
		{"what is hidden from me", []policy.Grant{share, view, edit}, hidden, policy.ActView, "not_found"},
		{"what I do not see", []policy.Grant{share, edit}, other, policy.ActEdit, "not_found"},
	} {
		err := policy.CanShare(subject(policy.Role{Grants: c.grants}), c.on, c.acts)
		if (c.code == "") != (err == nil) || c.code != "" && !fault.Is(err, c.code) {
			t.Errorf("%s: %v, want %s", c.says, err, c.code)
		}
	}
}

// TestNobodyApprovesTheirOwn: who decides is somebody else than who asked.
func TestNobodyApprovesTheirOwn(t *testing.T) {
	s := subject()
	if err := policy.MayApprove(s, "bob"); err != nil {
		t.Errorf("another's: %v", err)
	}
	system := subject()
	system.User = ""
	for says, err := range map[string]error{
		"one's own": policy.MayApprove(s, "ann"), "by nobody": policy.MayApprove(nil, "bob"), "by the system": policy.MayApprove(system, "bob"),
	} {
		if !fault.Is(err, "self_approval") || !fault.IsKind(err, fault.Denied) {
			t.Errorf("%s: %v", says, err)
		}
	}
}

// TestGrantees: each says what it is and nothing else.
func TestGrantees(t *testing.T) {
	u, d, s, r := policy.ToUser("ann"), policy.ToDepartment("sales", false), policy.ToDepartment("sales", true), policy.ToRole("seller")
	for _, g := range []policy.Grantee{u, d, s, r, "", "X:ann"} {
		user, isUser := g.User()
		dept, below, isDept := g.Department()
		role, isRole := g.Role()
		if isUser != (g == u) || isUser && user != "ann" || isDept != (g == d || g == s) || isDept && (dept != "sales" || below != (g == s)) ||
			isRole != (g == r) || isRole && role != "seller" {
			t.Errorf("%q: %q %v, %q %v %v, %q %v", g, user, isUser, dept, below, isDept, role, isRole)
		}
	}
}

// TestActs: the words of levels, and the actions that acts stand for.
func TestActs(t *testing.T) {
	if policy.ActsOf("read") != policy.ActView || policy.ActsOf("edit") != policy.ActView|policy.ActEdit || policy.ActsOf("own") != 0 {
		t.Error("levels")
	}
	var got []policy.Action
	(policy.ActView | policy.ActDelete).Each(func(_ policy.Acts, a policy.Action) bool { got = append(got, a); return true })
	if !slices.Equal(got, []policy.Action{policy.View, policy.Delete}) {
		t.Errorf("%v", got)
	}
	got = nil
	(policy.ActView | policy.ActDelete).Each(func(_ policy.Acts, a policy.Action) bool { got = append(got, a); return false })
	if !slices.Equal(got, []policy.Action{policy.View}) {
		t.Errorf("told to stop: %v", got)
	}
	for m, want := range map[policy.Module]bool{policy.ModAccount: true, policy.ModOrder: true, policy.ModRole: false, "moon": false} {
		if policy.HasDefault(m) != want {
			t.Errorf("%s has a default: %v", m, !want)
		}
	}
}

// TestWhoOneIs: a subject is themself, sits where they sit or preside, is below what lies above, and holds their roles; nobody is anybody.
func TestWhoOneIs(t *testing.T) {
	w := oneUser(policy.Role{}, policy.Role{})
	w.users = append(w.users, "bob")
	w.place["bob"], w.status["bob"] = principal.Place{User: "bob", Manager: "ann", Department: "north"}, principal.UserActive
	for d, p := range map[id.Department]id.Department{"acme": "", "sales": "acme", "north": "sales", "support": "acme"} {
		w.parent[d] = p
	}
	p := w.place["ann"]
	p.Department, p.Roles = "sales", append(p.Roles, p.Roles[0]) // twice, as by a post and directly
	w.place["ann"] = p
	w.head["support"] = "ann"
	s := w.subject("ann")
	for g, want := range map[policy.Grantee]bool{
		policy.ToUser("ann"): true, policy.ToUser("bob"): false,
		policy.ToDepartment("sales", false): true, policy.ToDepartment("support", true): true, policy.ToDepartment("north", false): false,
		policy.ToDepartment("acme", true): true, policy.ToDepartment("acme", false): false,
		policy.ToRole("a"): true, policy.ToRole("c"): false,
	} {
		if s.Is(g) != want {
			t.Errorf("is %s: %v", g, !want)
		}
	}
	if !slices.Equal(s.RoleIDs(), []id.Role{"a", "b", "a"}) || !slices.Equal(s.DepartmentIDs(policy.Department), []id.Department{"sales", "support"}) {
		t.Errorf("%v %v", s.RoleIDs(), s.DepartmentIDs(policy.Department))
	}
	var nobody *policy.Rights
	if nobody.Is(policy.ToUser("ann")) {
		t.Error("nobody is somebody")
	}
}

// TestNothingGrantedAnywhere: while no record has a grant to whom one is, a list looks for those to oneself alone.
func TestNothingGrantedAnywhere(t *testing.T) {
	w := oneUser(policy.Role{Grants: []policy.Grant{grant(policy.ModAccount, policy.View, policy.Own)}})
	w.unmarked = true
	reach := policy.ReachOf(w.subject("ann"), policy.ModAccount, policy.View)
	if !slices.Equal(reach.Grantees, []policy.Grantee{policy.ToUser("ann")}) || reach.Overflowed != nil || reach.Denying != nil {
		t.Errorf("%+v", reach)
	}
}
