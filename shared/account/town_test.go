package account_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// town is a random tenant with everything that decides who may view an account.
type town struct {
	*counting
	org  *access.Organisation
	rand *rand.Rand
}

func newTown(t *testing.T, seed uint64) *town {
	w := &town{counting: newCounting(t), rand: rand.New(rand.NewPCG(seed, 12))}
	r := w.rand
	w.depts = append(w.depts, w.department(t, w.depts[1]), w.department(t, w.depts[1]))
	w.org = &access.Organisation{
		Departments: map[id.Department]access.Department{}, Posts: map[id.Post]access.Post{}, Places: map[id.User]principal.Place{},
		Roles: map[id.Role]policy.Role{}, Categories: map[id.Category]access.Category{}, Granted: map[policy.Grantee]access.Granted{},
	}
	for _, d := range w.depts[1:] {
		w.org.Departments[d] = access.Department{ID: d, Parent: w.parents[d]}
	}
	var roles []id.Role
	for _, s := range policy.Scopes {
		role := everything(s)
		role.ID = id.New[id.Role](w.IDs)
		if s < policy.All {
			roles = append(roles, role.ID)
		}
		w.org.Roles[role.ID] = role
	}
	w.users = nil
	for range 6 + r.IntN(4) {
		boss := id.User("")
		if len(w.users) > 0 {
			boss = w.users[r.IntN(len(w.users))]
		}
		u := w.user(t, principal.UserActive, w.depts[r.IntN(len(w.depts))], boss)
		w.users = append(w.users, u)
		p := w.places[u]
		p.Roles = []id.Role{roles[r.IntN(len(roles))]}
		w.org.Places[u] = p
	}
	for _, c := range w.cats {
		w.org.Categories[c] = access.Category{ID: c, Grants: []access.CategoryGrant{{To: w.grantee(), On: policy.ActView, Superiors: r.IntN(2) == 0}}}
	}
	if seed%5 == 4 {
		w.row.Settings.Defaults = map[string]string{string(policy.ModAccount): string(policy.PublicRead)}
	}
	w.boss = w.as(w.user(t, principal.UserActive, "", ""), everything(policy.All)) // whom nothing is kept from
	for range 25 {
		w.act(t, picker(r))
	}
	return w
}

// grantee is anybody.
func (w *town) grantee() policy.Grantee {
	switch w.rand.IntN(4) {
	case 0:
		return policy.ToDepartment(w.depts[1+w.rand.IntN(len(w.depts)-1)], w.rand.IntN(2) == 0)
	case 1:
		return policy.ToRole(w.org.Places[w.users[w.rand.IntN(len(w.users))]].Roles[0])
	}
	return policy.ToUser(w.users[w.rand.IntN(len(w.users))])
}

// grant puts some grant on some account, or takes one away.
func (w *town) grant(t *testing.T, a id.Account) {
	t.Helper()
	g := policy.RecordGrant{Kind: policy.KindShare, To: w.grantee(), On: policy.ActView, Superiors: w.rand.IntN(3) == 0}
	switch w.rand.IntN(4) {
	case 0:
		g = policy.RecordGrant{Kind: policy.KindOverride, To: g.To, Off: policy.ActView}
	case 1:
		g.Kind, g.Expires = policy.KindTemporary, w.Now().Unix()+int64(w.rand.IntN(3)-1)*100
	case 2:
		g.On = policy.ActDelete // opens nothing to the eye
	}
	w.put(t, a, g, w.rand.IntN(5) == 0)
}

func (w *town) put(t *testing.T, a id.Account, g policy.RecordGrant, ungrant bool) {
	t.Helper()
	must(t, w.run(t.Context(), w.boss, func(c *change.Set) error { return w.accounts.GrantTo(t.Context(), w.boss, c, a, g, ungrant) }))
	w.org.Granted[g.To] = access.Granted{To: g.To, Mark: policy.Mark{Superiors: true, Overflow: true, Off: true}} // as marks may say more than there is
}

