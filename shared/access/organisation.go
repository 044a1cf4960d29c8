package access

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// Department and Post are the rows of the organisation as far as guards and scopes need them; the org noun's documents hold these members
// and more.
type Department struct {
	ID     id.Department `json:"id"`
	Parent id.Department `json:"parentId,omitempty"`
	Head   id.User       `json:"headId,omitempty"`
}

// Post is a post in a department, with the roles that everyone who holds it has.
type Post struct {
	ID         id.Post       `json:"id"`
	Department id.Department `json:"departmentId"`
	Roles      []id.Role     `json:"roleIds"`
}

// Category is a category of accounts as far as decisions need it; the category noun's documents hold these members and more.
type Category struct {
	ID     id.Category     `json:"id"`
	Grants []CategoryGrant `json:"grants,omitempty"`
}

// CategoryGrant opens the accounts of a category.
type CategoryGrant struct {
	To        policy.Grantee `json:"to"`
	On        policy.Acts    `json:"on"`
	Superiors bool           `json:"superiors,omitzero"`
}

// Granted is the mark of a grantee that some record may have a grant to.
type Granted struct {
	To policy.Grantee `json:"to"`
	policy.Mark
}

// Organisation is a tenant's whole organisation, read strongly, with its roles and what is granted by categories and on records.
type Organisation struct {
	Departments map[id.Department]Department `json:"departments,omitempty"`
	Posts       map[id.Post]Post             `json:"posts,omitempty"`
	Places      map[id.User]principal.Place  `json:"places,omitempty"`
	Roles       map[id.Role]policy.Role      `json:"roles,omitempty"`
	Categories  map[id.Category]Category     `json:"categories,omitempty"`
	Granted     map[policy.Grantee]Granted   `json:"granted,omitempty"`
}

// OrganisationOf gives the tenant's organisation and roles as they were when the row was read, or later. To guard a change with it, stage Raise
// on that row's version in the same Set: had anything moved since, it would not commit. Others use the same organisation: do not change it.
// Of a tenant that is not active it is read anew, for onboarding writes roles before it raises a version.
func (a *Access) OrganisationOf(ctx context.Context, row principal.Tenant) (*Organisation, error) {
	if row.Status != principal.TenantActive {
		return a.Organisation(ctx, row.ID)
	}
	s, err := a.snapshot(ctx, row)
	if err != nil {
		return nil, err
	}
	return s.Organisation, nil
}

