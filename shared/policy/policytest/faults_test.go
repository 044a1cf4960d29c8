package policytest_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/policy/policytest"
)

// deaf is a system that is told of a world in which a rule says nothing: as if the implementation forgot the rule. Everything else it does
// as the one in it does.
type deaf struct {
	pure
	forget func(*policytest.World)
}

func (d *deaf) Load(ctx context.Context, w *policytest.World) error {
	w = w.Clone()
	d.forget(w)
	return d.pure.Load(ctx, w)
}

func (d *deaf) Change(ctx context.Context, w *policytest.World) error { return d.Load(ctx, w) }

func everyGrant(f func(*policytest.RecordGrant)) func(*policytest.World) {
	return func(w *policytest.World) {
		for i := range w.Accounts {
			for j := range w.Accounts[i].Grants {
				f(&w.Accounts[i].Grants[j])
			}
		}
	}
}

func everyUser(f func(*policytest.User)) func(*policytest.World) {
	return func(w *policytest.World) {
		for i := range w.Users {
			f(&w.Users[i])
		}
	}
}

func everyRole(f func(*policytest.Role)) func(*policytest.World) {
	return func(w *policytest.World) {
		for i := range w.Roles {
			f(&w.Roles[i])
		}
	}
}

func dropGrants(of func(policytest.RecordGrant) bool) func(*policytest.World) {
	return func(w *policytest.World) {
		for i := range w.Accounts {
			w.Accounts[i].Grants = slices.DeleteFunc(w.Accounts[i].Grants, of)
		}
	}
}

// rules are ways to forget one rule each.
var rules = map[string]func(*policytest.World){
	"that grants expire":     everyGrant(func(g *policytest.RecordGrant) { g.Expires = time.Time{} }),
	"the second of expiry":   everyGrant(func(g *policytest.RecordGrant) { g.Expires = later(g.Expires) }),
	"that off denies":        everyGrant(func(g *policytest.RecordGrant) { g.Off = nil }),
	"that view off ends all": everyGrant(func(g *policytest.RecordGrant) { g.Off = less(g.Off, policytest.View) }),
	"that edit off denies":   everyGrant(func(g *policytest.RecordGrant) { g.Off = less(g.Off, policytest.Edit) }),
	"that delete off denies": everyGrant(func(g *policytest.RecordGrant) { g.Off = less(g.Off, policytest.Delete) }),
	"superiors":              everyGrant(func(g *policytest.RecordGrant) { g.Superiors = false }),
	"not to tell superiors":  everyGrant(func(g *policytest.RecordGrant) { g.Superiors = true }),
	"read from edit": everyGrant(func(g *policytest.RecordGrant) {
		if slices.Contains(g.On, policytest.View) {
			g.On = []policytest.Act{policytest.View, policytest.Edit}
		}
	}),
	"edit altogether":          everyGrant(func(g *policytest.RecordGrant) { g.On = less(g.On, policytest.Edit) }),
	"that delete can be given": everyGrant(func(g *policytest.RecordGrant) { g.On = less(g.On, policytest.Delete) }),
	"those below a department": everyGrant(func(g *policytest.RecordGrant) {
		if g.To.Kind == "subtree" {
			g.To.Kind = "department"
		}
	}),
	"that a department is not its subtree": everyGrant(func(g *policytest.RecordGrant) {
		if g.To.Kind == "department" {
			g.To.Kind = "subtree"
		}
	}),
	"grants to subtrees":     dropGrants(func(g policytest.RecordGrant) bool { return g.To.Kind == "subtree" }),
	"grants to departments":  dropGrants(func(g policytest.RecordGrant) bool { return g.To.Kind == "department" }),
	"grants to roles":        dropGrants(func(g policytest.RecordGrant) bool { return g.To.Kind == "role" }),
	"grants to users":        dropGrants(func(g policytest.RecordGrant) bool { return g.To.Kind == "user" }),
	"teams":                  dropGrants(func(g policytest.RecordGrant) bool { return g.Kind == policy.KindTeam }),
	"shares":                 dropGrants(func(g policytest.RecordGrant) bool { return g.Kind == policy.KindShare }),
	"temporary grants":       dropGrants(func(g policytest.RecordGrant) bool { return g.Kind == policy.KindTemporary }),
	"overrides":              dropGrants(func(g policytest.RecordGrant) bool { return g.Kind == policy.KindOverride }),
	"grants beyond 32":       func(w *policytest.World) { overflow(w) },
	"defaults":               func(w *policytest.World) { w.Defaults = nil },
	"that modules are off":   func(w *policytest.World) { w.ModulesOff = nil },
	"that tenants suspend":   func(w *policytest.World) { w.TenantStatus = "active" },
	"categories":             func(w *policytest.World) { w.Categories = nil },
	"heads of departments":   func(w *policytest.World) { noHeads(w) },
	"what is below":          func(w *policytest.World) { flat(w) },
	"that users are not yet": everyUser(func(u *policytest.User) { u.Status = "active" }),
	"managers":               everyUser(func(u *policytest.User) { u.Manager = "" }),
	"posts":                  everyUser(func(u *policytest.User) { u.Posts = nil }),
	"field rules":            everyRole(func(r *policytest.Role) { r.Fields = nil }),
	"parts of fields":        everyRole(func(r *policytest.Role) { r.Fields = slices.DeleteFunc(r.Fields, part) }),
	"that masked is not read": everyRole(func(r *policytest.Role) {
		for i := range r.Fields {
			if r.Fields[i].Access == policy.Masked {
				r.Fields[i].Access = policy.Read
			}
		}
	}),
	"that a scope is its action's": everyRole(func(r *policytest.Role) {
		for i := range r.Grants {
			r.Grants[i].Scope = "all"
		}
	}),
	"department scopes": everyRole(func(r *policytest.Role) {
		for i := range r.Grants {
			if r.Grants[i].Scope == "department" {
				r.Grants[i].Scope = "reports"
			}
		}
	}),
	"that a scope holds those before it": everyRole(func(r *policytest.Role) {
		r.Grants = slices.DeleteFunc(r.Grants, func(g policytest.Grant) bool { return g.Scope == "reports" })
	}),
}

