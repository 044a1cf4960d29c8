package account

import (
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// Stray accounts. An account is settled when it lies in the department in which its owner sat when owner or department was last set; any other is stray, one without
// a department too. Whoever reaches the owner finds a settled account among those of the department where the owner sits now, unless the owner has
// left a department since, which principal.Place tells of them for good; and a stray one in shards of its own.

// settle judges the account by where its owner sits as the organisation was when the request began. The owner may have moved since: then they left
// the department in which the account is settled, and are known to have moved.
func (a *Account) settle(who *policy.Subject) {
	a.settled = a.Department != "" && who.SeatOf(a.Owner) == a.Department
}

// filed is the account's place among all of the tenant.
func (a *Account) filed(org *principal.Tenant) table.IndexKey {
	at := a.listed(org.ID)
	if n := strayShards(org); n > 0 && !a.settled {
		return at.InStrays(shard(a.ID, n))
	}
	return at.InTenant(shard(a.ID, org.Shards))
}

// strayShards is how many shards the tenant has for stray accounts. They are few, so that whoever walks all reads little more; 0 where stray accounts
// lie among the others.
func strayShards(org *principal.Tenant) int {
	if !org.Strays {
		return 0
	}
	return max(1, org.Shards/4)
}
