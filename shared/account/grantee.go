package account

import (
	"cmp"
	"context"
	"strings"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// Target names whom a grant is for: exactly one of user, role and department. Below goes with a department and means all below it, too.
type Target struct {
	User       string `json:"userId,omitzero"`
	Role       string `json:"roleId,omitzero"`
	Department string `json:"departmentId,omitzero"`
	Below      bool   `json:"below,omitzero"`
}

// Named is whom a grant is for, in answers: one of user, role and department; Below means all below the department, too.
type Named struct {
	User       id.User       `json:"userId,omitzero"`
	Role       id.Role       `json:"roleId,omitzero"`
	Department id.Department `json:"departmentId,omitzero"`
	Below      bool          `json:"below,omitzero"`
}

// NamedBy spells the grantee out.
func NamedBy(g policy.Grantee) (n Named) {
	n.User, _ = g.User()
	n.Role, _ = g.Role()
	n.Department, n.Below, _ = g.Department()
	return n
}

// below ends the id of a grantee that is a department with all below it.
const below = ".below"

// GranteeID is the grantee as answers and paths name it: the id of the user, role or department, or dept_….below.
func GranteeID(to policy.Grantee) string {
	n := NamedBy(to)
	if n.Below {
		return string(n.Department) + below
	}
	return cmp.Or(string(n.User), string(n.Role), string(n.Department))
}

// granteeOf reads GranteeID. False for what is none.
func granteeOf(s string) (policy.Grantee, bool) {
	if u, err := id.Parse[id.User](s); err == nil {
		return policy.ToUser(u), true
	}
	if r, err := id.Parse[id.Role](s); err == nil {
		return policy.ToRole(r), true
	}
	s, under := strings.CutSuffix(s, below)
	d, err := id.Parse[id.Department](s)
	return policy.ToDepartment(d, under), err == nil
}

// user takes the one user whom a grant is for.
func (r *rules) user(s string) policy.Grantee {
	s = strings.TrimSpace(s)
	u, err := id.Parse[id.User](s)
	switch {
	case s == "":
		r.add(fault.At("/userId", "required"))
	case err != nil:
		r.add(fault.At("/userId", "unknown_user"))
	}
	return policy.ToUser(u)
}

// target takes whom a grant is for.
func (r *rules) target(t Target) policy.Grantee {
	named := 0
	for _, s := range []string{t.User, t.Role, t.Department} {
		if s != "" {
			named++
		}
	}
	if named != 1 {
		r.add(fault.At("", "one_grantee"))
		return ""
	}
	if t.Below && t.Department == "" {
		r.add(fault.At("/below", "one_grantee"))
	}
	switch {
	case t.User != "":
		return r.user(t.User)
	case t.Role != "":
		role, err := id.Parse[id.Role](t.Role)
		if err != nil {
			r.add(fault.At("/roleId", "unknown_role"))
		}
		return policy.ToRole(role)
	}
	d, err := id.Parse[id.Department](t.Department)
	if err != nil {
		r.add(fault.At("/departmentId", "unknown_department"))
	}
	return policy.ToDepartment(d, t.Below)
}

// mayReceive answers nil when the grantee may be granted something by who asks: an active user of the tenant, and somebody else. What
// departments and roles there are is judged at the commit alone.
func (s *Accounts) mayReceive(ctx context.Context, who *policy.Subject, d *grantDoc) error {
	u, ok := d.To.User()
	switch {
	case !ok:
		return nil
	case u == who.User && d.Kind == policy.KindOverride:
		return fault.New(fault.Denied, "self_change_forbidden").With(fault.At("/userId", "self_change_forbidden"))
	case u == who.User:
		return fault.Fields(fault.At("/userId", "share_with_self"))
	}
	_, err := s.owners.Owner(ctx, who.Tenant, u)
	switch {
	case fault.IsKind(err, fault.Invalid), fault.IsKind(err, fault.NotFound):
		return fault.Fields(fault.At("/userId", "unknown_user"))
	case fault.IsKind(err, fault.Conflict):
		return userNotActive()
	}
	return err
}

// mustReceive guards that the grantee is there, and if a user active, at the instant of the commit.
func mustReceive(c *change.Set, to policy.Grantee) {
	if u, ok := to.User(); ok {
		mustBeActive(c, u, userNotActive())
	}
	if r, ok := to.Role(); ok {
		c.Check(key.Role(c.Who.Tenant, r), table.Present, fault.Fields(fault.At("/roleId", "unknown_role")))
	}
	if d, _, ok := to.Department(); ok {
		mustExist(c, d)
	}
}

func userNotActive() error {
	return fault.New(fault.Conflict, "user_not_active").With(fault.At("/userId", "user_not_active"))
}