func later(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return at.Add(time.Second)
}

func less(all []policytest.Act, a policytest.Act) []policytest.Act {
	return slices.DeleteFunc(slices.Clone(all), func(x policytest.Act) bool { return x == a })
}

func part(f policytest.FieldRule) bool { return f.Field == "address" }

func overflow(w *policytest.World) {
	for i := range w.Accounts {
		w.Accounts[i].Grants = w.Accounts[i].Grants[:min(len(w.Accounts[i].Grants), inOrder)]
	}
}

func noHeads(w *policytest.World) {
	for i := range w.Departments {
		w.Departments[i].Head = ""
	}
}

func flat(w *policytest.World) {
	for i := range w.Departments {
		w.Departments[i].Parent = ""
	}
}

// found demands that the suite finds the system wrong within 200 worlds, and gives what it found.
func found(t *testing.T, changes int, open func(testing.TB) policytest.System) *policytest.Finding {
	t.Helper()
	f, _ := policytest.Find(t, open, policytest.Options{Worlds: 200, Changes: changes, Seed: 1})
	if f == nil {
		t.Fatal("the suite finds nothing wrong in 200 worlds")
	}
	t.Logf("found in %v", f)
	return f
}

// TestEachRuleForgottenIsFound takes each rule away from the policy in turn: the suite is worth what it finds.
func TestEachRuleForgottenIsFound(t *testing.T) {
	for name, forget := range rules {
		t.Run(name, func(t *testing.T) {
			found(t, 1, func(testing.TB) policytest.System { return &deaf{forget: forget} })
		})
	}
}

// tampered is a system that answers one kind of question wrongly.
type tampered struct {
	pure
	check  func(p *pure, q policytest.Question) (allowed, spoken bool)
	page   func(p *pure, u id.User, after string, limit int) ([]id.Account, string)
	count  func(p *pure, u id.User) int
	field  func(policy.Access) policy.Access
	change func(p *pure, w *policytest.World)
}

func (x *tampered) Check(ctx context.Context, q policytest.Question) (bool, error) {
	if x.check != nil {
		if allowed, spoken := x.check(&x.pure, q); spoken {
			return allowed, nil
		}
	}
	return x.pure.Check(ctx, q)
}

func (x *tampered) Page(ctx context.Context, u id.User, after string, limit int) ([]policytest.Listed, string, error) {
	if x.page != nil {
		ids, next := x.page(&x.pure, u, after, limit)
		return idsAlone(ids), next, nil
	}
	return x.pure.Page(ctx, u, after, limit)
}

func (x *tampered) Count(ctx context.Context, u id.User) (int, error) {
	if x.count != nil {
		return x.count(&x.pure, u), nil
	}
	return x.pure.Count(ctx, u)
}

func (x *tampered) Field(ctx context.Context, u id.User, m policy.Module, a policy.Action, field string) (policy.Access, error) {
	access, err := x.pure.Field(ctx, u, m, a, field)
	if x.field != nil {
		access = x.field(access)
	}
	return access, err
}

func (x *tampered) Change(ctx context.Context, w *policytest.World) error {
	if x.change != nil {
		x.change(&x.pure, w)
		return nil
	}
	return x.pure.Change(ctx, w)
}

