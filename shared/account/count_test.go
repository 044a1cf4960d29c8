package account_test

import (
	"context"
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

// town is a random tenant with everything that decides who may view an account.
type town struct {
	*counting
	org  *access.Organisation
	rand *rand.Rand
}

func newTown(t *testing.T, seed uint64) *town {
	w := &town{counting: newCounting(t), rand: rand.New(rand.NewPCG(seed, 12))}
	r := w.rand
	w.depts = append(w.depts, w.department(t, w.depts[1]), w.department(t, w.depts[1]))
	w.org = &access.Organisation{
		Departments: map[id.Department]access.Department{}, Posts: map[id.Post]access.Post{}, Places: map[id.User]principal.Place{},
		Roles: map[id.Role]policy.Role{}, Categories: map[id.Category]access.Category{}, Granted: map[policy.Grantee]access.Granted{},
	}
	for _, d := range w.depts[1:] {
		w.org.Departments[d] = access.Department{ID: d, Parent: w.parents[d]}
	}
	var roles []id.Role
	for _, s := range policy.Scopes {
		role := everything(s)
		role.ID = id.New[id.Role](w.IDs)
		if s < policy.All {
			roles = append(roles, role.ID)
		}
		w.org.Roles[role.ID] = role
	}
	w.users = nil
	for range 6 + r.IntN(4) {
		boss := id.User("")
		if len(w.users) > 0 {
			boss = w.users[r.IntN(len(w.users))]
		}
		u := w.user(t, principal.UserActive, w.depts[r.IntN(len(w.depts))], boss)
		w.users = append(w.users, u)
		p := w.places[u]
		p.Roles = []id.Role{roles[r.IntN(len(roles))]}
		w.org.Places[u] = p
	}
	for _, c := range w.cats {
		w.org.Categories[c] = access.Category{ID: c, Grants: []access.CategoryGrant{{To: w.grantee(), On: policy.ActView, Superiors: r.IntN(2) == 0}}}
	}
	if seed%5 == 4 {
		w.row.Settings.Defaults = map[string]string{string(policy.ModAccount): string(policy.PublicRead)}
	}
	w.boss = w.as(w.user(t, principal.UserActive, "", ""), everything(policy.All)) // whom nothing is kept from
	for range 25 {
		w.act(t, picker(r))
	}
	return w
}

// grantee is anybody.
func (w *town) grantee() policy.Grantee {
	switch w.rand.IntN(4) {
	case 0:
		return policy.ToDepartment(w.depts[1+w.rand.IntN(len(w.depts)-1)], w.rand.IntN(2) == 0)
	case 1:
		return policy.ToRole(w.org.Places[w.users[w.rand.IntN(len(w.users))]].Roles[0])
	}
	return policy.ToUser(w.users[w.rand.IntN(len(w.users))])
}

// grant puts some grant on some account, or takes one away.
func (w *town) grant(t *testing.T, a id.Account) {
	t.Helper()
	g := policy.RecordGrant{Kind: policy.KindShare, To: w.grantee(), On: policy.ActView, Superiors: w.rand.IntN(3) == 0}
	switch w.rand.IntN(4) {
	case 0:
		g = policy.RecordGrant{Kind: policy.KindOverride, To: g.To, Off: policy.ActView}
	case 1:
		g.Kind, g.Expires = policy.KindTemporary, w.Now().Unix()+int64(w.rand.IntN(3)-1)*100
	case 2:
		g.On = policy.ActDelete // opens nothing to the eye
	}
	w.put(t, a, g, w.rand.IntN(5) == 0)
}

func (w *town) put(t *testing.T, a id.Account, g policy.RecordGrant, ungrant bool) {
	t.Helper()
	must(t, w.run(t.Context(), w.boss, func(c *change.Set) error { return w.accounts.GrantTo(t.Context(), w.boss, c, a, g, ungrant) }))
	w.org.Granted[g.To] = access.Granted{To: g.To, Mark: policy.Mark{Superiors: true, Overflow: true, Off: true}} // as marks may say more than there is
}

// crowd gives an account more grants than it keeps in order.
func (w *town) crowd(t *testing.T, a id.Account) {
	t.Helper()
	for range account.MaxInOrder + 1 {
		w.put(t, a, policy.RecordGrant{Kind: policy.KindShare, To: policy.ToUser(id.New[id.User](w.IDs)), On: policy.ActView}, false)
	}
	for _, u := range w.users[:3] {
		w.put(t, a, policy.RecordGrant{Kind: policy.KindShare, To: policy.ToUser(u), On: policy.ActView}, false)
	}
	w.put(t, a, policy.RecordGrant{Kind: policy.KindOverride, To: policy.ToUser(w.users[1]), Off: policy.ActView}, false)
}

// seen are the accounts that Get answers.
func (w *town) seen(t *testing.T, who *policy.Subject) (out []*account.Account) {
	t.Helper()
	for _, a := range w.all {
		if x, err := w.accounts.Get(t.Context(), who, a); err == nil {
			out = append(out, x)
		} else if !fault.Is(err, "not_found") {
			t.Fatal(err)
		}
	}
	return out
}

// queries are a query of each filter, and what passes it.
func (w *town) queries() map[string]account.Query {
	return map[string]account.Query{
		"all": {}, "owner": {Owner: w.users[1]}, "department": {Department: w.depts[1]}, "category": {Category: w.cats[0]}, "status": {Status: account.Inactive},
		"type": {Type: "individual"}, "tier": {ValueTier: "high"}, "stage": {Stage: "buying"},
		"owner and type": {Owner: w.users[2], Type: "enterprise"}, "type and stage": {Type: "enterprise", Stage: "potential"},
	}
}

func passes(q account.Query, a *account.Account) bool {
	return (q.Owner == "" || a.Owner == q.Owner) && (q.Department == "" || a.Department == q.Department) &&
		(q.Category == "" || slices.Contains(a.Categories.IDs(), q.Category)) && (q.Status == "" || a.Status == q.Status) &&
		(q.Type == "" || a.Type == q.Type) && (q.ValueTier == "" || a.ValueTier == q.ValueTier) && (q.Stage == "" || a.Stage == q.Stage)
}

// holds demands that for every user each count, with each filter, is the number of accounts that Get answers, and that statistics are counts.
func (w *town) holds(t *testing.T, when string, accounts *account.Accounts, asOf time.Time) {
	t.Helper()
	everyone := access.Compile(w.org.Clone())
	for _, u := range w.users {
		who := everyone.Subject(w.row, u, w.Now())
		seen := w.seen(t, who)
		for name, q := range w.queries() {
			want := 0
			for _, a := range seen {
				if passes(q, a) {
					want++
				}
			}
			q.Limit, q.Count = 1, true
			p, err := accounts.List(t.Context(), who, q)
			must(t, err)
			is := account.Count{Value: want, Exact: true, AsOf: asOf}
			if name == "type and stage" { // two values of which no count tells how often they meet
				is.AsOf = time.Time{}
			}
			if *p.Count != is {
				t.Fatalf("%s: %s counts %s: %+v, want %+v", when, u, name, *p.Count, is)
			}
		}
		for by, of := range map[string]func(*account.Account) []string{
			"owner":      func(a *account.Account) []string { return []string{string(a.Owner)} },
			"department": func(a *account.Account) []string { return []string{string(a.Department)} },
			"category": func(a *account.Account) (out []string) {
				for _, c := range a.Categories.IDs() {
					out = append(out, string(c))
				}
				if out == nil {
					out = []string{""}
				}
				return out
			},
			"status":    func(a *account.Account) []string { return []string{string(a.Status)} },
			"type":      func(a *account.Account) []string { return []string{a.Type} },
			"valueTier": func(a *account.Account) []string { return []string{a.ValueTier} },
			"stage":     func(a *account.Account) []string { return []string{a.Stage} },
		} {
			want := map[string]int{}
			for _, a := range seen {
				for _, k := range of(a) {
					want[k]++
				}
			}
			s, err := accounts.Stats(t.Context(), who, by)
			must(t, err)
			got := map[string]int{}
			for _, r := range s.Rows {
				got[r.Key] = r.Value
			}
			if fmt.Sprint(got) != fmt.Sprint(want) || !s.Exact || !s.AsOf.Equal(asOf) || s.Why != "" {
				t.Fatalf("%s: %s by %s: %+v, want %v", when, u, by, s, want)
			}
		}
	}
}

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

// again gives the accounts to another process.
func (w *counting) again() *account.Accounts { return account.New(w.Table, w.Crypt, nil, nil) }

func (w *counting) counted(t testing.TB, s *account.Accounts, who *policy.Subject, q account.Query) account.Count {
	t.Helper()
	q.Limit, q.Count = 1, true
	p, err := s.List(context.WithoutCancel(t.Context()), who, q)
	must(t, err)
	return *p.Count
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

	var writes []table.Write
	for range 5_001 { // entries of grants to the rep, on accounts of somebody else
		a := id.New[id.Account](w.IDs)
		at := key.Listed{Tenant: w.row.ID, Account: a, Updated: w.Now(), Owner: w.users[2]}
		writes = append(writes, table.Put(table.Item{
			Key:   key.Grant(w.row.ID, a, "share", string(policy.ToUser(rep.User))),
			Index: map[table.Index]table.IndexKey{table.G2: at.InGrantee(string(policy.ToUser(rep.User)), "1.0.0.0")},
		}, table.Absent))
	}
	for part := range slices.Chunk(writes, table.MaxWrites) {
		w.Commit(t, part...)
	}
	w.turns(t)
	got := w.counted(t, w.again().TrustCounters().Counting(w.Feed), rep, account.Query{})
	if got.Exact || got.Why != account.TooManyGrants || got.Value < own+5_000 || got.Value > own+5_001 {
		t.Errorf("with 5,001 grants: %+v", got)
	}
	if got := w.counted(t, s, w.boss, account.Query{}); got != (account.Count{Value: len(w.all), Exact: true}) {
		t.Errorf("who sees all: %+v", got)
	}
	if got, want := w.counted(t, s, w.boss, account.Query{Type: "enterprise", Stage: "loyal"}), (account.Count{}); !got.Exact || got.Why != want.Why {
		t.Errorf("two values: %+v", got)
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
