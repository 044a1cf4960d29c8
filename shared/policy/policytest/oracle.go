package policytest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

// Oracle answers about a world by the words of the rules, one after the other, for one user and one account at a time. Nothing is compiled,
// indexed or remembered: read it beside the rules.
type Oracle struct{ *World }

// Question is the one question that all others come down to.
type Question struct {
	User    id.User
	Module  policy.Module
	Action  policy.Action
	Account id.Account
}

// Verdict is its answer, with the number of the rule that spoke: 1 hard denial, 2 may do, 3 on which, 4 a default or grant, 5 a denial.
type Verdict struct {
	Allowed bool
	Rule    int
}

// Check answers the question.
func (o Oracle) Check(q Question) Verdict {
	// Rule 1. Hard denials: a tenant or a user that is not active, an operation that no permission is declared for, a module that is off;
	// what is not in this tenant is not there.
	u, a := o.User(q.User), o.Account(q.Account)
	if u == nil || a == nil || !o.standing(u) || !declared(q.Module, q.Action) || slices.Contains(o.ModulesOff, q.Module) {
		return Verdict{false, 1}
	}
	// Rule 2. May do: the union over the user's roles. Nothing below adds an action that they lack.
	var scopes []string
	for _, r := range o.roles(u) {
		for _, g := range r.Grants {
			if g.Module == q.Module && g.Action == q.Action {
				scopes = append(scopes, g.Scope)
			}
		}
	}
	if scopes == nil {
		return Verdict{false, 2}
	}
	// Rule 5. Off beats all that follows, for those whom it names and not for those above them.
	for _, g := range a.Grants {
		if o.live(g) && o.names(g.To, u) && closes(g.Off, q.Module, q.Action) {
			return Verdict{false, 5}
		}
	}
	// Rule 3. On which: any scope in which a role grants this very action.
	for _, s := range scopes {
		if o.reaches(s, u, a) {
			return Verdict{true, 3}
		}
	}
	// Rule 4. The module's default; the account's categories; grants on the account.
	if o.floor(q.Module, q.Action) {
		return Verdict{true, 4}
	}
	for _, c := range o.Categories {
		for _, g := range c.Grants {
			if slices.Contains(a.Categories, c.ID) && opens(g.On, q.Module, q.Action) && o.meets(g.To, g.Superiors, u) {
				return Verdict{true, 4}
			}
		}
	}
	for _, g := range a.Grants {
		if o.live(g) && opens(g.On, q.Module, q.Action) && o.meets(g.To, g.Superiors, u) {
			return Verdict{true, 4}
		}
	}
	return Verdict{false, 3}
}

// standing: only an active user of an active tenant may do anything.
func (o Oracle) standing(u *User) bool { return o.TenantStatus == "active" && u.Status == "active" }

// declared: the pairs of module and action that there are, in the modules that are asked about.
func declared(m policy.Module, a policy.Action) bool {
	return strings.Contains(map[policy.Module]string{
		policy.ModAccount:  " view create edit delete transfer share export import reveal ",
		policy.ModContact:  " view create edit delete export import reveal ",
		policy.ModNote:     " view create edit delete comment ",
		policy.ModReminder: " view create edit delete ",
	}[m], " "+string(a)+" ")
}

// roles: those held directly and those of the posts held.
func (o Oracle) roles(u *User) []*Role {
	held := slices.Clone(u.Roles)
	for _, p := range u.Posts {
		if post := o.post(p); post != nil {
			held = append(held, post.Roles...)
		}
	}
	var out []*Role
	for _, r := range held {
		if role := o.role(r); role != nil {
			out = append(out, role)
		}
	}
	return out
}

// reaches: own ⊂ reports ⊂ department ⊂ subtree ⊂ all (decision 0007).
func (o Oracle) reaches(scope string, u *User, a *Account) bool {
	switch scope {
	case "own":
		return a.Owner == u.ID
	case "reports":
		return o.reaches("own", u, a) || o.reportsTo(a.Owner, u.ID)
	case "department":
		return o.reaches("reports", u, a) || o.sits(u, a.Department)
	case "subtree":
		return o.reaches("department", u, a) || o.sitsAbove(u, a.Department)
	}
	return scope == "all"
}

