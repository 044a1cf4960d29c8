package org

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/plain"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// Department is a part of the company: the document of its item. Access reads the embedded row.
type Department struct {
	access.Department
	Tenant           id.Tenant `json:"tenantId"`
	Name             string    `json:"name"`
	Responsibilities string    `json:"responsibilities,omitzero"`
	CreatedAt        time.Time `json:"createdAt"`
	UpdatedAt        time.Time `json:"updatedAt"`
	Version          int64     `json:"-"`
}

// DepartmentPatch is a merge patch of a department; for a new one, a patch of nothing. Where it stands is changed by a move.
type DepartmentPatch struct {
	Name             patch.Field[string]
	Responsibilities patch.Field[string]
	Head             patch.Field[id.User]
}

// structure is a tenant's departments and posts with their names, read strongly, and what access makes of them.
type structure struct {
	*access.Organisation
	departments map[id.Department]Department
	posts       map[id.Post]Post
}

// structure reads the tenant's structure. It may be relied on together with raise.
func (s *Store) structure(ctx context.Context, row principal.Tenant) (*structure, error) {
	o, err := s.access.OrganisationOf(ctx, row)
	if err != nil {
		return nil, err
	}
	out := &structure{o, map[id.Department]Department{}, map[id.Post]Post{}}
	deps, err := s.rows(ctx, key.Organisation(row.ID), key.DepartmentPrefix)
	if err != nil {
		return nil, err
	}
	for _, it := range deps {
		d, err := departmentOf(it)
		if err != nil {
			return nil, err
		}
		out.departments[d.ID] = d
	}
	posts, err := s.rows(ctx, key.Organisation(row.ID), key.PostPrefix)
	if err != nil {
		return nil, err
	}
	for _, it := range posts {
		p, err := postOf(it)
		if err != nil {
			return nil, err
		}
		out.posts[p.ID] = p
	}
	return out, nil
}

func departmentOf(it table.Item) (Department, error) {
	d := Department{}
	if err := json.Unmarshal(it.Doc, &d); err != nil {
		return d, fault.New(fault.Internal, "internal").Because(err)
	}
	d.Version = it.Version
	return d, nil
}

// Department reads one department.
func (s *Store) Department(ctx context.Context, who *policy.Subject, d id.Department) (Department, error) {
	if err := policy.RequireAny(who, policy.ModOrg, policy.View); err != nil {
		return Department{}, err
	}
	return s.department(ctx, who.Tenant, d)
}

func (s *Store) department(ctx context.Context, t id.Tenant, d id.Department) (Department, error) {
	items, err := s.table.Get(ctx, key.Department(t, d))
	if err != nil {
		return Department{}, err
	}
	if len(items) == 0 {
		return Department{}, notFound()
	}
	return departmentOf(items[0])
}

// Departments lists departments in the order of their making; parent narrows to the children of one when set ("" for the roots). next
// is where the following page begins, "" at the end.
func (s *Store) Departments(
	ctx context.Context, who *policy.Subject, parent *id.Department, after string, limit int,
) (list []Department, next string, err error) {
	if err := policy.RequireAny(who, policy.ModOrg, policy.View); err != nil {
		return nil, "", err
	}
	next, err = s.page(ctx, key.Organisation(who.Tenant), key.DepartmentPrefix, after, limit, func(it table.Item) (bool, error) {
		d, err := departmentOf(it)
		if err != nil || (parent != nil && d.Parent != *parent) {
			return false, err
		}
		list = append(list, d)
		return true, nil
	})
	return list, next, err
}

// CountDepartments counts what Departments lists.
func (s *Store) CountDepartments(ctx context.Context, who *policy.Subject, parent *id.Department) (int, error) {
	all, _, err := s.Departments(ctx, who, parent, "", MaxDepartments)
	return len(all), err
}

