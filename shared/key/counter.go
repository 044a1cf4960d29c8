package key

import (
	"fmt"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/table"
)

// Counters is the partition of a tenant's counts of accounts: how far they are, and the counts in shards by owner.
func Counters(x id.Tenant) string { return t(x, "CNT") }

// CounterState says how far the counts are.
func CounterState(x id.Tenant) table.Key { return data(t(x, "CNT"), "STATE") }

// CounterShard is one shard of the counts.
func CounterShard(x id.Tenant, n int) table.Key { return data(t(x, "CNT"), fmt.Sprintf("S#%02d", n)) }

// IsCounter reports whether the item belongs to the counts.
func IsCounter(k table.Key) bool {
	t, ok := TenantOf(k.PK)
	return ok && k.PK == Counters(t)
}
