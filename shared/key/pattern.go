package key

import "github.com/steward-crm/steward/shared/id"

// Patterns name sets of partitions as IAM's dynamodb:LeadingKeys does: * stands for any letters.

// EveryTenant is the pattern of one part of every tenant, such as A#* for all accounts; "" is all that tenants have.
func EveryTenant(part string) string {
	if part == "" {
		return t(anyTenant, "*")
	}
	return t(anyTenant, part)
}

// EveryControl is the pattern of a part of the system.
func EveryControl(part string) string { return ControlPartition(part) }

// EveryAuditEvent is the pattern of all partitions of audit events: nothing changes or deletes what lies there.
func EveryAuditEvent() string { return t(anyTenant, "AU#*") }

const anyTenant id.Tenant = "*"