// reportsTo: through any number of managers, active or not.
func (o Oracle) reportsTo(u, boss id.User) bool {
	for x := o.User(u); x != nil && x.Manager != ""; x = o.User(x.Manager) {
		if x.Manager == boss {
			return true
		}
	}
	return false
}

// sits: in one's department, and in those that one heads.
func (o Oracle) sits(u *User, d id.Department) bool {
	x := o.department(d)
	return x != nil && (u.Department == d || x.Head == u.ID)
}

// sitsAbove: in any department above d.
func (o Oracle) sitsAbove(u *User, d id.Department) bool {
	for x := o.department(d); x != nil && x.Parent != ""; x = o.department(x.Parent) {
		if o.sits(u, x.Parent) {
			return true
		}
	}
	return false
}

// sitsBelow: in d or in any department below it.
func (o Oracle) sitsBelow(u *User, d id.Department) bool {
	for _, x := range o.Departments {
		if !o.sits(u, x.ID) {
			continue
		}
		for up := &x; up != nil; up = o.department(up.Parent) {
			if up.ID == d {
				return true
			}
		}
	}
	return false
}

// names: whether the user is one of those whom the grantee names.
func (o Oracle) names(to Grantee, u *User) bool {
	switch to.Kind {
	case "user":
		return to.ID == string(u.ID)
	case "department":
		return o.sits(u, id.Department(to.ID))
	case "subtree":
		return o.sitsBelow(u, id.Department(to.ID))
	case "role":
		return slices.ContainsFunc(o.roles(u), func(r *Role) bool { return to.ID == string(r.ID) })
	}
	return false
}

// meets: whether what is on reaches the user: by name or, if it says superiors, as somebody above an active user whom it names. What is
// granted to somebody who is not active sleeps, for those above them too.
func (o Oracle) meets(to Grantee, superiors bool, u *User) bool {
	if o.names(to, u) {
		return true
	}
	if !superiors {
		return false
	}
	for i := range o.Users {
		if x := &o.Users[i]; x.Status == "active" && o.reportsTo(x.ID, u.ID) && o.names(to, x) {
			return true
		}
	}
	return false
}

// live: from the second of its expiry on a grant counts no more.
func (o Oracle) live(g RecordGrant) bool { return g.Expires.IsZero() || o.Now.Before(g.Expires) }

// opens: view opens view; of the account's contacts, notes and reminders view and comment too. Edit opens edit; of those parts making,
// changing and removing. Delete opens delete of the account. Nothing opens the rest.
func opens(on []Act, m policy.Module, a policy.Action) bool {
	if m == policy.ModAccount {
		return a == policy.View && slices.Contains(on, View) || a == policy.Update && slices.Contains(on, Edit) ||
			a == policy.Delete && slices.Contains(on, Delete)
	}
	switch a {
	case policy.View, policy.Comment:
		return slices.Contains(on, View)
	case policy.Create, policy.Update, policy.Delete:
		return slices.Contains(on, Edit)
	}
	return false
}

// closes: view off closes all there is to do with a record that exists; edit and delete off close what those on would open, and delete off
// the removing of its parts.
func closes(off []Act, m policy.Module, a policy.Action) bool {
	return slices.Contains(off, View) || slices.Contains(off, Edit) && opens([]Act{Edit}, m, a) ||
		slices.Contains(off, Delete) && a == policy.Delete
}

// floor: what the tenant's default of the module lets everyone do who may do it anywhere.
func (o Oracle) floor(m policy.Module, a policy.Action) bool {
	switch o.Defaults[m] {
	case policy.PublicRead:
		return a == policy.View || a == policy.Comment
	case policy.PublicEdit:
		return a == policy.View || a == policy.Comment || a == policy.Update
	}
	return false
}

