package account_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
)

// TestCountIsCheck holds A28 and the count of I4: for random tenants with grants, denials, categories and defaults every count and every statistic
// is what Get says, whether the counters are not there, up to date, behind with a feed to read on, or without one and as of their time.
func TestCountIsCheck(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			w := newTown(t, seed)
			for _, a := range w.all[:len(w.all)/2] {
				for range 1 + w.rand.IntN(2) {
					w.grant(t, a)
				}
			}
			w.crowd(t, w.all[0])
			plain := w.again()
			w.holds(t, "without counters", plain, time.Time{})
			w.turns(t)
			fresh := w.again().TrustCounters().Counting(w.Feed)
			w.holds(t, "up to date", fresh, time.Time{})
			w.Clock.Add(2 * time.Minute)
			w.turns(t) // looks at the feed, finds nothing, and says so
			w.holds(t, "as of", w.again().TrustCounters(), w.Now())
			w.holds(t, "few, as of", w.again(), time.Time{})
			for range 3 {
				for range 5 {
					w.act(t, picker(w.rand))
				}
				w.grant(t, w.all[w.rand.IntN(len(w.all))])
				w.holds(t, "behind", fresh, time.Time{})
			}
			w.turns(t)
			w.holds(t, "caught up", fresh, time.Time{})
		})
	}
}

// TestCountWhileOthersWrite: a count is the number of accounts at some time between its beginning and its end, though turns are taken and accounts
// change hands at every step of it: of all there are, none of which comes or goes, and of those that a rep owns or shares, who always does either.
func TestCountWhileOthersWrite(t *testing.T) {
	w := newCounting(t)
	pick := picker(rand.New(rand.NewPCG(11, 11)))
	for range 40 {
		w.act(t, pick)
	}
	rep := w.as(w.user(t, principal.UserActive, "", ""), everything(policy.Own))
	owners := append(slices.Clone(w.users[:2]), rep.User)
	shared := w.all[:4]
	for _, a := range shared {
		must(t, w.run(t.Context(), w.boss, func(c *change.Set) error {
			g := policy.RecordGrant{Kind: policy.KindTeam, To: policy.ToUser(rep.User), On: policy.ActView}
			return w.accounts.GrantTo(t.Context(), w.boss, c, a, g, false)
		}))
	}
	w.turns(t)
	s := w.again().TrustCounters().Counting(w.Feed)
	now := 0
	for round := range 100 {
		var one sync.Mutex
		left := 3 // changes: nobody counts while everything moves all the time
		w.Faults.Before = func(c local.Call) error {
			if c.Op == "commit" || !one.TryLock() {
				return nil
			}
			defer one.Unlock()
			if left == 0 || pick(2) > 0 {
				return nil
			}
			left--
			a, to := shared[pick(len(shared))], owners[pick(len(owners))]
			if pick(2) == 0 {
				a, to = w.all[4+pick(len(w.all)-4)], w.users[pick(len(w.users))]
			}
			w.Clock.Add(time.Millisecond)
			must(t, w.run(t.Context(), w.boss, func(c *change.Set) error {
				return w.accounts.Rewrite(t.Context(), w.boss, c, a, func(x *account.Account) { x.Owner = to })
			}))
			if pick(2) == 0 {
				w.turns(t)
			}
			return nil
		}
		all := w.counted(t, s, w.boss, account.Query{})
		left = 3
		own := w.counted(t, s, rep, account.Query{})
		w.Faults.Before = nil
		if all.Value != len(w.all) || !all.Exact {
			t.Fatalf("round %d: counted %+v of all, want %d", round, all, len(w.all))
		}
		if own.AsOf.IsZero() && (own.Value != len(shared) || !own.Exact) {
			t.Fatalf("round %d: counted %+v of the rep's, want %d", round, own, len(shared))
		}
		if own.AsOf.IsZero() {
			now++
		}
	}
	if now < 50 {
		t.Errorf("%d of 100 counts were of now", now)
	}
}

// TestCountFarBehind: where more has come than one count reads of the feed, it says as of when it is; the next ones read on, and are of now.
func TestCountFarBehind(t *testing.T) {
	w := newCounting(t)
	pick := picker(rand.New(rand.NewPCG(15, 15)))
	for range 20 {
		w.act(t, pick)
	}
	w.turns(t)
	counted, at := len(w.all), w.Now()
	w.Clock.Add(time.Second)
	for n := range 60 {
		var writes []table.Write
		for i := range table.MaxWrites {
			writes = append(writes, table.Put(item(t, key.Control("NOISE", fmt.Sprint(n, i)), map[string]any{}), table.Always))
		}
		w.Commit(t, writes...)
	}
	for len(w.all) < counted+5 {
		w.act(t, pick)
	}
	s := w.again().TrustCounters().Counting(w.Feed)
	if got := w.counted(t, s, w.boss, account.Query{}); got.Value != counted || !got.Exact || got.AsOf.After(w.Now()) || got.AsOf.Before(at) {
		t.Errorf("at first: %+v, want %d as of %v", got, counted, at)
	}
	if got := w.counted(t, s, w.boss, account.Query{}); got != (account.Count{Value: len(w.all), Exact: true}) {
		t.Errorf("then: %+v, want %d", got, len(w.all))
	}
}

