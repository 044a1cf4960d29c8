package policy

import (
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

// standing reports that no hard denial meets the subject as such: a user, active, of an active tenant, with rights.
func (s *Subject) standing() bool {
	return s != nil && s.Rights != nil && s.User != "" && s.Self.User == s.User && s.Self.Status == principal.UserActive &&
		s.Org.ID == s.Tenant && s.Org.Status == principal.TenantActive
}