// crowd gives an account more grants than it keeps in order.
func (w *town) crowd(t *testing.T, a id.Account) {
	t.Helper()
	for range account.MaxInOrder + 1 {
		w.put(t, a, policy.RecordGrant{Kind: policy.KindShare, To: policy.ToUser(id.New[id.User](w.IDs)), On: policy.ActView}, false)
	}
	for _, u := range w.users[:3] {
		w.put(t, a, policy.RecordGrant{Kind: policy.KindShare, To: policy.ToUser(u), On: policy.ActView}, false)
	}
	w.put(t, a, policy.RecordGrant{Kind: policy.KindOverride, To: policy.ToUser(w.users[1]), Off: policy.ActView}, false)
}

// seen are the accounts that Get answers.
func (w *town) seen(t *testing.T, who *policy.Subject) (out []*account.Account) {
	t.Helper()
	for _, a := range w.all {
		if x, err := w.accounts.Get(t.Context(), who, a); err == nil {
			out = append(out, x)
		} else if !fault.Is(err, "not_found") {
			t.Fatal(err)
		}
	}
	return out
}

// queries are a query of each filter, and what passes it.
func (w *town) queries() map[string]account.Query {
	return map[string]account.Query{
		"all": {}, "owner": {Owner: w.users[1]}, "department": {Department: w.depts[1]}, "category": {Category: w.cats[0]}, "status": {Status: account.Inactive},
		"type": {Type: "individual"}, "tier": {ValueTier: "high"}, "stage": {Stage: "buying"},
		"owner and type": {Owner: w.users[2], Type: "enterprise"}, "type and stage": {Type: "enterprise", Stage: "potential"},
	}
}

func passes(q account.Query, a *account.Account) bool {
	return (q.Owner == "" || a.Owner == q.Owner) && (q.Department == "" || a.Department == q.Department) &&
		(q.Category == "" || slices.Contains(a.Categories.IDs(), q.Category)) && (q.Status == "" || a.Status == q.Status) &&
		(q.Type == "" || a.Type == q.Type) && (q.ValueTier == "" || a.ValueTier == q.ValueTier) && (q.Stage == "" || a.Stage == q.Stage)
}

// holds demands that for every user each count, with each filter, is the number of accounts that Get answers, and that statistics are counts.
func (w *town) holds(t *testing.T, when string, accounts *account.Accounts, asOf time.Time) {
	t.Helper()
	everyone := access.Compile(w.org.Clone())
	for _, u := range w.users {
		who := everyone.Subject(w.row, u, w.Now())
		seen := w.seen(t, who)
		for name, q := range w.queries() {
			want := 0
			for _, a := range seen {
				if passes(q, a) {
					want++
				}
			}
			q.Limit, q.Count = 1, true
			p, err := accounts.List(t.Context(), who, q)
			must(t, err)
			is := account.Count{Value: want, Exact: true, AsOf: asOf}
			if name == "type and stage" { // two values of which no count tells how often they meet
				is.AsOf = time.Time{}
			}
			if *p.Count != is {
				t.Fatalf("%s: %s counts %s: %+v, want %+v", when, u, name, *p.Count, is)
			}
		}
		for by, of := range map[string]func(*account.Account) []string{
			"owner":      func(a *account.Account) []string { return []string{string(a.Owner)} },
			"department": func(a *account.Account) []string { return []string{string(a.Department)} },
			"category": func(a *account.Account) (out []string) {
				for _, c := range a.Categories.IDs() {
					out = append(out, string(c))
				}
				if out == nil {
					out = []string{""}
				}
				return out
			},
			"status":    func(a *account.Account) []string { return []string{string(a.Status)} },
			"type":      func(a *account.Account) []string { return []string{a.Type} },
			"valueTier": func(a *account.Account) []string { return []string{a.ValueTier} },
			"stage":     func(a *account.Account) []string { return []string{a.Stage} },
		} {
			want := map[string]int{}
			for _, a := range seen {
				for _, k := range of(a) {
					want[k]++
				}
			}
			s, err := accounts.Stats(t.Context(), who, by)
			must(t, err)
			got := map[string]int{}
			for _, r := range s.Rows {
				got[r.Key] = r.Value
			}
			if fmt.Sprint(got) != fmt.Sprint(want) || !s.Exact || !s.AsOf.Equal(asOf) || s.Why != "" {
				t.Fatalf("%s: %s by %s: %+v, want %v", when, u, by, s, want)
			}
		}
	}
}