// Field gives the access to a field when doing the action (rule 6): the most permissive among the roles that grant the action, in whatever
// scope; hidden when none does.
func (o Oracle) Field(user id.User, m policy.Module, a policy.Action, field string) policy.Access {
	best, u := policy.Hidden, o.User(user)
	if u == nil || !o.standing(u) || !declared(m, a) || slices.Contains(o.ModulesOff, m) {
		return best
	}
	for _, r := range o.roles(u) {
		grants := slices.ContainsFunc(r.Grants, func(g Grant) bool { return g.Module == m && g.Action == a })
		if access := r.access(m, field); grants && wider(access, best) {
			best = access
		}
	}
	return best
}

// access: the role's rule on the field, else on its nearest parent; of two on one field the narrower. Without any, edit, and hidden when
// the field is sensitive.
func (r *Role) access(m policy.Module, field string) policy.Access {
	for name := field; name != ""; name = parent(name) {
		var found policy.Access
		for _, f := range r.Fields {
			if f.Module == m && f.Field == name && (found == "" || wider(found, f.Access)) {
				found = f.Access
			}
		}
		if found != "" {
			return found
		}
	}
	if field == "idNumber" {
		return policy.Hidden
	}
	return policy.Edit
}

func parent(field string) string { return field[:max(0, strings.LastIndexByte(field, '.'))] }

// wider: hidden < masked < read < edit.
func wider(a, b policy.Access) bool {
	order := []policy.Access{policy.Hidden, policy.Masked, policy.Read, policy.Edit}
	return slices.Index(order, a) > slices.Index(order, b)
}

// List gives what the user may view, newest update first, and of one update time the higher id.
func (o Oracle) List(u id.User) []id.Account { return o.Search(u, Filter{}) }

// Filter is a conjunction; "" is any.
type Filter struct {
	Owner      id.User
	Department id.Department
	Category   id.Category
	Status     string
	Type       string
	ValueTier  string
	Stage      string
	NamePrefix string // without regard to case
	Email      string
}

// Refused reports whether the filter asks by a field that the user is not shown whole, which would tell what it holds. The status is shown
// to all.
func (o Oracle) Refused(u id.User, f Filter) bool {
	for field, value := range map[string]string{
		"ownerId": string(f.Owner), "departmentId": string(f.Department), "categoryIds": string(f.Category), "type": f.Type,
		"valueTier": f.ValueTier, "stage": f.Stage, "name": f.NamePrefix, "email": f.Email,
	} {
		if value != "" && !wider(o.Field(u, policy.ModAccount, policy.View, field), policy.Masked) {
			return true
		}
	}
	return false
}

// Search gives those of the list that the filter admits.
func (o Oracle) Search(u id.User, f Filter) []id.Account {
	var found []*Account
	for i := range o.Accounts {
		a := &o.Accounts[i]
		if f.admits(a) && o.Check(Question{u, policy.ModAccount, policy.View, a.ID}).Allowed {
			found = append(found, a)
		}
	}
	slices.SortFunc(found, func(x, y *Account) int { return cmp.Or(y.Updated.Compare(x.Updated), cmp.Compare(y.ID, x.ID)) })
	out := []id.Account{}
	for _, a := range found {
		out = append(out, a.ID)
	}
	return out
}

func (f Filter) admits(a *Account) bool {
	return (f.Owner == "" || f.Owner == a.Owner) && (f.Department == "" || f.Department == a.Department) &&
		(f.Category == "" || slices.Contains(a.Categories, f.Category)) && (f.Status == "" || f.Status == a.Status) &&
		(f.Type == "" || f.Type == a.Type) && (f.ValueTier == "" || f.ValueTier == a.ValueTier) && (f.Stage == "" || f.Stage == a.Stage) &&
		strings.HasPrefix(strings.ToLower(a.Name), strings.ToLower(f.NamePrefix)) && (f.Email == "" || f.Email == a.Email)
}

// WhoCanSee gives the users who may view the account, in the order of their ids.
func (o Oracle) WhoCanSee(a id.Account) []id.User {
	out := []id.User{}
	for _, u := range o.Users {
		if o.Check(Question{u.ID, policy.ModAccount, policy.View, a}).Allowed {
			out = append(out, u.ID)
		}
	}
	slices.Sort(out)
	return out
}
