// Package key builds every key of the single table, and nothing else does: a test refuses a raw key literal anywhere else. Keys hold
// ids, never paths, so moving a department or a manager rewrites no account. Partition keys of a tenant start with T#<tenant>; items
// of the system start with CTL# or DUE#. The table of design §5 is this file.
package key

import (
	"fmt"
	"strings"
	"time"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/table"
)

func t(tenant id.Tenant, part string) string { return "T#" + string(tenant) + "#" + part }

func data(pk, sk string) table.Key { return table.Key{PK: pk, SK: sk} }

// TenantOf gives the tenant of a partition key, or false when the item belongs to the system.
func TenantOf(pk string) (id.Tenant, bool) {
	rest, ok := strings.CutPrefix(pk, "T#")
	if !ok {
		return "", false
	}
	tenant, _, _ := strings.Cut(rest, "#")
	p, err := id.Parse[id.Tenant](tenant)
	return p, err == nil
}

// Stamp is a time as a sort key: UTC, milliseconds, fixed width.
func Stamp(at time.Time) string { return at.UTC().Format("20060102T150405.000Z") }

// Tenant is the root item: principal.Tenant. Company and Setting hang beside it.
func Tenant(x id.Tenant) table.Key { return data(t(x, "META"), "TENANT") }

// Company is the tenant's company.
func Company(x id.Tenant) table.Key { return data(t(x, "META"), "COMPANY") }

// Setting is a named document of settings that not every request needs.
func Setting(x id.Tenant, name string) table.Key { return data(t(x, "META"), "SET#"+name) }

// RightsJournal is what one change of roles or organisation did to them, named by the versions that it led to. Keys between two of
// them are of all changes that led from the one to the other, in order: each raises one version or both, and none ever falls.
func RightsJournal(x id.Tenant, authz, org int64) table.Key {
	return data(t(x, "META"), fmt.Sprintf("JOURNAL#%012d#%012d", authz, org))
}

// Tenants is the index partition of all tenants, on G1, by id.
func Tenants(x id.Tenant) table.IndexKey { return table.IndexKey{PK: "CTL#TENANTS", SK: string(x)} }

// Organisation: one partition holds departments, posts and every user's place.
func Organisation(x id.Tenant) string { return t(x, "ORG") }

// Department is one department, named by id alone.
func Department(x id.Tenant, d id.Department) table.Key { return data(t(x, "ORG"), "DEPT#"+string(d)) }

// Post is one post, named by id alone.
func Post(x id.Tenant, p id.Post) table.Key { return data(t(x, "ORG"), "POST#"+string(p)) }

// Place is where a user sits: principal.Place.
func Place(x id.Tenant, u id.User) table.Key { return data(t(x, "ORG"), "U#"+string(u)) }

// Prefixes of the organisation partition's sort keys.
const (
	DepartmentPrefix = "DEPT#"
	PostPrefix       = "POST#"
	PlacePrefix      = "U#"
)

// Permissions: current roles, their immutable versions, field rules.
func Authz(x id.Tenant) string { return t(x, "AUTHZ") }

// Role is the role as it is now.
func Role(x id.Tenant, r id.Role) table.Key { return data(t(x, "AUTHZ"), "ROLE#"+string(r)) }

// RoleVersion is the role as it was at one version, never written again.
func RoleVersion(x id.Tenant, r id.Role, v int64) table.Key {
	return data(t(x, "AUTHZ"), fmt.Sprintf("%s%s#%012d", RoleVersionPrefix, r, v))
}

// Category is a category of accounts, with the grants that it carries.
func Category(x id.Tenant, c id.Category) table.Key {
	return data(t(x, "AUTHZ"), CategoryPrefix+string(c))
}

// Granted marks that some record may have a grant to the grantee, so that lists know which partitions of grants there are. A grant to one
// user that reaches nobody else needs no mark.
func Granted(x id.Tenant, grantee string) table.Key {
	return data(t(x, "AUTHZ"), GrantedPrefix+grantee)
}