// TestCountSaysWhy: what a count cannot tell it does not claim.
func TestCountSaysWhy(t *testing.T) {
	w := newCounting(t)
	pick := picker(rand.New(rand.NewPCG(13, 13)))
	for range 30 {
		w.act(t, pick)
	}
	w.turns(t)
	s := w.again().Counting(w.Feed)
	rep := w.as(w.users[1], everything(policy.Own))
	own := w.counted(t, s, rep, account.Query{}).Value

	entries := func(u id.User, marks string) { // of 5,001 grants, on accounts of somebody else
		var writes []table.Write
		for range 5_001 {
			a := id.New[id.Account](w.IDs)
			at := key.Listed{Tenant: w.row.ID, Account: a, Updated: w.Now(), Owner: w.users[2]}
			writes = append(writes, table.Put(table.Item{
				Key:   key.Grant(w.row.ID, a, "share", string(policy.ToUser(u))),
				Index: map[table.Index]table.IndexKey{table.G2: at.InGrantee(string(policy.ToUser(u)), marks)},
			}, table.Absent))
		}
		for part := range slices.Chunk(writes, table.MaxWrites) {
			w.Commit(t, part...)
		}
		w.turns(t)
	}
	entries(rep.User, "1.0.0.0")
	got := w.counted(t, w.again().TrustCounters().Counting(w.Feed), rep, account.Query{})
	if got.Exact || got.Why != account.TooManyGrants || got.Value < own+5_000 || got.Value > own+5_001 {
		t.Errorf("with 5,001 grants: %+v", got)
	}
	if got := w.counted(t, s, w.boss, account.Query{}); got != (account.Count{Value: len(w.all), Exact: true}) {
		t.Errorf("who sees all: %+v", got)
	}
	if got := w.counted(t, s, w.boss, account.Query{Type: "enterprise", Stage: "loyal"}); !got.Exact || got.Why != "" {
		t.Errorf("two values: %+v", got)
	}

	all := everything(policy.All)
	barred := access.Compile(&access.Organisation{
		Places:  map[id.User]principal.Place{w.users[3]: {User: w.users[3], Active: true, Roles: []id.Role{all.ID}}},
		Roles:   map[id.Role]policy.Role{all.ID: all},
		Granted: map[policy.Grantee]access.Granted{policy.ToUser(w.users[3]): {To: policy.ToUser(w.users[3]), Mark: policy.Mark{Off: true}}},
	}).Subject(w.row, w.users[3], w.Now())
	if got := w.counted(t, s, barred, account.Query{}); got != (account.Count{Value: len(w.all), Exact: true}) {
		t.Errorf("who may be denied something: %+v", got)
	}
	entries(w.users[3], "0.1.0.0")
	if got := w.counted(t, s, barred, account.Query{}); got != (account.Count{Value: len(w.all), Exact: true}) { // few enough to be read
		t.Errorf("with 5,001 denials: %+v", got)
	}
}

// TestCountDoesNotReadAccounts: with the counters a count, filtered or not, reads no account and no index of them, and a second count reads no shard
// that stayed as it was.
func TestCountDoesNotReadAccounts(t *testing.T) {
	w := newCounting(t)
	pick := picker(rand.New(rand.NewPCG(14, 14)))
	for range 60 {
		w.act(t, pick)
	}
	w.turns(t)
	s := w.again().Counting(w.Feed)
	for round := range 2 {
		for _, q := range []account.Query{{}, {Type: "individual"}, {Owner: w.users[1]}} {
			shards := 0
			w.Faults.Before = func(c local.Call) error {
				for _, k := range c.Keys {
					switch {
					case key.IsCounter(k) && k != key.CounterState(w.row.ID):
						shards++
					case key.AccountOf(w.row.ID, k) != "":
						t.Errorf("account %s was read", k.PK)
					}
				}
				return nil
			}
			_, err := s.Stats(t.Context(), w.boss, "owner")
			must(t, err)
			if round > 0 && shards > 0 {
				t.Errorf("%d shards were read again", shards)
			}
			w.Faults.Before = nil
			if got := w.counted(t, s, w.boss, q); !got.Exact || !got.AsOf.IsZero() {
				t.Errorf("counted %+v", got)
			}
		}
	}
}

// TestStatsRefused: nobody counts by what they are not shown.
func TestStatsRefused(t *testing.T) {
	w := newCounting(t)
	role := everything(policy.All)
	role.Fields = append(role.Fields,
		policy.FieldRule{Module: policy.ModAccount, Field: "type", Access: policy.Hidden},
		policy.FieldRule{Module: policy.ModAccount, Field: "ownerId", Access: policy.Masked})
	who := w.as(w.users[1], role)
	for by, code := range map[string]string{"type": "unknown_field", "owner": "unknown_field", "": "unknown_field", "name": "unknown_field", "stage": "", "status": ""} {
		s, err := w.accounts.Stats(t.Context(), who, by)
		if code == "" && (err != nil || s == nil) || code != "" && (s != nil || !fault.Is(err, code) || !fault.IsKind(err, fault.Malformed)) {
			t.Errorf("by %q: %v %v", by, s, err)
		}
	}
	if _, err := w.accounts.Stats(t.Context(), w.as(w.users[1], policy.Role{}), "status"); !fault.Is(err, "permission_denied") {
		t.Errorf("without the right: %v", err)
	}
}