// CreateDepartment makes a department below parent, or a root for "". Invalid with every field at fault: unknown_department,
// department_too_deep, unknown_head; Conflict department_name_taken, department_limit.
func (s *Store) CreateDepartment(
	ctx context.Context, who *policy.Subject, c *change.Set, parent id.Department, p DepartmentPatch,
) (Department, error) {
	if err := policy.RequireAny(who, policy.ModOrg, policy.Create); err != nil {
		return Department{}, err
	}
	st, err := s.structure(ctx, who.Org)
	if err != nil {
		return Department{}, err
	}
	at := moment(c.Now, time.Time{})
	d := Department{Tenant: who.Tenant, CreatedAt: at, UpdatedAt: at}
	d.ID, d.Parent = id.New[id.Department](c.IDs()), parent
	p.Name.Set = true
	bad := p.apply(&d, st)
	bad = append(bad, st.fits(d, parent)...)
	if err := fault.Fields(bad...); err != nil {
		return Department{}, err
	}
	if len(st.departments) >= MaxDepartments {
		return Department{}, fault.New(fault.Conflict, "department_limit", "max", strconv.Itoa(MaxDepartments))
	}
	if err := st.siblings(d); err != nil {
		return Department{}, err
	}
	fields := []string{"name", "parentId", "responsibilities", "headId"}
	return s.putDepartment(ctx, who, c, Department{}, d, fields)
}

// UpdateDepartment changes name, responsibilities and head. version is the one that the client named, 0 for none. A patch that changes
// nothing stages nothing.
func (s *Store) UpdateDepartment(
	ctx context.Context, who *policy.Subject, c *change.Set, d id.Department, version int64, p DepartmentPatch,
) (Department, error) {
	was, st, err := s.forChange(ctx, who, d, version, policy.Update)
	if err != nil {
		return Department{}, err
	}
	now := was
	if err := fault.Fields(p.apply(&now, st)...); err != nil {
		return Department{}, err
	}
	var fields []string
	for _, f := range []struct {
		name string
		same bool
	}{
		{"name", was.Name == now.Name}, {"responsibilities", was.Responsibilities == now.Responsibilities}, {"headId", was.Head == now.Head},
	} {
		if !f.same {
			fields = append(fields, f.name)
		}
	}
	if len(fields) == 0 {
		return was, nil
	}
	if err := st.siblings(now); err != nil {
		return Department{}, err
	}
	return s.putDepartment(ctx, who, c, was, now, fields)
}

// MoveDepartment puts a department with all below it under another parent, or among the roots for "". No account and no user is rewritten:
// they hold the department's id. Invalid unknown_department, department_cycle, department_too_deep; Conflict department_name_taken.
func (s *Store) MoveDepartment(
	ctx context.Context, who *policy.Subject, c *change.Set, d id.Department, version int64, parent id.Department,
) (Department, error) {
	was, st, err := s.forChange(ctx, who, d, version, policy.Update)
	if err != nil {
		return Department{}, err
	}
	if was.Parent == parent {
		return was, nil
	}
	now := was
	now.Parent = parent
	if err := fault.Fields(st.fits(now, parent)...); err != nil {
		return Department{}, err
	}
	if err := st.siblings(now); err != nil {
		return Department{}, err
	}
	return s.putDepartment(ctx, who, c, was, now, []string{"parentId"})
}

// Accounts counts the accounts that lie in a department. Package account has it.
type Accounts interface {
	CountInDepartment(ctx context.Context, t id.Tenant, d id.Department) (n int, exact bool, err error)
}

// DeleteDepartment deletes an empty department. Conflict department_not_empty while it has departments, posts, users or accounts. An account
// that was put there so shortly before that no index names it yet keeps the id of a department that is gone: it stays in the sight of its
// owner, of those whom the owner reports to, and of whoever may see all, and its next change of department sets that right.
func (s *Store) DeleteDepartment(
	ctx context.Context, who *policy.Subject, c *change.Set, d id.Department, version int64, a Accounts,
) error {
	was, st, err := s.forChange(ctx, who, d, version, policy.Delete)
	if err != nil {
		return err
	}
	children, posts, users := 0, 0, 0
	for _, x := range st.departments {
		children += one(x.Parent == d)
	}
	for _, x := range st.posts {
		posts += one(x.Department == d)
	}
	for _, x := range st.Places {
		users += one(x.Department == d)
	}
	accounts, exact, err := a.CountInDepartment(ctx, who.Tenant, d)
	if err != nil {
		return err
	}
	if children+posts+users+accounts > 0 {
		n := strconv.Itoa(accounts)
		if !exact {
			n += "+"
		}
		return fault.New(fault.Conflict, "department_not_empty",
			"departments", strconv.Itoa(children), "posts", strconv.Itoa(posts), "users", strconv.Itoa(users), "accounts", n)
	}
	c.Delete(key.Department(who.Tenant, d), table.VersionIs(was.Version), nil)
	if err := raise(c, who); err != nil {
		return err
	}
	return s.record(ctx, c, who.Tenant, string(d), nil, was, nil)
}