// Prefixes of the authorisation partition's sort keys: current roles, their versions, categories, marks of grantees.
const (
	RolePrefix        = "ROLE#"
	RoleVersionPrefix = "RVER#"
	CategoryPrefix    = "CAT#"
	GrantedPrefix     = "GTE#"
)

// User is the user's own item. UsersByName is its place on G1, UsersOf its place on G3.
func User(x id.Tenant, u id.User) table.Key { return data(t(x, "U#"+string(u)), "USER") }

// UsersByName is the user's place among the tenant's users, by folded name.
func UsersByName(x id.Tenant, folded string, u id.User) table.IndexKey {
	return table.IndexKey{PK: t(x, "USERS"), SK: folded + "#" + string(u)}
}

// UsersOf is the user's place among those of a department.
func UsersOf(x id.Tenant, d id.Department, u id.User) table.IndexKey {
	return table.IndexKey{PK: t(x, "D#"+string(d)), SK: "U#" + string(u)}
}

// RevokedSession marks a sign-in that was signed out, until its access tokens have expired.
func RevokedSession(x id.Tenant, u id.User, session string) table.Key {
	return data(t(x, "U#"+string(u)), "REV#"+session)
}

// UserPart is any other item of a user: a code, a password's fingerprint, an attempt counter.
func UserPart(x id.Tenant, u id.User, part string) table.Key {
	return data(t(x, "U#"+string(u)), part)
}

// RoleMember is the edge from a role to a user who holds it.
func RoleMember(x id.Tenant, r id.Role, u id.User) table.Key {
	return data(t(x, "RM#"+string(r)), "U#"+string(u))
}

// RoleMembers is the partition of a role's edges.
func RoleMembers(x id.Tenant, r id.Role) string { return t(x, "RM#"+string(r)) }

// Unique guards that one value of a field belongs to one user: field is email, phone or employeeNo, token a blind index.
func Unique(x id.Tenant, field, token string) table.Key {
	return data(t(x, "UQ#"+field+"#"+token), "U")
}

// Owned marks that the user owns the account, in a partition that is read strongly: the indexes may lag, and whether a user still owns
// anything must not. OwnedBy is that partition; the account's id is the sort key's end.
func Owned(x id.Tenant, u id.User, a id.Account) table.Key { return data(OwnedBy(x, u), string(a)) }

// OwnedBy is the partition of what a user owns.
func OwnedBy(x id.Tenant, u id.User) string { return t(x, "OW#"+string(u)) }

// Blind is the entry of a blind index: who has this value in this field.
func Blind(x id.Tenant, field, token string, a id.Account) table.Key {
	return data(t(x, "BI#"+field+"#"+token), "A#"+string(a))
}

// BlindContact is the entry of a blind index for a value of a contact.
func BlindContact(x id.Tenant, field, token string, a id.Account, c id.Contact) table.Key {
	return data(t(x, "BI#"+field+"#"+token), "A#"+string(a)+"#C#"+string(c))
}

// BlindAccount is the account that the sort key of a blind index's entry names, its own or its contact's.
func BlindAccount(sk string) id.Account {
	a, _, _ := strings.Cut(strings.TrimPrefix(sk, "A#"), "#")
	return id.Account(a)
}

// BlindPartition is the partition of one value of one field.
func BlindPartition(x id.Tenant, field, token string) string { return t(x, "BI#"+field+"#"+token) }

// AuditEvent lies in its day's partition, by id. AuditDay is that partition.
func AuditEvent(x id.Tenant, at time.Time, e id.Event) table.Key {
	return data(AuditDay(x, at), string(e))
}

// AuditDay is the partition of one day's events, in UTC.
func AuditDay(x id.Tenant, at time.Time) string { return t(x, "AU#"+at.UTC().Format("20060102")+"#0") }

// AuditByActor is the event's place among those of who acted.
func AuditByActor(x id.Tenant, actor string, e id.Event) table.IndexKey {
	return table.IndexKey{PK: t(x, "AUA#"+actor), SK: string(e)}
}

// AuditByTarget is the event's place among those of what was acted on.
func AuditByTarget(x id.Tenant, target string, e id.Event) table.IndexKey {
	return table.IndexKey{PK: t(x, "AUT#"+target), SK: string(e)}
}

