package key

import (
	"fmt"
	"strings"
	"time"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/table"
)

// Account is the account's own item; its contacts lie in the same partition.
func Account(x id.Tenant, a id.Account) table.Key { return data(t(x, "A#"+string(a)), "A") }

// AccountOf is the account whose own item the key is, "" for the key of anything else.
func AccountOf(x id.Tenant, k table.Key) id.Account {
	name, ok := strings.CutPrefix(k.PK, AccountPartition(x, ""))
	if !ok || k.SK != "A" || k.Space != table.Data {
		return ""
	}
	return id.Account(name)
}

// AccountPartition is the partition of an account and its contacts.
func AccountPartition(x id.Tenant, a id.Account) string { return t(x, "A#"+string(a)) }

// Contact is one contact, in its account's partition.
func Contact(x id.Tenant, a id.Account, c id.Contact) table.Key {
	return data(t(x, "A#"+string(a)), ContactPrefix+string(c))
}

// ContactPrefix is the prefix of contacts' sort keys in an account's partition.
const ContactPrefix = "C#"

// Grant is one grant on the account's record, of the kind team, share, temporary or override. It lies in the account's partition, so that it
// is read with it, and in an index of its grantee.
func Grant(x id.Tenant, a id.Account, kind, grantee string) table.Key {
	return data(AccountPartition(x, a), GrantsOf(kind)+grantee)
}

// GrantPrefix is the prefix of the sort keys of an account's grants; GrantsOf that of one kind.
const GrantPrefix = "GR#"

// GrantsOf is the prefix of one kind.
func GrantsOf(kind string) string { return GrantPrefix + kind + "#" }

// Ending is the place of a temporary grant's item among all of the tenant, soonest end first, on G1. EndingGrants is that partition.
func Ending(x id.Tenant, ends time.Time, a id.Account, grantee string) table.IndexKey {
	return table.IndexKey{PK: EndingGrants(x), SK: Stamp(ends) + "#" + string(a) + "#" + grantee}
}

// EndingGrants: see Ending.
func EndingGrants(x id.Tenant) string { return t(x, "TG") }

// Categorised marks that the account is of the category, in a partition of the category that is read strongly: whether anything is still of it
// must not lag. InCategory is the item's place in order.
func Categorised(x id.Tenant, c id.Category, a id.Account) table.Key {
	return data(CategorisedAs(x, c), string(a))
}

// CategorisedAs is the partition of what is of a category; the account's id is the sort key.
func CategorisedAs(x id.Tenant, c id.Category) string { return t(x, "KC#"+string(c)) }

// Joined is raised by every commit that puts an account into the category, so that who ends the category knows whether one came since
// they counted.
func Joined(x id.Tenant, c id.Category) table.Key { return data(t(x, "KJ#"+string(c)), "J") }

// Newest is where an account stands in the order of lists: by time of update, then id. Read it in reverse for newest first. The ordered
// indexes start with it, so a place in one is a place in all of them.
func Newest(updated time.Time, a id.Account) string { return Stamp(updated) + "#" + string(a) }

// Listed is an account as its index entries have it. Owner and department stand behind the place, so that who reads an index can pass over
// what a scope does not reach without reading the account.
type Listed struct {
	Tenant     id.Tenant
	Account    id.Account
	Updated    time.Time
	Owner      id.User
	Department id.Department
}

func (l Listed) entry(pk, prefix string, marks ...string) table.IndexKey {
	sk := prefix + Newest(l.Updated, l.Account) + "#" + string(l.Owner) + "#" + string(l.Department)
	for _, m := range marks {
		sk += "#" + m
	}
	return table.IndexKey{PK: pk, SK: sk}
}

// InTenant is the account's place in one shard of all, on G1.
func (l Listed) InTenant(shard int) table.IndexKey {
	return l.entry(TenantAccounts(l.Tenant, shard), "")
}

// InStrays is the account's place in one shard of those that lie elsewhere than their owner sits, on G1: it is there and not InTenant.
func (l Listed) InStrays(shard int) table.IndexKey {
	return l.entry(StrayAccounts(l.Tenant, shard), "")
}

// InOwner is the account's place among its owner's, on G2.
func (l Listed) InOwner() table.IndexKey { return l.entry(OwnerAccounts(l.Tenant, l.Owner), "") }

// InDepartment is the account's place among its department's, on G3.
func (l Listed) InDepartment() table.IndexKey {
	return l.entry(DepartmentAccounts(l.Tenant, l.Department), DepartmentAccountPrefix)
}

