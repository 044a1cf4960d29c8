package policytest_test

import (
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/policy/policytest"
)

// sample is a world small enough to answer by hand: boss ← head ← rep, in hq ← east ← south; temp works in south and has left.
func sample() *policytest.World {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	sees := func(scope string, more ...policy.Action) (out []policytest.Grant) {
		for _, a := range append(more, policy.View) {
			out = append(out, policytest.Grant{Module: policy.ModAccount, Action: a, Scope: scope})
		}
		return out
	}
	to := func(kind, who string) policytest.Grantee { return policytest.Grantee{Kind: kind, ID: who} }
	view, edit := []policytest.Act{policytest.View}, []policytest.Act{policytest.Edit}
	return &policytest.World{
		Now: at, TenantStatus: "active",
		Departments: []policytest.Department{{ID: "hq"}, {ID: "east", Parent: "hq", Head: "head"}, {ID: "south", Parent: "east"}},
		Roles: []policytest.Role{
			{ID: "seller", Grants: sees("own", policy.Update), Fields: []policytest.FieldRule{
				{Module: policy.ModAccount, Field: "email", Access: policy.Masked}, {Module: policy.ModAccount, Field: "address", Access: policy.Read},
			}},
			{ID: "leader", Grants: sees("reports")},
			{ID: "regional", Grants: sees("subtree")},
		},
		Posts: []policytest.Post{{ID: "desk", Department: "south", Roles: []id.Role{"seller"}}},
		Users: []policytest.User{
			{ID: "boss", Status: "active", Department: "hq", Roles: []id.Role{"leader"}},
			{ID: "head", Status: "active", Manager: "boss", Roles: []id.Role{"regional"}},
			{ID: "rep", Status: "active", Department: "south", Manager: "head", Posts: []id.Post{"desk"}},
			{ID: "temp", Status: "inactive", Department: "south", Manager: "rep", Roles: []id.Role{"seller"}},
			{ID: "idle", Status: "active"},
		},
		Categories: []policytest.Category{{ID: "vip", Grants: []policytest.CategoryGrant{{To: to("user", "rep"), On: view, Superiors: true}}}},
		Accounts: []policytest.Account{
			{ID: "of rep", Owner: "rep", Department: "south"},
			{ID: "of temp", Owner: "temp"},
			{ID: "in south", Owner: "idle", Department: "south"},
			{ID: "in hq", Owner: "idle", Department: "hq"},
			{ID: "vip", Owner: "idle", Categories: []id.Category{"vip"}},
			{ID: "shared", Owner: "idle", Grants: []policytest.RecordGrant{{Kind: policy.KindShare, To: to("subtree", "east"), On: view}}},
			{ID: "for a second", Owner: "idle", Grants: []policytest.RecordGrant{
				{Kind: policy.KindTemporary, To: to("user", "rep"), On: view, Expires: at.Add(time.Second)},
			}},
			{ID: "expired", Owner: "idle", Grants: []policytest.RecordGrant{{Kind: policy.KindTemporary, To: to("user", "rep"), On: view, Expires: at}}},
			{ID: "asleep", Owner: "idle", Grants: []policytest.RecordGrant{{Kind: policy.KindTeam, To: to("user", "temp"), On: view, Superiors: true}}},
			{ID: "closed", Owner: "rep", Grants: []policytest.RecordGrant{{Kind: policy.KindOverride, To: to("role", "seller"), Off: view}}},
			{ID: "read only", Owner: "rep", Grants: []policytest.RecordGrant{{Kind: policy.KindOverride, To: to("department", "south"), Off: edit}}},
		},
	}
}

// TestOracle holds the oracle to answers that were worked out by hand.
func TestOracle(t *testing.T) {
	o := policytest.Oracle{World: sample()}
	yes, no := func(rule int) policytest.Verdict { return policytest.Verdict{Allowed: true, Rule: rule} },
		func(rule int) policytest.Verdict { return policytest.Verdict{Rule: rule} }
	for _, row := range []struct {
		user   id.User
		action policy.Action
		acct   id.Account
		want   policytest.Verdict
	}{
		{"rep", policy.View, "of rep", yes(3)},
		{"rep", policy.Update, "of rep", yes(3)},
		{"rep", policy.Delete, "of rep", no(2)},
		{"rep", policy.Approve, "of rep", no(1)}, // there is no such right
		{"idle", policy.View, "in hq", no(2)},    // an owner without a role
		{"temp", policy.View, "of temp", no(1)},  // not active
		{"rep", policy.View, "nowhere", no(1)},
		{"nobody", policy.View, "of rep", no(1)},
		{"head", policy.View, "of rep", yes(3)},
		{"boss", policy.View, "of rep", yes(3)},  // reports, transitively
		{"boss", policy.View, "of temp", yes(3)}, // of one who has left, too
		{"rep", policy.View, "of temp", no(3)},   // rep's scope is own
		{"rep", policy.View, "in south", no(3)},
		{"head", policy.View, "in south", yes(3)}, // heads east, and south lies below
		{"head", policy.View, "in hq", no(3)},
		{"boss", policy.View, "in hq", no(3)}, // sits there, with the scope reports
		{"rep", policy.View, "vip", yes(4)},
		{"head", policy.View, "vip", yes(4)}, // superiors
		{"rep", policy.Update, "vip", no(3)},
		{"rep", policy.View, "shared", yes(4)},
		{"head", policy.View, "shared", yes(4)}, // counts as sitting in east
		{"boss", policy.View, "shared", no(3)},  // above it, and the share does not say superiors
		{"rep", policy.View, "for a second", yes(4)},
		{"rep", policy.View, "expired", no(3)},
		{"rep", policy.View, "asleep", no(3)}, // what temp was given sleeps for rep, too
		{"rep", policy.View, "closed", no(5)},
		{"head", policy.View, "closed", yes(3)}, // not named
		{"rep", policy.View, "read only", yes(3)},
		{"rep", policy.Update, "read only", no(5)},
	} {
		q := policytest.Question{User: row.user, Module: policy.ModAccount, Action: row.action, Account: row.acct}
		if got := o.Check(q); got != row.want {
			t.Errorf("%s %s %q: %v, want %v", row.user, row.action, row.acct, got, row.want)
		}
	}
	for _, row := range []struct {
		user  id.User
		field string
		want  policy.Access
	}{
		{"rep", "name", policy.Edit},
		{"rep", "email", policy.Masked},
		{"rep", "address.city", policy.Read}, // by its parent's rule
		{"rep", "idNumber", policy.Hidden},   // sensitive
		{"head", "email", policy.Edit},       // no rule
		{"idle", "name", policy.Hidden},      // no role
		{"temp", "name", policy.Hidden},      // not active
	} {
		if got := o.Field(row.user, policy.ModAccount, policy.View, row.field); got != row.want {
			t.Errorf("%s %s: %s, want %s", row.user, row.field, got, row.want)
		}
	}
}

