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
	"github.com/steward-crm/steward/shared/table"
)

// Post is a post in a department: the document of its item. Whoever holds it has its roles besides their own. Access reads the embedded
// row.
type Post struct {
	access.Post
	Tenant    id.Tenant `json:"tenantId"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
	Version   int64     `json:"-"`
}

// PostPatch is a merge patch of a post; for a new one, a patch of nothing. Its department is changed by a move.
type PostPatch struct {
	Name  patch.Field[string]
	Roles patch.Field[[]id.Role]
}

func postOf(it table.Item) (Post, error) {
	p := Post{}
	if err := json.Unmarshal(it.Doc, &p); err != nil {
		return p, fault.New(fault.Internal, "internal").Because(err)
	}
	p.Version = it.Version
	return p, nil
}

// Post reads one post.
func (s *Store) Post(ctx context.Context, who *policy.Subject, p id.Post) (Post, error) {
	if err := policy.RequireAny(who, policy.ModOrg, policy.View); err != nil {
		return Post{}, err
	}
	items, err := s.table.Get(ctx, key.Post(who.Tenant, p))
	if err != nil {
		return Post{}, err
	}
	if len(items) == 0 {
		return Post{}, notFound()
	}
	return postOf(items[0])
}

// Posts lists posts in the order of their making; department narrows to those of one. next is where the following page begins, "" at
// the end.
func (s *Store) Posts(
	ctx context.Context, who *policy.Subject, department id.Department, after string, limit int,
) (list []Post, next string, err error) {
	if err := policy.RequireAny(who, policy.ModOrg, policy.View); err != nil {
		return nil, "", err
	}
	next, err = s.page(ctx, key.Organisation(who.Tenant), key.PostPrefix, after, limit, func(it table.Item) (bool, error) {
		p, err := postOf(it)
		if err != nil || (department != "" && p.Department != department) {
			return false, err
		}
		list = append(list, p)
		return true, nil
	})
	return list, next, err
}

// CountPosts counts what Posts lists.
func (s *Store) CountPosts(ctx context.Context, who *policy.Subject, department id.Department) (int, error) {
	all, _, err := s.Posts(ctx, who, department, "", MaxPosts)
	return len(all), err
}

// CreatePost makes a post in a department. Invalid with every field at fault: unknown_department, unknown_role; Denied grant_exceeds_own
// for a role that the subject does not hold as widely; Conflict post_name_taken within the department, post_limit.
func (s *Store) CreatePost(ctx context.Context, who *policy.Subject, c *change.Set, department id.Department, p PostPatch) (Post, error) {
	if err := policy.RequireAny(who, policy.ModOrg, policy.Create); err != nil {
		return Post{}, err
	}
	st, err := s.structure(ctx, who.Org)
	if err != nil {
		return Post{}, err
	}
	at := moment(c.Now, time.Time{})
	now := Post{Tenant: who.Tenant, CreatedAt: at, UpdatedAt: at}
	now.ID, now.Department = id.New[id.Post](c.IDs()), department
	p.Name.Set = true
	bad := p.apply(&now, st)
	bad = append(bad, st.holds(department)...)
	if err := fault.Fields(bad...); err != nil {
		return Post{}, err
	}
	if err := st.hands(who, nil, now.Roles); err != nil {
		return Post{}, err
	}
	if len(st.posts) >= MaxPosts {
		return Post{}, fault.New(fault.Conflict, "post_limit", "max", strconv.Itoa(MaxPosts))
	}
	if err := st.namesakes(now); err != nil {
		return Post{}, err
	}
	return s.putPost(ctx, who, c, Post{}, now, []string{"departmentId", "name", "roleIds"})
}

// UpdatePost changes name and roles. The roles are in force on the holders' next request. Otherwise as CreatePost, and Conflict last_admin
// when the post made the last active administrator one, separation_of_duty when its roles would make a holder break a rule. A patch that
// changes nothing stages nothing.
func (s *Store) UpdatePost(
	ctx context.Context, who *policy.Subject, c *change.Set, p id.Post, version int64, patch PostPatch,
) (Post, error) {
	was, st, err := s.postForChange(ctx, who, p, version, policy.Update)
	if err != nil {
		return Post{}, err
	}
	now := was
	if err := fault.Fields(patch.apply(&now, st)...); err != nil {
		return Post{}, err
	}
	var fields []string
	if was.Name != now.Name {
		fields = append(fields, "name")
	}
	if !slices.Equal(was.Roles, now.Roles) {
		fields = append(fields, "roleIds")
	}
	if len(fields) == 0 {
		return was, nil
	}
	if err := st.hands(who, was.Roles, now.Roles); err != nil {
		return Post{}, err
	}
	if err := st.separated(who, now); err != nil {
		return Post{}, err
	}
	if err := st.remains(now); err != nil {
		return Post{}, err
	}
	if err := st.namesakes(now); err != nil {
		return Post{}, err
	}
	return s.putPost(ctx, who, c, was, now, fields)
}

// MovePost puts a post into another department. Its holders stay in theirs. Invalid unknown_department; Conflict post_name_taken.
func (s *Store) MovePost(
	ctx context.Context, who *policy.Subject, c *change.Set, p id.Post, version int64, department id.Department,
) (Post, error) {
	was, st, err := s.postForChange(ctx, who, p, version, policy.Update)
	if err != nil {
		return Post{}, err
	}
	if was.Department == department {
		return was, nil
	}
	now := was
	now.Department = department
	if err := fault.Fields(st.holds(department)...); err != nil {
		return Post{}, err
	}
	if err := st.namesakes(now); err != nil {
		return Post{}, err
	}
	return s.putPost(ctx, who, c, was, now, []string{"departmentId"})
}

// DeletePost deletes a post that nobody holds; else Conflict post_in_use.
func (s *Store) DeletePost(ctx context.Context, who *policy.Subject, c *change.Set, p id.Post, version int64) error {
	was, st, err := s.postForChange(ctx, who, p, version, policy.Delete)
	if err != nil {
		return err
	}
	holders := 0
	for _, place := range st.Places {
		holders += one(slices.Contains(place.Posts, p))
	}
	if holders > 0 {
		return fault.New(fault.Conflict, "post_in_use", "users", strconv.Itoa(holders))
	}
	c.Delete(key.Post(who.Tenant, p), table.VersionIs(was.Version), nil)
	if err := raise(c, who); err != nil {
		return err
	}
	return s.record(ctx, c, who.Tenant, string(p), nil, was, nil)
}

func (s *Store) postForChange(
	ctx context.Context, who *policy.Subject, p id.Post, version int64, a policy.Action,
) (Post, *structure, error) {
	if err := policy.RequireAny(who, policy.ModOrg, a); err != nil {
		return Post{}, nil, err
	}
	st, err := s.structure(ctx, who.Org)
	if err != nil {
		return Post{}, nil, err
	}
	was, ok := st.posts[p]
	if !ok {
		return Post{}, nil, notFound()
	}
	return was, st, fault.Match(version, was.Version)
}

func (p *PostPatch) apply(to *Post, st *structure) []fault.Field {
	bad := words(&to.Name, p.Name, "/name", plain.Rule{Min: 1, Max: MaxName})
	if !p.Roles.Set {
		return bad
	}
	to.Roles = set(p.Roles.Value)
	for i, r := range p.Roles.Value {
		if _, ok := st.Roles[r]; !ok {
			bad = append(bad, fault.At("/roleIds/"+strconv.Itoa(i), "unknown_role"))
		}
	}
	return append(bad, tooMany("/roleIds", len(to.Roles), MaxRoles)...)
}

// holds gives the fault of a department that the tenant does not have.
func (st *structure) holds(d id.Department) []fault.Field {
	if d == "" {
		return []fault.Field{fault.At("/departmentId", "required")}
	}
	if _, ok := st.departments[d]; !ok {
		return []fault.Field{fault.At("/departmentId", "unknown_department")}
	}
	return nil
}

// hands judges the roles that are added to a post: whoever puts them there holds them.
func (st *structure) hands(who *policy.Subject, was, now []id.Role) error {
	var added []policy.Role
	for _, r := range now {
		if !slices.Contains(was, r) {
			added = append(added, st.Roles[r])
		}
	}
	return policy.CanAssign(who, added)
}

// separated answers Conflict separation_of_duty when the post as it is to be would make holders break a rule that they did not break before.
func (st *structure) separated(who *policy.Subject, now Post) error {
	after := st.Clone()
	after.Posts[now.ID] = now.Post
	return access.Separated(st.Organisation, after, who.Org.Settings.Separation)
}

// remains answers Conflict last_admin when the tenant has an active administrator now and would have none with the post as it is to be.
func (st *structure) remains(now Post) error {
	if len(st.Admins()) == 0 {
		return nil
	}
	was := st.Posts[now.ID]
	st.Posts[now.ID] = now.Post
	left := len(st.Admins())
	st.Posts[now.ID] = was
	if left == 0 {
		return fault.New(fault.Conflict, "last_admin")
	}
	return nil
}

// namesakes refuses a name that another post of the department has.
func (st *structure) namesakes(p Post) error {
	folded := plain.Fold(p.Name)
	for _, x := range st.posts {
		if x.ID != p.ID && x.Department == p.Department && plain.Fold(x.Name) == folded {
			return fault.New(fault.Conflict, "post_name_taken").With(fault.At("/name", "post_name_taken"))
		}
	}
	return nil
}

func (s *Store) putPost(ctx context.Context, who *policy.Subject, c *change.Set, was, now Post, fields []string) (Post, error) {
	now.UpdatedAt = moment(c.Now, was.UpdatedAt)
	if err := putDoc(c, key.Post(who.Tenant, now.ID), was.Version, now); err != nil {
		return Post{}, err
	}
	if err := raise(c, who); err != nil {
		return Post{}, err
	}
	now.Version = was.Version + 1
	var before any
	if was.Version != 0 {
		before = was
	}
	return now, s.record(ctx, c, who.Tenant, string(now.ID), fields, before, now)
}
