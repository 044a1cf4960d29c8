package policytest_test

import (
	"context"
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
	now   rights

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

// to brings the rights to each of the states in turn, thing by thing.
func (c *contest) to(ctx context.Context, states ...rights) error {
	for _, want := range states {
		for _, is := range []rights{
			{want.Active, c.now.Holds, c.now.Views, c.now.Granted},
			{want.Active, want.Holds, c.now.Views, c.now.Granted},
			{want.Active, want.Holds, want.Views, c.now.Granted},
			want,
		} {
			if is == c.now {
				continue
			}
			if err := c.change(ctx, c.now, is); err != nil {
				return err
			}
			c.now = is
		}
	}
	return nil
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

// fight has the user read, by several requests at once, while their rights change, and gives what the model says of the history. The
// rights go round a course. Reads are handed out with each change, so that as many run beside each, however busy the machine is.
func (c *contest) fight(t *testing.T, course []rights, keep bool) porcupine.CheckResult {
	t.Helper()
	first := course[len(course)-1]
	const readers, rounds, beside = 4, 40, 12
	if err := c.to(t.Context(), course...); err != nil {
		t.Fatal(err)
	}
	turn := make(chan struct{}, beside*len(course))
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
				switch {
				case err == nil:
					c.note(n+1, call, step{}, seen)
				case !fault.Is(err, "busy"): // told to come again, for rights changed each time that they were read: that says nothing
					t.Error(err)
				}
				some.Done()
			}
		})
	}
	hand := func(n int) {
		some.Add(n)
		for range n {
			turn <- struct{}{}
		}
	}
	for n := range rounds {
		for _, to := range course {
			hand(beside)
			call := time.Since(c.base)
			if err := c.to(t.Context(), to); err != nil {
				t.Error(err)
			}
			c.note(0, call, step{true, to}, nil)
			if n%2 == 0 { // no state goes unread; in the other rounds several changes may fall into one request
				some.Wait()
				hand(readers)
				some.Wait()
			}
		}
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
	t.Logf("%d changes and reads, %d of them allowed reads", len(c.ops), allowed)
	return porcupine.CheckOperationsTimeout(oneAfterTheOther(first), c.ops, 30*time.Second)
}

// The races: what rights go through, one change at a time, while the user reads. The last is where they start.
var races = map[string][]rights{
	"status":       {{false, true, true, true}, {true, true, true, true}},
	"role held":    {{true, false, true, true}, {true, true, true, true}},
	"role changed": {{true, true, false, true}, {true, true, true, true}},
	"share":        {{true, true, true, false}, {true, true, true, true}},
	// Who holds the role never finds anything in it.
	"role taken, then widened": {{true, false, false, true}, {true, false, true, true}, {true, false, false, true}, {true, true, false, true}},
	"inactive, then widened":   {{false, true, false, true}, {false, true, true, true}, {false, true, false, true}, {true, true, false, true}},
	"all in turn": {
		{false, true, true, true},
		{false, false, true, true},
		{true, false, true, true},
		{true, false, false, true},
		{true, true, false, true},
		{true, true, true, true},
	},
}

// TestRevokeThenRead is I3: under changes of status, role, assignment and share, what is read was allowed at some instant of the request.
func TestRevokeThenRead(t *testing.T) {
	for name, course := range races {
		t.Run(name, func(t *testing.T) {
			if got := newContest(t).fight(t, course, false); got != porcupine.Ok {
				t.Errorf("no order of the changes explains what was read: %v", got)
			}
		})
	}
}

// TestRevokeThenReadFindsAKeptSubject shows that the races find a subject that outlives its request.
func TestRevokeThenReadFindsAKeptSubject(t *testing.T) {
	for _, name := range []string{"status", "role held", "role changed"} {
		t.Run(name, func(t *testing.T) {
			if got := newContest(t).fight(t, races[name], true); got != porcupine.Illegal {
				t.Errorf("a kept subject passes: %v", got)
			}
		})
	}
}