// rowsWrong are mistakes in what is compiled.
var rowsWrong = map[string]func(*access.Organisation){
	"an inactive report passes grants up": func(o *access.Organisation) {
		for u, p := range o.Places {
			p.Active = true
			o.Places[u] = p
		}
	},
	"lists do not look where grants are": func(o *access.Organisation) { clear(o.Granted) },
	"a post is a seat": func(o *access.Organisation) {
		for u, p := range o.Places {
			for _, post := range p.Posts {
				p.Department = o.Posts[post].Department
			}
			o.Places[u] = p
		}
	},
}

// mistakes are wrong ways to answer that no forgotten rule is.
var mistakes = map[string]*tampered{
	"a share adds an action that roles lack": {check: func(p *pure, q policytest.Question) (bool, bool) {
		s, r := p.subjects[q.User], p.resources[q.Account]
		opened := q.Module == policy.ModAccount && q.Action == policy.Update && policy.May(s, q.Module, q.Action) == policy.None &&
			s.Self.Status == "active" && slices.ContainsFunc(r.Grants, func(g policy.RecordGrant) bool {
			return g.On&policy.ActEdit != 0 && s.Is(g.To) && g.Expires == 0
		})
		return true, opened
	}},
	"what is reached by scope may be done, whatever is off": {check: func(p *pure, q policytest.Question) (bool, bool) {
		s, r := p.subjects[q.User], p.resources[q.Account]
		if len(r.Grants) == 0 {
			return false, false
		}
		r.Grants = nil
		return true, policy.Decide(s, q.Module, q.Action, r).Allowed
	}},
	"what is nowhere is there": {check: func(p *pure, q policytest.Question) (bool, bool) {
		_, known := p.resources[q.Account]
		return true, !known
	}},
	"a page ends with a row that the next begins with": {page: func(p *pure, u id.User, after string, limit int) ([]id.Account, string) {
		ids, next := p.page(u, after, limit)
		if next != "" && limit > 1 {
			_, next = p.page(u, after, limit-1)
		}
		return ids, next
	}},
	"a page leaves out a row": {page: func(p *pure, u id.User, after string, limit int) ([]id.Account, string) {
		ids, next := p.page(u, after, limit)
		if next != "" {
			_, next = p.page(u, after, limit+1)
		}
		return ids, next
	}},
	"of one update time the lower id comes first": {page: func(p *pure, u id.User, _ string, _ int) ([]id.Account, string) {
		ids := slices.Clone(p.list(u))
		slices.SortStableFunc(ids, func(a, b id.Account) int {
			x, y := p.world.Account(a), p.world.Account(b)
			if x.Updated.Equal(y.Updated) && a < b {
				return -1
			}
			return y.Updated.Compare(x.Updated)
		})
		return ids, ""
	}},
	"a list without the last decision": {page: func(p *pure, u id.User, _ string, _ int) ([]id.Account, string) {
		var out []id.Account
		reach := policy.ReachOf(p.subjects[u], policy.ModAccount, policy.View)
		for _, a := range p.world.Accounts {
			if r := p.resources[a.ID]; reached(&reach, &r) {
				out = append(out, a.ID)
			}
		}
		return out, ""
	}},
	"counted in the tenant": {count: func(p *pure, _ id.User) int { return len(p.world.Accounts) }},
	"counted with what is denied": {count: func(p *pure, u id.User) int {
		n := 0
		for _, a := range p.world.Accounts {
			r := p.resources[a.ID]
			r.Grants = slices.Clone(r.Grants)
			for i := range r.Grants {
				r.Grants[i].Off = 0
			}
			if policy.Decide(p.subjects[u], policy.ModAccount, policy.View, r).Allowed {
				n++
			}
		}
		return n
	}},
	"masked is read": {field: func(a policy.Access) policy.Access {
		if a == policy.Masked {
			return policy.Read
		}
		return a
	}},
	"rights are kept over a change": {change: func(p *pure, w *policytest.World) {
		kept := p.subjects
		_ = p.Load(context.Background(), w)
		for u, s := range kept {
			p.subjects[u] = s
		}
	}},
	"records are kept over a change": {change: func(p *pure, w *policytest.World) {
		kept := p.resources
		_ = p.Load(context.Background(), w)
		for a, r := range kept {
			p.resources[a] = r
		}
	}},
	"the time stands still": {change: func(p *pure, w *policytest.World) {
		w = w.Clone()
		w.Now = p.world.Now
		_ = p.Load(context.Background(), w)
	}},
}

// TestEachMistakeIsFound has the policy answered wrongly in other ways.
func TestEachMistakeIsFound(t *testing.T) {
	for name, wrong := range rowsWrong {
		t.Run(name, func(t *testing.T) {
			found(t, 1, func(testing.TB) policytest.System { return &pure{rows: wrong} })
		})
	}
	for name, wrong := range mistakes {
		t.Run(name, func(t *testing.T) {
			found(t, 2, func(testing.TB) policytest.System { x := *wrong; return &x })
		})
	}
}