// Organisation reads the tenant's organisation and roles now, past every cache.
func (a *Access) Organisation(ctx context.Context, t id.Tenant) (*Organisation, error) {
	o := newOrganisation()
	if err := a.each(ctx, table.Query{PK: key.Organisation(t)}, o.put); err != nil {
		return nil, err
	}
	for _, prefix := range []string{key.RolePrefix, key.CategoryPrefix, key.GrantedPrefix} { // past versions of roles lie there too
		if err := a.each(ctx, table.Query{PK: key.Authz(t), Prefix: prefix}, o.put); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func (a *Access) each(ctx context.Context, q table.Query, add func(table.Item) error) error {
	for q.Limit = 1000; ; {
		page, err := a.table.Query(ctx, q)
		if err != nil {
			return err
		}
		for _, it := range page.Items {
			if err := add(it); err != nil {
				return fault.New(fault.Internal, "internal").Because(err)
			}
		}
		if page.Cursor == "" {
			return nil
		}
		q.Cursor = page.Cursor
	}
}

func newOrganisation() *Organisation {
	return &Organisation{
		Departments: map[id.Department]Department{},
		Posts:       map[id.Post]Post{},
		Places:      map[id.User]principal.Place{},
		Roles:       map[id.Role]policy.Role{},
		Categories:  map[id.Category]Category{},
		Granted:     map[policy.Grantee]Granted{},
	}
}

// decides reports whether the item is part of the tenant's Organisation.
func decides(t id.Tenant, k table.Key) bool {
	return k.PK == key.Organisation(t) || k.PK == key.Authz(t) && !strings.HasPrefix(k.SK, key.RoleVersionPrefix)
}

// put adds or replaces what the item holds. Items that are no part of it are passed over.
func (o *Organisation) put(it table.Item) error {
	switch {
	case strings.HasPrefix(it.SK, key.DepartmentPrefix):
		return into(it, o.Departments, func(d Department) id.Department { return d.ID })
	case strings.HasPrefix(it.SK, key.PostPrefix):
		return into(it, o.Posts, func(p Post) id.Post { return p.ID })
	case strings.HasPrefix(it.SK, key.PlacePrefix):
		return into(it, o.Places, func(p principal.Place) id.User { return p.User })
	case strings.HasPrefix(it.SK, key.RolePrefix):
		return into(it, o.Roles, func(r policy.Role) id.Role { return r.ID })
	case strings.HasPrefix(it.SK, key.CategoryPrefix):
		return into(it, o.Categories, func(c Category) id.Category { return c.ID })
	case strings.HasPrefix(it.SK, key.GrantedPrefix):
		return into(it, o.Granted, func(g Granted) policy.Grantee { return g.To })
	}
	return nil
}

// remove takes away what the item of the key held.
func (o *Organisation) remove(k table.Key) {
	kind, name, _ := strings.Cut(k.SK, "#")
	switch kind + "#" {
	case key.DepartmentPrefix:
		delete(o.Departments, id.Department(name))
	case key.PostPrefix:
		delete(o.Posts, id.Post(name))
	case key.PlacePrefix:
		delete(o.Places, id.User(name))
	case key.RolePrefix:
		delete(o.Roles, id.Role(name))
	case key.CategoryPrefix:
		delete(o.Categories, id.Category(name))
	case key.GrantedPrefix:
		delete(o.Granted, policy.Grantee(name))
	}
}

// merge adds or replaces all that the other holds.
func (o *Organisation) merge(other *Organisation) {
	maps.Copy(o.Departments, other.Departments)
	maps.Copy(o.Posts, other.Posts)
	maps.Copy(o.Places, other.Places)
	maps.Copy(o.Roles, other.Roles)
	maps.Copy(o.Categories, other.Categories)
	maps.Copy(o.Granted, other.Granted)
}

func into[K comparable, V any](it table.Item, all map[K]V, name func(V) K) error {
	var v V
	if err := json.Unmarshal(it.Doc, &v); err != nil {
		return err
	}
	all[name(v)] = v
	return nil
}

// RolesOf are the roles that the user holds, directly and by posts, in id order.
func (o *Organisation) RolesOf(u id.User) []id.Role { return o.rolesAt(o.Places[u]) }

func (o *Organisation) rolesAt(p principal.Place) []id.Role {
	out := slices.Clone(p.Roles)
	for _, post := range p.Posts {
		out = append(out, o.Posts[post].Roles...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Admins are the active users who hold the administrator role, in id order.
func (o *Organisation) Admins() []id.User {
	var out []id.User
	for u, p := range o.Places {
		if p.Active && slices.ContainsFunc(o.rolesAt(p), o.administrates) {
			out = append(out, u)
		}
	}
	slices.Sort(out)
	return out
}

func (o *Organisation) administrates(r id.Role) bool {
	role := o.Roles[r]
	return role.Administers()
}

// Under reports whether a is b or lies below b in the department tree.
func (o *Organisation) Under(a, b id.Department) bool {
	return climbs(a, b, func(d id.Department) id.Department { return o.Departments[d].Parent })
}

// ReportsTo reports whether a is b or reports to b, transitively.
func (o *Organisation) ReportsTo(a, b id.User) bool {
	return climbs(a, b, func(u id.User) id.User { return o.Places[u].Manager })
}

// climbs reports whether b is met on the way up from a, a included. It ends on a cycle too, though none should be stored.
func climbs[K ~string](a, b K, up func(K) K) bool {
	seen := map[K]bool{}
	for ; a != "" && !seen[a]; a = up(a) {
		if a == b {
			return true
		}
		seen[a] = true
	}
	return false
}
