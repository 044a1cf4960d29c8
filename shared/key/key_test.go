package key_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
)

const (
	u = "01JD3Z4T0X8Y6QH2N5W7R9K1MB"
	x = id.Tenant("tnt_" + u)
)

// TestEveryItemOfATenantNamesIt is I1 at its root: the partition of whatever belongs to a tenant starts with its id, in the table and in every
// index; what belongs to the system never looks like a tenant's.
func TestEveryItemOfATenantNamesIt(t *testing.T) {
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	user, acct, evt, job := id.User("user_"+u), id.Account("acct_"+u), id.Event("evt_"+u), id.Job("job_"+u)
	for name, pk := range map[string]string{
		"tenant": key.Tenant(x).PK, "company": key.Company(x).PK, "organisation": key.Organisation(x), "roles": key.Authz(x),
		"user": key.User(x, user).PK, "place": key.Place(x, user).PK, "unique": key.Unique(x, "email", "00").PK, "account": key.Account(x, acct).PK,
		"contact": key.Contact(x, acct, "cont_"+u).PK, "blind": key.Blind(x, "account.email", "00", acct).PK, "event": key.AuditEvent(x, at, evt).PK,
		"log": key.AuditLog(x), "idempotency": key.Idempotency(x, "00").PK, "job": key.Job(x, job).PK, "tenant key": key.TenantKey(x, 1).PK,
		"account key": key.AccountKey(x, acct).PK, "by name": key.UsersByName(x, "li", user).PK, "by owner": key.OwnerAccounts(x, user),
		"by actor": key.AuditByActor(x, string(user), evt).PK, "by target": key.AuditByTarget(x, string(acct), evt).PK, "jobs": key.JobsOf(x, job).PK,
	} {
		if got, ok := key.TenantOf(pk); !ok || got != x {
			t.Errorf("%s: %s is of tenant %q, %v", name, pk, got, ok)
		}
	}
	for name, pk := range map[string]string{
		"slug": key.Slug("acme").PK, "external": key.External("T#" + string(x)).PK, "webhook": key.Webhook("onboarding", "T#"+string(x)+"#META").PK,
		"onboarding": key.Onboarding("onb_" + u).PK, "due": key.DueJobs, "tenants": key.Tenants(x).PK, "control": key.ControlPartition("T#" + string(x)),
	} {
		if got, ok := key.TenantOf(pk); ok {
			t.Errorf("%s: %s passes for tenant %q", name, pk, got)
		}
	}
}

// TestNewestSortsByTime: the order of the strings is the order of the times, then of the ids.
func TestNewestSortsByTime(t *testing.T) {
	base := time.Date(2026, 12, 31, 23, 59, 59, 999_000_000, time.UTC)
	var keys []string
	for _, d := range []time.Duration{0, time.Millisecond, time.Second, time.Hour, 400 * 24 * time.Hour} {
		keys = append(keys, key.Newest(base.Add(d), "acct_"+u), key.Newest(base.Add(d), "acct_11JD3Z4T0X8Y6QH2N5W7R9K1MB"))
	}
	if !slices.IsSorted(keys) {
		t.Errorf("not in order: %v", keys)
	}
	if a, b := key.Stamp(base.In(time.FixedZone("CST", 8*3600))), key.Stamp(base); a != b {
		t.Errorf("one moment has two stamps: %s, %s", a, b)
	}
}

// TestOnlyWrappedKeysLieApart: the keys space holds nothing else, because no backup reads it.
func TestOnlyWrappedKeysLieApart(t *testing.T) {
	if key.TenantKey(x, 1).Space != table.Keys || key.TenantKeyHead(x).Space != table.Keys || key.AccountKey(x, "acct_"+u).Space != table.Keys {
		t.Error("a wrapped key lies among the data")
	}
	if key.Account(x, "acct_"+u).Space != table.Data || key.User(x, "user_"+u).Space != table.Data {
		t.Error("data lies among the keys")
	}
}

func FuzzTenantOf(f *testing.F) {
	f.Add("T#tnt_" + u + "#META")
	f.Add("T##")
	f.Fuzz(func(t *testing.T, pk string) {
		if got, ok := key.TenantOf(pk); ok && !strings.HasPrefix(pk, "T#"+string(got)) {
			t.Errorf("%q is said to be of %q", pk, got)
		}
	})
}

// TestBlindAccount: the entry of an account and that of its contact name the account.
func TestBlindAccount(t *testing.T) {
	const a = id.Account("acct_01JD3Z4T0X8Y6QH2N5W7R9K1MB")
	for _, k := range []table.Key{key.Blind("t", "f", "token", a), key.BlindContact("t", "f", "token", a, "cont_01JD3Z4T0X8Y6QH2N5W7R9K1MB")} {
		if got := key.BlindAccount(k.SK); got != a {
			t.Errorf("%s names %s", k.SK, got)
		}
	}
}