// forChange reads a department and the structure around it for a change that the subject asks for.
func (s *Store) forChange(
	ctx context.Context, who *policy.Subject, d id.Department, version int64, a policy.Action,
) (Department, *structure, error) {
	if err := policy.RequireAny(who, policy.ModOrg, a); err != nil {
		return Department{}, nil, err
	}
	st, err := s.structure(ctx, who.Org)
	if err != nil {
		return Department{}, nil, err
	}
	was, ok := st.departments[d]
	if !ok {
		return Department{}, nil, notFound()
	}
	return was, st, fault.Match(version, was.Version)
}

func (p *DepartmentPatch) apply(d *Department, st *structure) []fault.Field {
	bad := words(&d.Name, p.Name, "/name", plain.Rule{Min: 1, Max: MaxName})
	bad = append(bad, words(&d.Responsibilities, p.Responsibilities, "/responsibilities", plain.Rule{Max: MaxText, Lines: true})...)
	if p.Head.Set {
		if _, ok := st.Places[p.Head.Value]; !ok && p.Head.Value != "" {
			bad = append(bad, fault.At("/headId", "unknown_head"))
		}
		d.Head = p.Head.Value
	}
	return bad
}

// fits gives what is wrong with the department standing below the parent.
func (st *structure) fits(d Department, parent id.Department) []fault.Field {
	if parent == "" {
		return nil
	}
	if _, ok := st.departments[parent]; !ok {
		return []fault.Field{fault.At("/parentId", "unknown_department")}
	}
	if st.Under(parent, d.ID) {
		return []fault.Field{fault.At("/parentId", "department_cycle")}
	}
	if st.depth(parent)+st.height(d.ID) > MaxDepth {
		return []fault.Field{fault.At("/parentId", "department_too_deep", "max", strconv.Itoa(MaxDepth))}
	}
	return nil
}

// depth is how many departments there are from the root to d, both counted.
func (st *structure) depth(d id.Department) int {
	n := 0
	for ; d != "" && n <= len(st.departments); d = st.departments[d].Parent {
		n++
	}
	return n
}

// height is how many levels d and what lies below it take.
func (st *structure) height(d id.Department) int {
	most := st.depth(d)
	for x := range st.departments {
		if st.Under(x, d) {
			most = max(most, st.depth(x))
		}
	}
	return max(1, most-st.depth(d)+1)
}

// siblings refuses a name that another department under the same parent has.
func (st *structure) siblings(d Department) error {
	folded := plain.Fold(d.Name)
	for _, x := range st.departments {
		if x.ID != d.ID && x.Parent == d.Parent && plain.Fold(x.Name) == folded {
			return fault.New(fault.Conflict, "department_name_taken").With(fault.At("/name", "department_name_taken"))
		}
	}
	return nil
}

func (s *Store) putDepartment(
	ctx context.Context, who *policy.Subject, c *change.Set, was, now Department, fields []string,
) (Department, error) {
	now.UpdatedAt = moment(c.Now, was.UpdatedAt)
	if err := putDoc(c, key.Department(who.Tenant, now.ID), was.Version, now); err != nil {
		return Department{}, err
	}
	if err := raise(c, who); err != nil {
		return Department{}, err
	}
	now.Version = was.Version + 1
	var before any
	if was.Version != 0 {
		before = was
	}
	return now, s.record(ctx, c, who.Tenant, string(now.ID), slices.Clone(fields), before, now)
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
