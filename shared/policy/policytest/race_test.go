package policytest_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/policy/policytest"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// rights are all that the races change about one user and one account of somebody else: each is one thing that one operation changes.
type rights struct {
	Active  bool // the user is
	Holds   bool // the user holds the role
	Views   bool // the role lets view
	Granted bool // the account is shared with the user; the role's scope reaches nothing by itself
}

func (r rights) allow() bool { return r.Active && r.Holds && r.Views && r.Granted }

// step is an operation of the history: a change to these rights, or a read.
type step struct {
	write bool
	to    rights
}

// oneAfterTheOther is the model: every read sees the rights of one instant between its start and its end.
func oneAfterTheOther(first rights) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return first },
		Step: func(state, input, output any) (bool, any) {
			in := input.(step)
			if in.write {
				return true, in.to
			}
			return output.(bool) == state.(rights).allow(), state
		},
	}
}

// contest is one account that a user's right to see comes and goes, while they read.
type contest struct {
	*desk
	world *policytest.World
	user  id.User
	acct  id.Account
	role  id.Role
	base  time.Time

	mu  sync.Mutex
	ops []porcupine.Operation
}

func newContest(t *testing.T) *contest {
	w := &policytest.World{
		Now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), TenantStatus: "active", Seed: 1,
		Roles: []policytest.Role{{ID: "role_00000000000000000000000001", Level: policy.Standard}},
		Users: []policytest.User{
			{ID: "user_00000000000000000000000001", Status: "active"},
			{ID: "user_00000000000000000000000002", Status: "inactive"},
		},
	}
	w.Accounts = []policytest.Account{{
		ID: "acct_00000000000000000000000001", Name: "Lotus", Status: "active", Owner: w.Users[0].ID, Email: "desk@lotus.example",
		Phone: "+8613800138000", Updated: w.Now,
	}}
	c := &contest{desk: newDesk(t, deskFaults{}), world: w, user: w.Users[1].ID, acct: w.Accounts[0].ID, role: w.Roles[0].ID, base: time.Now()}
	if err := c.Load(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *contest) note(client int, call time.Duration, in step, out any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ops = append(c.ops, porcupine.Operation{ClientId: client, Input: in, Call: int64(call), Output: out, Return: int64(time.Since(c.base))})
}

// subject loads the user as a request begins, nil when they are not let in.
func (c *contest) subject(ctx context.Context) (*policy.Subject, error) {
	claims := identity.Claims{Name: identity.NameOf(c.tenant, c.user), Session: "s", AuthTime: c.Now()}
	s, err := c.desk.access.Subject(ctx, claims, principal.Principal{Locale: "en", At: c.Now()})
	if fault.IsKind(err, fault.Unauthenticated) {
		return nil, nil
	}
	return s, err
}

// read asks for the account, by itself or in the list. A cached subject stands for requests that keep theirs.
func (c *contest) read(ctx context.Context, list bool, cached *policy.Subject) (bool, error) {
	s := cached
	if s == nil {
		var err error
		if s, err = c.subject(ctx); s == nil {
			return false, err
		}
	}
	if list {
		p, err := c.accounts.List(ctx, s, account.Query{Limit: 10})
		if no, err := refused(err); no || err != nil {
			return false, err
		}
		return len(p.Items) == 1, nil
	}
	_, err := c.accounts.Get(ctx, s, c.acct)
	no, err := refused(err)
	return !no && err == nil, err
}

// change stages and commits as operations do: rows on the versions that were read, and the tenant's row raised.
func (c *contest) change(ctx context.Context, was, is rights) error {
	return change.Run(ctx, c.Table, principal.System(c.tenant, "test.operation", c.Now()), c.IDs, c.Now, func(s *change.Set) error {
		items, err := c.Table.Get(ctx, key.Tenant(c.tenant), key.User(c.tenant, c.user), key.Role(c.tenant, c.role), key.Account(c.tenant, c.acct))
		if err != nil {
			return err
		}
		s.Record(audit.Event{Target: string(c.user)})
		if was.Granted != is.Granted {
			return c.share(s, items[3], is.Granted)
		}
		var row principal.Tenant
		if err := json.Unmarshal(items[0].Doc, &row); err != nil {
			return err
		}
		if was.Views != is.Views {
			r := policy.Role{ID: c.role, Level: policy.Standard}
			if is.Views {
				r.Grants = []policy.Grant{{Module: policy.ModAccount, Action: policy.View, Scope: policy.Own}}
			}
			if err := stagePut(s, items[2], r); err != nil {
				return err
			}
			return access.Raise(s, row, items[0].Version, func(t *principal.Tenant) { t.AuthzVer++ })
		}
		p := principal.Place{User: c.user, Active: is.Active}
		if is.Holds {
			p.Roles = []id.Role{c.role}
		}
		status := principal.UserInactive
		if is.Active {
			status = principal.UserActive
		}
		if err := stagePut(s, items[1], standing{principal.Standing{Place: p, Status: status}, c.tenant}); err != nil {
			return err
		}
		b, err := json.Marshal(p)
		s.Put(table.Item{Key: key.Place(c.tenant, c.user), Doc: b}, table.Always, nil)
		if err != nil {
			return err
		}
		return access.Raise(s, row, items[0].Version, func(t *principal.Tenant) { t.OrgVer++ })
	})
}