// InGrantee is the place of a grant's item among those of its grantee, on G2. marks say what the grant does.
func (l Listed) InGrantee(grantee, marks string) table.IndexKey {
	return l.entry(GranteeAccounts(l.Tenant, grantee), "", marks)
}

// InOverflow is the place, in no order of time, of a grant's item that an account has beyond those that it keeps in order. Its entry has the
// account's id as its place, and neither owner nor department.
func (l Listed) InOverflow(grantee, marks string) table.IndexKey {
	return table.IndexKey{PK: OverflowAccounts(l.Tenant, grantee), SK: "#" + string(l.Account) + "###" + marks}
}

// InCategory is the account's place among those of the category, on G2 of the item that Categorised names.
func (l Listed) InCategory(c id.Category) table.IndexKey {
	return l.entry(CategoryAccounts(l.Tenant, c), "")
}

// ByName is the account's place in one shard of all by folded name, on G5.
func (l Listed) ByName(shard int, folded string) table.IndexKey {
	return table.IndexKey{PK: AccountsByName(l.Tenant, shard), SK: folded + "#" + string(l.Account) + "#" + string(l.Owner) + "#" + string(l.Department)}
}

// Collated is the account's place in one shard of all in the order in which people sort names, on G4. weight is in letters and digits.
func (l Listed) Collated(shard int, weight string) table.IndexKey {
	return table.IndexKey{PK: CollatedAccounts(l.Tenant, shard), SK: weight + "#" + string(l.Account) + "#" + string(l.Owner) + "#" + string(l.Department)}
}

// Entry is what an index entry of an account says.
type Entry struct {
	Place      string // of the order: for the indexes by time, what Newest gives; for those by name, the name and the id
	Account    id.Account
	Owner      id.User
	Department id.Department
	Marks      string
}

// EntryOf reads the sort key of an ordered index, without the index's own prefix. False for what is none.
func EntryOf(sk string) (Entry, bool) {
	at := strings.Index(sk, "#acct_")
	end := at + len("#acct_") + 26
	if at < 0 || end > len(sk) {
		return Entry{}, false
	}
	e := Entry{Place: sk[:end], Account: id.Account(sk[at+1 : end])}
	if rest, ok := strings.CutPrefix(sk[end:], "#"); ok {
		var owner, dept string
		owner, rest, _ = strings.Cut(rest, "#")
		dept, e.Marks, _ = strings.Cut(rest, "#")
		e.Owner, e.Department = id.User(owner), id.Department(dept)
	}
	return e, true
}

// TenantAccounts is the partition of one shard of all accounts but those that StrayAccounts has.
func TenantAccounts(x id.Tenant, shard int) string { return fmt.Sprintf("%s%d", t(x, "AL#"), shard) }

// StrayAccounts is the partition of one shard of the accounts that lie elsewhere than their owner sits.
func StrayAccounts(x id.Tenant, shard int) string { return fmt.Sprintf("%s%d", t(x, "AS#"), shard) }

// IsStray reports whether an account's place on G1 is InStrays.
func IsStray(x id.Tenant, at table.IndexKey) bool { return strings.HasPrefix(at.PK, t(x, "AS#")) }

// OwnerAccounts is the partition of an owner's accounts.
func OwnerAccounts(x id.Tenant, u id.User) string { return t(x, "O#"+string(u)) }

// DepartmentAccounts is the partition of a department's accounts, which its users share.
func DepartmentAccounts(x id.Tenant, d id.Department) string { return t(x, "D#"+string(d)) }

// DepartmentAccountPrefix is the prefix of accounts' sort keys in a department's index partition, which holds its users too.
const DepartmentAccountPrefix = "A#"

// GranteeAccounts is the partition of the records that have a grant to the grantee; OverflowAccounts that of those which keep it out of order.
func GranteeAccounts(x id.Tenant, grantee string) string { return t(x, "W#"+grantee) }

// OverflowAccounts: see GranteeAccounts.
func OverflowAccounts(x id.Tenant, grantee string) string { return t(x, "WX#"+grantee) }

// CategoryAccounts is the partition of a category's accounts.
func CategoryAccounts(x id.Tenant, c id.Category) string { return t(x, "K#"+string(c)) }

// AccountsByName is the partition of one shard of all accounts by folded name; CollatedAccounts in people's order.
func AccountsByName(x id.Tenant, shard int) string { return fmt.Sprintf("%s%d", t(x, "N#"), shard) }

// CollatedAccounts: see AccountsByName.
func CollatedAccounts(x id.Tenant, shard int) string { return fmt.Sprintf("%s%d", t(x, "NC#"), shard) }