// verdicts are all answers about the accounts of a world.
func verdicts(w *policytest.World) map[policytest.Question]bool {
	out := map[policytest.Question]bool{}
	for _, u := range w.Users {
		for i := range w.Accounts {
			for _, m := range []policy.Module{policy.ModAccount, policy.ModContact, policy.ModNote} {
				for _, a := range policy.Actions {
					q := policytest.Question{User: u.ID, Module: m, Action: a, Account: w.Accounts[i].ID}
					out[q] = policytest.Oracle{World: w}.Check(q).Allowed
				}
			}
		}
	}
	return out
}

// TestMoreNeverShowsLess is I6 of the oracle, and so of all that agrees with it: a grant more, of whatever kind, or a denial less takes
// nothing from anybody, and each scope reaches what the one before it does.
func TestMoreNeverShowsLess(t *testing.T) {
	word := []string{"own", "reports", "department", "subtree", "all"}
	more := map[string]func(*policytest.World){
		"a role": everyUser(func(u *policytest.User) { u.Roles = append(u.Roles, "role_more") }),
		"a wider scope": everyRole(func(r *policytest.Role) {
			for i := range r.Grants {
				r.Grants[i].Scope = word[min(slices.Index(word, r.Grants[i].Scope)+1, 4)]
			}
		}),
		"a share": func(w *policytest.World) {
			for i := range w.Accounts {
				w.Accounts[i].Grants = append(w.Accounts[i].Grants, policytest.RecordGrant{
					Kind: policy.KindShare, To: policytest.Grantee{Kind: "subtree", ID: string(w.Departments[0].ID)}, On: []policytest.Act{policytest.View},
				})
			}
		},
		"superiors":    everyGrant(func(g *policytest.RecordGrant) { g.Superiors = true }),
		"no off":       everyGrant(func(g *policytest.RecordGrant) { g.Off = nil }),
		"modules on":   func(w *policytest.World) { w.ModulesOff = nil },
		"public edits": func(w *policytest.World) { w.Defaults[policy.ModAccount] = policy.PublicEdit },
	}
	for seed := range uint64(60) {
		before := policytest.Generate(seed)
		before.Roles = append(before.Roles, policytest.Role{ID: "role_more", Grants: []policytest.Grant{
			{Module: policy.ModAccount, Action: policy.View, Scope: "reports"}, {Module: policy.ModContact, Action: policy.Update, Scope: "department"},
		}})
		was := verdicts(before)
		for name, f := range more {
			after := before.Clone()
			f(after)
			is := verdicts(after)
			for q, allowed := range was {
				if allowed && !is[q] {
					t.Fatalf("with %s: %s not any more, in %s", name, q, before)
				}
			}
		}
	}
}

// TestGenerate holds that a seed names one world and one course of it, that worlds could be, and that their JSON is all of them.
func TestGenerate(t *testing.T) {
	text := func(w *policytest.World) string {
		b, err := json.Marshal(w, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	crowded := false
	for seed := range uint64(100) {
		w, again := policytest.Generate(seed), policytest.Generate(seed)
		for step := range uint64(5) {
			if text(w) != text(again) {
				t.Fatalf("seed %d: two worlds", seed)
			}
			var read policytest.World
			if err := json.Unmarshal([]byte(text(w)), &read); err != nil || text(&read) != text(w) {
				t.Fatalf("seed %d: read back as another world: %v", seed, err)
			}
			for _, u := range w.Users {
				for n, x := 0, w.User(u.ID); x.Manager != ""; x = w.User(x.Manager) {
					if n++; n > len(w.Users) {
						t.Fatalf("seed %d: a cycle of managers", seed)
					}
				}
			}
			for i := range w.Accounts {
				crowded = crowded || len(w.Accounts[i].Grants) > inOrder
			}
			before := text(w)
			next := policytest.Change(seed+step, w)
			if text(w) != before {
				t.Fatalf("seed %d: a change of the world changed the one before it", seed)
			}
			w, again = next, policytest.Change(seed+step, again)
		}
	}
	if !crowded {
		t.Error("no account has more grants than are kept in order")
	}
}