// stagePut puts the document in the place of the one that was read.
func stagePut(s *change.Set, was table.Item, doc any) error {
	b, err := json.Marshal(doc)
	version := was.Version
	was.Doc = b
	s.Put(was, table.VersionIs(version), nil)
	return err
}

// share stages the grant on the account, or its end.
func (c *contest) share(s *change.Set, it table.Item, on bool) error {
	doc := map[string]any{}
	if err := json.Unmarshal(it.Doc, &doc); err != nil {
		return err
	}
	delete(doc, "grants")
	g := policy.RecordGrant{Kind: policy.KindShare, To: policy.ToUser(c.user), On: policy.ActView}
	at := key.Listed{Tenant: c.tenant, Account: c.acct, Updated: c.world.Now.Add(c.shift), Owner: c.world.Users[0].ID}
	own := grantItem(c.tenant, at, g, false)
	if on {
		doc["grants"] = []policy.RecordGrant{g}
		b, err := json.Marshal(grantDoc{RecordGrant: g, Account: c.acct, Tenant: c.tenant})
		if err != nil {
			return err
		}
		own.Doc = b
		s.Put(own, table.Always, nil)
	} else {
		s.Delete(own.Key, table.Always, nil)
	}
	return stagePut(s, it, doc)
}

// turns are how a writer changes the rights: step by step, so that every state is one that somebody meant.
type turns func(r *rand.Rand, now rights) rights

// fight has the user read, by several requests at once, while their rights change, and gives what the model says of the history. Reads are
// handed out with each change, so that as many run beside each, however busy the machine is.
func (c *contest) fight(t *testing.T, first rights, next turns, keep bool) porcupine.CheckResult {
	t.Helper()
	const readers, changes, beside = 4, 150, 12
	now := rights{}
	for _, to := range []rights{{Active: first.Active}, {Active: first.Active, Holds: first.Holds}, {first.Active, first.Holds, first.Views, false}, first} {
		if err := c.change(t.Context(), now, to); err != nil {
			t.Fatal(err)
		}
		now = to
	}
	turn := make(chan struct{}, beside)
	var all, some sync.WaitGroup
	for n := range readers {
		kept, err := c.subject(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !keep {
			kept = nil
		}
		all.Go(func() {
			for range turn {
				call := time.Since(c.base)
				seen, err := c.read(t.Context(), n%2 == 1, kept)
				if err != nil {
					t.Error(err)
				}
				c.note(n+1, call, step{}, seen)
				some.Done()
			}
		})
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range changes {
		some.Add(beside)
		for range beside {
			turn <- struct{}{}
		}
		call, to := time.Since(c.base), next(r, now)
		if err := c.change(t.Context(), now, to); err != nil {
			t.Error(err)
			break
		}
		c.note(0, call, step{true, to}, nil)
		now = to
		some.Wait()
	}
	close(turn)
	all.Wait()
	allowed := 0
	for _, op := range c.ops {
		if op.Output == true {
			allowed++
		}
	}
	if allowed == 0 && first.allow() {
		t.Error("nothing was ever seen: the history tells nothing")
	}
	t.Logf("%d changes, %d reads, %d of them allowed", changes, len(c.ops)-changes, allowed)
	return porcupine.CheckOperationsTimeout(oneAfterTheOther(first), c.ops, 30*time.Second)
}

// The races: what changes while the user reads.
var races = map[string]struct {
	first rights
	next  turns
}{
	"status":       {rights{true, true, true, true}, func(_ *rand.Rand, now rights) rights { now.Active = !now.Active; return now }},
	"role held":    {rights{true, true, true, true}, func(_ *rand.Rand, now rights) rights { now.Holds = !now.Holds; return now }},
	"role changed": {rights{true, true, true, true}, func(_ *rand.Rand, now rights) rights { now.Views = !now.Views; return now }},
	"share":        {rights{true, true, true, true}, func(_ *rand.Rand, now rights) rights { now.Granted = !now.Granted; return now }},
	// Never both at once: who holds the role finds nothing in it, and it is filled only when they have lost it.
	"role taken, then widened": {rights{true, true, false, true}, func(_ *rand.Rand, now rights) rights {
		switch {
		case now.Holds && now.Views:
			now.Views = false
		case now.Holds:
			now.Holds = false
		case !now.Views:
			now.Views = true
		default:
			now.Views = false
		}
		return now
	}},
	"role and status at random": {rights{true, true, true, true}, func(r *rand.Rand, now rights) rights {
		switch r.IntN(3) {
		case 0:
			now.Active = !now.Active
		case 1:
			now.Holds = !now.Holds
		case 2:
			now.Views = !now.Views
		}
		return now
	}},
}

// TestRevokeThenRead is I3: under changes of status, role, assignment and share, what is read was allowed at some instant of the request.
func TestRevokeThenRead(t *testing.T) {
	for name, race := range races {
		t.Run(name, func(t *testing.T) {
			if got := newContest(t).fight(t, race.first, race.next, false); got != porcupine.Ok {
				t.Errorf("no order of the changes explains what was read: %v", got)
			}
		})
	}
}

// TestRevokeThenReadFindsAKeptSubject shows that the races find a subject that outlives its request.
func TestRevokeThenReadFindsAKeptSubject(t *testing.T) {
	for _, name := range []string{"status", "role held", "role changed"} {
		t.Run(name, func(t *testing.T) {
			if got := newContest(t).fight(t, races[name].first, races[name].next, true); got != porcupine.Illegal {
				t.Errorf("a kept subject passes: %v", got)
			}
		})
	}
}