// AuditLog is the tenant's numbered log that the feed's consumer builds from the events: entries by number, and the head.
func AuditLog(x id.Tenant) string { return t(x, "AULOG") }

// AuditLogEntry is entry n of the log, from 1.
func AuditLogEntry(x id.Tenant, n int64) table.Key {
	return data(t(x, "AULOG"), fmt.Sprintf("E#%016d", n))
}

// AuditLogHead is the log's newest state.
func AuditLogHead(x id.Tenant) table.Key { return data(t(x, "AULOG"), "HEAD") }

// AuditLogSeen marks an event that has its number.
func AuditLogSeen(x id.Tenant, e id.Event) table.Key { return data(t(x, "AULOG"), "S#"+string(e)) }

// Idempotency is the record of one key of one principal on one operation; hash covers all three.
func Idempotency(x id.Tenant, hash string) table.Key { return data(t(x, "IK#"+hash), "IK") }

// Inbound webhooks, external ids and slugs belong to the system.
func Webhook(source, webhookID string) table.Key { return data("CTL#WH#"+source+"#"+webhookID, "WH") }

// External is the tenant of a sender's own id, kept for ever.
func External(externalID string) table.Key { return data("CTL#EXT#"+externalID, "EXT") }

// Slug is the tenant of a slug.
func Slug(slug string) table.Key { return data("CTL#SLUG#"+slug, "SLUG") }

// Onboarding is the record of one onboarding.
func Onboarding(o id.Onboarding) table.Key { return data("CTL#ONB#"+string(o), "ONB") }

// Control is any other item of the system: a part of it, and the item in that part.
func Control(part, sk string) table.Key { return data("CTL#"+part, sk) }

// Nowhere is a key in a partition in which nothing lies: for checks that only have to be asked.
func Nowhere(sk string) table.Key { return Control("NOWHERE", sk) }

// ControlPartition is a partition of the system.
func ControlPartition(part string) string { return "CTL#" + part }

// Job lies in its tenant; jobs that no tenant has yet lie in the system.
func Job(x id.Tenant, j id.Job) table.Key {
	if x == "" {
		return data("CTL#JOB#"+string(j), "META")
	}
	return data(t(x, "JOB#"+string(j)), "META")
}

// JobDue is the job's place on G4 while it waits to run: by time. DueJobs is that partition.
func JobDue(at time.Time, j id.Job) table.IndexKey {
	return table.IndexKey{PK: DueJobs, SK: Stamp(at) + "#" + string(j)}
}

// DueJobs is the index partition of jobs that wait to run.
const DueJobs = "DUE#JOB#0"

// JobsOf is the job's place on G1: the tenant's jobs by id.
func JobsOf(x id.Tenant, j id.Job) table.IndexKey {
	return table.IndexKey{PK: t(x, "JOBS"), SK: string(j)}
}

// TenantKey and AccountKey lie in the keys space: wrapped data keys and nothing else.
func TenantKey(x id.Tenant, version int) table.Key {
	return table.Key{Space: table.Keys, PK: t(x, "TK"), SK: fmt.Sprintf("V#%08d", version)}
}

// TenantKeyHead says which version of the tenant's key seals.
func TenantKeyHead(x id.Tenant) table.Key {
	return table.Key{Space: table.Keys, PK: t(x, "TK"), SK: "HEAD"}
}

// AccountKey is an account's wrapped key: destroying it destroys what it sealed.
func AccountKey(x id.Tenant, a id.Account) table.Key {
	return table.Key{Space: table.Keys, PK: t(x, "AK#"+string(a)), SK: "K"}
}

// IsAuditEvent reports whether the item is an audit event, for consumers of the feed.
func IsAuditEvent(k table.Key) bool {
	t, ok := TenantOf(k.PK)
	return ok && strings.HasPrefix(k.PK, "T#"+string(t)+"#AU#")
}

// IsAuditLog reports whether the item belongs to the numbered log.
func IsAuditLog(k table.Key) bool {
	t, ok := TenantOf(k.PK)
	return ok && k.PK == AuditLog(t)
}
