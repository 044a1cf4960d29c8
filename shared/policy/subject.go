package policy

import (
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/principal"
)

// Subject is who asks, ready for deciding: the principal, the two rows that were read for this request, and the rights compiled from the
// tenant's roles and organisation. It is read only.
type Subject struct {
	principal.Principal
	Org         principal.Tenant   // the tenant's row as this request read it
	OrgVersion  int64              // the row's version in the table: commit on it to serialise changes of roles and organisation
	Self        principal.Standing // the user's own standing
	SelfVersion int64
	*Rights
}

// Rights are what one user may do, compiled once for each version of the tenant's roles and organisation and shared by requests.
type Rights struct{}

// Decision is the answer to one question.
type Decision struct {
	Allowed bool
	Rule    int   // the rule of design §6 that spoke: 1 to 3
	Scope   Scope // the scope that reached the resource, when allowed
}

// Decide says whether the subject may do the action of the module on the resource.
func Decide(s *Subject, m Module, a Action, r Resource) Decision { panic("unwritten") }

// May gives the widest scope in which the subject may do the action; None when no role grants it or the module is off.
func May(s *Subject, m Module, a Action) Scope { panic("unwritten") }

// Require answers nil when Decide allows. Else it answers NotFound not_found when the subject may not even view the resource, so that
// a foreign record looks like an unknown one, and Denied permission_denied when they may.
func Require(s *Subject, m Module, a Action, r Resource) error { panic("unwritten") }

// RequireAny answers nil when May is not None, else Denied permission_denied (NotFound when the module is switched off).
func RequireAny(s *Subject, m Module, a Action) error { panic("unwritten") }

// CanGrant answers nil when the subject holds every grant in a scope at least as wide, and every field access; else Denied
// grant_exceeds_own.
func CanGrant(s *Subject, grants []Grant, fields []FieldRule) error { panic("unwritten") }

// Field gives the access to a field of the module when doing the action: the widest among the roles that grant the action; for fields
// without a rule Edit, for sensitive ones Hidden.
func (s *Subject) Field(m Module, a Action, field string) Access { panic("unwritten") }

// ReportIDs are all users who report to the subject, transitively, without the subject. Do not change the slice.
func (r *Rights) ReportIDs() []id.User { panic("unwritten") }

// DepartmentIDs are the departments that the scope reaches: the subject's own for Department, with all below it for Subtree.
func (r *Rights) DepartmentIDs(s Scope) []id.Department { panic("unwritten") }

var _ = fault.New
