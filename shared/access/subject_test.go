package access_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
)

// TestSubjectHoldsDirectAndPostRoles: the union of both, at the user's place (R02, R05, O03).
func TestSubjectHoldsDirectAndPostRoles(t *testing.T) {
	w := newWorld(t)
	top := w.department("")
	mid := w.department(top)
	low := w.department(mid)
	direct, byPost := w.role(grant(policy.View, policy.Subtree)), w.role(grant(policy.Update, policy.Reports))
	boss := w.user(principal.Standing{Place: principal.Place{
		Department: mid, Roles: []id.Role{direct, "role_unknown"}, Posts: []id.Post{w.post(mid, byPost), "post_unknown"},
	}})
	report := w.user(principal.Standing{Place: principal.Place{Manager: boss, Department: top}})
	deep := w.user(principal.Standing{Place: principal.Place{Manager: report}})

	s := w.subject(boss)
	if s.Tenant != w.tenant || s.User != boss || s.Session != "s1" || s.RequestID != "req_1" || s.Operation != "test" {
		t.Errorf("principal: %+v", s.Principal)
	}
	row, version := w.row()
	if s.OrgVersion != version || s.Org.OrgVer != row.OrgVer || s.SelfVersion != 1 || s.Self.Department != mid {
		t.Errorf("rows: %d, %+v, %d, %+v", s.OrgVersion, s.Org, s.SelfVersion, s.Self)
	}
	if got := s.ReportIDs(); !slices.Equal(got, []id.User{report, deep}) {
		t.Errorf("reports: %v", got)
	}
	if got := s.DepartmentIDs(policy.Subtree); !slices.Equal(got, []id.Department{mid, low}) {
		t.Errorf("departments: %v", got)
	}
	for says, c := range map[string]struct {
		action policy.Action
		on     policy.Resource
		want   bool
	}{
		"view below, by the direct role":        {policy.View, policy.Resource{Department: low}, true},
		"view above":                            {policy.View, policy.Resource{Department: top}, false},
		"edit a report's report's, by the post": {policy.Update, policy.Resource{Owner: deep}, true},
		"edit in the department":                {policy.Update, policy.Resource{Department: mid}, false},
		"delete":                                {policy.Delete, policy.Resource{Owner: boss}, false},
	} {
		if got := w.allowed(boss, c.action, c.on); got != c.want {
			t.Errorf("%s: %v", says, got)
		}
	}
}

// TestSubjectRefuses: who is let in is decided by what is stored now (I5, U08, R11).
func TestSubjectRefuses(t *testing.T) {
	w := newWorld(t)
	standing := func(s principal.UserStatus, after time.Time) id.User {
		return w.user(principal.Standing{Status: s, SessionsAfter: after})
	}
	active := standing(principal.UserActive, time.Time{})
	signedIn := w.claims(active).AuthTime
	revoked := standing(principal.UserActive, time.Time{})
	w.put(key.RevokedSession(w.tenant, revoked, "s1"), struct{}{})
	other := newWorldTenant(w)
	gone := id.New[id.Tenant](w.ids) // of which a user was left over
	w.put(key.User(gone, active), principal.Standing{Place: principal.Place{User: active, Active: true}, Status: principal.UserActive})

	edit := func(c identity.Claims, f func(*identity.Claims)) identity.Claims { f(&c); return c }
	for says, c := range map[string]struct {
		claims identity.Claims
		kind   fault.Kind
		code   string
	}{
		"active":                          {w.claims(active), 0, ""},
		"active, another sign-in revoked": {edit(w.claims(revoked), func(c *identity.Claims) { c.Session = "s2" }), 0, ""},
		"sign-in revoked":                 {w.claims(revoked), fault.Unauthenticated, "token_invalid"},
		"no session in the token":         {edit(w.claims(active), func(c *identity.Claims) { c.Session = "" }), fault.Unauthenticated, "token_invalid"},
		"no such user":                    {w.claims(id.New[id.User](w.ids)), fault.Unauthenticated, "token_invalid"},
		"no such tenant": {edit(w.claims(active), func(c *identity.Claims) {
			c.Name = identity.NameOf(id.New[id.Tenant](w.ids), active)
		}), fault.Unauthenticated, "token_invalid"},
		"a tenant without a row":   {edit(w.claims(active), func(c *identity.Claims) { c.Name = identity.NameOf(gone, active) }), fault.Unauthenticated, "token_invalid"},
		"a user of another tenant": {edit(w.claims(active), func(c *identity.Claims) { c.Name = identity.NameOf(other, active) }), fault.Unauthenticated, "token_invalid"},
		"a name that is none":      {edit(w.claims(active), func(c *identity.Claims) { c.Name = "root" }), fault.Unauthenticated, "token_invalid"},
		"deleted":                  {w.claims(standing(principal.UserDeleted, time.Time{})), fault.Unauthenticated, "token_invalid"},
		"invited":                  {w.claims(standing(principal.UserInvited, time.Time{})), fault.Unauthenticated, "account_inactive"},
		"deactivated":              {w.claims(standing(principal.UserInactive, signedIn.Add(time.Minute))), fault.Unauthenticated, "account_inactive"},
		"sessions ended later":     {w.claims(standing(principal.UserActive, signedIn.Add(time.Second))), fault.Unauthenticated, "token_invalid"},
		"sessions ended in the same second": {
			w.claims(standing(principal.UserActive, signedIn.Add(999*time.Millisecond))), fault.Unauthenticated, "token_invalid",
		},
		"sessions ended the second before": {w.claims(standing(principal.UserActive, signedIn.Add(-time.Millisecond))), 0, ""},
	} {
		s, err := w.access.Subject(t.Context(), c.claims, principal.Principal{})
		if c.code == "" && (err != nil || s == nil) || c.code != "" && (s != nil || !fault.Is(err, c.code) || !fault.IsKind(err, c.kind)) {
			t.Errorf("%s: %v", says, err)
		}
	}
	for _, status := range []principal.TenantStatus{principal.TenantProvisioning, principal.TenantSuspended, principal.TenantCancelled} {
		row, _ := w.row()
		row.Status = status
		w.put(key.Tenant(w.tenant), row)
		if _, err := w.access.Subject(t.Context(), w.claims(active), principal.Principal{}); !fault.Is(err, "tenant_suspended") || !fault.IsKind(err, fault.Denied) {
			t.Errorf("%s: %v", status, err)
		}
	}
}

// newWorldTenant adds an active tenant without users.
func newWorldTenant(w *world) id.Tenant {
	x := id.New[id.Tenant](w.ids)
	w.put(key.Tenant(x), principal.Tenant{ID: x, Status: principal.TenantActive})
	return x
}

// TestNextRequestSeesTheChange: nothing is decided from what a cache remembers of an older version (I5, U11).
func TestNextRequestSeesTheChange(t *testing.T) {
	w := newWorld(t)
	sales, north := w.department(""), w.department("")
	viewer := w.role(grant(policy.View, policy.Department))
	post := w.post(sales, viewer)
	ann := principal.Standing{Place: principal.Place{User: id.New[id.User](w.ids), Department: sales, Posts: []id.Post{post}}}
	w.user(ann)
	inSales, inNorth := policy.Resource{Department: sales}, policy.Resource{Department: north}
	want := func(says string, sees, seesNorth bool) {
		t.Helper()
		if got, gotNorth := w.allowed(ann.User, policy.View, inSales), w.allowed(ann.User, policy.View, inNorth); got != sees || gotNorth != seesNorth {
			t.Errorf("%s: sales %v, north %v", says, got, gotNorth)
		}
	}
	want("at first", true, false)
	ann.Department = north
	w.user(ann)
	want("moved", false, true)
	w.raised(w.item(key.Role(w.tenant, viewer), policy.Role{ID: viewer, Grants: []policy.Grant{grant(policy.View, policy.All)}}))
	want("role widened", true, true)
	w.raised(w.item(key.Role(w.tenant, viewer), policy.Role{ID: viewer}))
	want("role emptied", false, false)
	wide := w.role(grant(policy.View, policy.All))
	w.raised(w.item(key.Post(w.tenant, post), access.Post{ID: post, Department: sales, Roles: []id.Role{wide}}))
	want("post given another role", true, true)
	ann.Posts = nil
	w.user(ann)
	want("taken from the post", false, false)

	bob := w.user(principal.Standing{})
	ann.Roles = []id.Role{w.role(grant(policy.View, policy.Reports))}
	w.user(ann)
	if w.allowed(ann.User, policy.View, policy.Resource{Owner: bob}) {
		t.Error("sees a stranger's")
	}
	w.user(principal.Standing{Place: principal.Place{User: bob, Manager: ann.User}})
	if !w.allowed(ann.User, policy.View, policy.Resource{Owner: bob}) {
		t.Error("does not see a new report's")
	}

	// Deactivated, robbed of the role meanwhile, reactivated: the right does not come back.
	ann.Status = principal.UserInactive
	w.user(ann)
	if _, err := w.access.Subject(t.Context(), w.claims(ann.User), principal.Principal{}); !fault.Is(err, "account_inactive") {
		t.Errorf("deactivated: %v", err)
	}
	ann.Status, ann.Roles = principal.UserActive, nil
	w.user(ann)
	if w.allowed(ann.User, policy.View, policy.Resource{Owner: bob}) {
		t.Error("a removed right came back with the reactivation")
	}
}

// TestWarmSubjectIsOneGet: with the snapshot cached a request reads the rows that may end it, in one call, and nothing else; another user
// of the tenant shares the snapshot.
func TestWarmSubjectIsOneGet(t *testing.T) {
	w := newWorld(t)
	r := w.role(grant(policy.View, policy.Own))
	ann := w.user(principal.Standing{Place: principal.Place{Roles: []id.Role{r}}})
	bob := w.user(principal.Standing{Place: principal.Place{Roles: []id.Role{r}}})
	first := w.subject(ann)
	w.meet(nil)
	again := w.subject(ann)
	w.subject(bob)
	if gets, queries := w.count("get"), w.count("query"); gets != 2 || queries != 0 {
		t.Errorf("%d gets and %d queries for two warm requests", gets, queries)
	}
	if first.Rights != again.Rights {
		t.Error("the rights were compiled twice")
	}
}

// TestTornReadGrantsNothing: a role is taken from a post, and only then widened, between the reads of one load. Whoever holds the post
// never had the wide role, so half of one state and half of the next must not give it to them (I3).
func TestTornReadGrantsNothing(t *testing.T) {
	w := newWorld(t)
	narrow := w.role()
	post := w.post(w.department(""), narrow)
	ann := w.user(principal.Standing{Place: principal.Place{Posts: []id.Post{post}}})
	queries := 0
	w.meet(func(c local.Call) error {
		if c.Op != "query" {
			return nil
		}
		if queries++; queries == 2 { // the organisation was read, the roles were not
			w.raised(w.item(key.Post(w.tenant, post), access.Post{ID: post}))
			w.raised(w.item(key.Role(w.tenant, narrow), policy.Role{ID: narrow, Grants: []policy.Grant{grant(policy.Delete, policy.All)}}))
		}
		return nil
	})
	if w.allowed(ann, policy.Delete, policy.Resource{}) {
		t.Error("a right was granted that nobody ever gave")
	}
}

// TestRowsOlderThanTheSnapshot: the same, with the role held directly and the change between the user's row and the snapshot.
func TestRowsOlderThanTheSnapshot(t *testing.T) {
	w := newWorld(t)
	narrow := w.role()
	ann := w.user(principal.Standing{Place: principal.Place{Roles: []id.Role{narrow}}})
	done := false
	w.meet(func(c local.Call) error {
		if c.Op == "query" && !done {
			done = true
			w.user(principal.Standing{Place: principal.Place{User: ann}})
			w.raised(w.item(key.Role(w.tenant, narrow), policy.Role{ID: narrow, Grants: []policy.Grant{grant(policy.Delete, policy.All)}}))
		}
		return nil
	})
	if w.allowed(ann, policy.Delete, policy.Resource{}) {
		t.Error("a right was granted that nobody ever gave")
	}
}

// TestNeverStill: when every load is met by another change that leaves nothing in the journal, the answer is busy and not a guess.
func TestNeverStill(t *testing.T) {
	w := newWorld(t)
	ann := w.user(principal.Standing{})
	w.meet(func(c local.Call) error {
		if c.Op == "query" {
			w.raised()
		}
		return nil
	})
	if _, err := w.access.Subject(t.Context(), w.claims(ann), principal.Principal{}); !fault.Is(err, "busy") {
		t.Errorf("%v", err)
	}
	w.meet(nil)
	w.subject(ann)
}

// TestNeverAtOnePlace: when the user is moved on between their row and the snapshot each time, no state that ever was is in hand: busy, too.
func TestNeverAtOnePlace(t *testing.T) {
	w := newWorld(t)
	roles := []id.Role{w.role(), w.role()}
	ann := w.user(principal.Standing{Place: principal.Place{Roles: roles[:1]}})
	moves, moving := 0, false
	w.meet(func(c local.Call) error {
		rows, load := c.Op == "get" && slices.Contains(c.Keys, key.User(w.tenant, ann)), c.Op == "query" && c.Query.PK == key.Organisation(w.tenant)
		if !moving && (rows || load && moves%2 == 1) { // before the rows are read, and once before the organisation is
			moving = true
			defer func() { moving = false }()
			moves++
			w.user(principal.Standing{Place: principal.Place{User: ann, Roles: roles[moves%2 : moves%2+1]}})
		}
		return nil
	})
	if _, err := w.access.Subject(t.Context(), w.claims(ann), principal.Principal{}); !fault.Is(err, "busy") {
		t.Errorf("%v", err)
	}
	w.meet(nil)
	w.subject(ann)
}

// TestOneLoadForAll: any number of requests that find the snapshot missing share one load, and the end of the request that began it
// ends none of the others.
func TestOneLoadForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ann := w.user(principal.Standing{})
		gate := make(chan struct{})
		w.meet(func(c local.Call) error {
			if c.Op == "query" {
				<-gate
			}
			return nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		first := make(chan error)
		go func() {
			_, err := w.access.Subject(ctx, w.claims(ann), principal.Principal{})
			first <- err
		}()
		synctest.Wait()
		const n = 20
		rest := make(chan error, n)
		for range n {
			go func() {
				_, err := w.access.Subject(t.Context(), w.claims(ann), principal.Principal{})
				rest <- err
			}()
		}
		synctest.Wait()
		cancel()
		if err := <-first; err == nil {
			t.Error("a request that ended was answered")
		}
		close(gate)
		for range n {
			if err := <-rest; err != nil {
				t.Error(err)
			}
		}
		if q := w.count("query"); q != 4 { // the organisation; roles, categories, marks of grantees
			t.Errorf("%d queries for %d requests", q, n+1)
		}
	})
}

// TestTableOutOfOrder: what the table answers is passed on; what cannot be read is internal; none of it lets anybody in.
func TestTableOutOfOrder(t *testing.T) {
	for _, op := range []string{"get", "query"} {
		w := newWorld(t)
		ann := w.user(principal.Standing{})
		w.meet(func(c local.Call) error {
			if c.Op == op {
				return local.Throttled()
			}
			return nil
		})
		if s, err := w.access.Subject(t.Context(), w.claims(ann), principal.Principal{}); s != nil || !fault.IsKind(err, fault.Unavailable) {
			t.Errorf("%s: %v", op, err)
		}
		w.meet(nil)
		w.subject(ann)
	}
	for says, k := range map[string]func(w *world, u id.User) table.Key{
		"user":       func(w *world, u id.User) table.Key { return key.User(w.tenant, u) },
		"tenant":     func(w *world, _ id.User) table.Key { return key.Tenant(w.tenant) },
		"place":      func(w *world, u id.User) table.Key { return key.Place(w.tenant, u) },
		"role":       func(w *world, _ id.User) table.Key { return key.Role(w.tenant, "role_1") },
		"department": func(w *world, _ id.User) table.Key { return key.Department(w.tenant, "dept_1") },
		"post":       func(w *world, _ id.User) table.Key { return key.Post(w.tenant, "post_1") },
	} {
		w := newWorld(t)
		ann := w.user(principal.Standing{})
		w.put(k(w, ann), map[string]any{"id": 5, "userId": 5})
		if s, err := w.access.Subject(t.Context(), w.claims(ann), principal.Principal{}); s != nil || !fault.IsKind(err, fault.Internal) {
			t.Errorf("%s: %v", says, err)
		}
	}
}

// BenchmarkSubject is what authorising costs a warm request: one Get and the decoding of two rows.
func BenchmarkSubject(b *testing.B) {
	w := newWorld(b)
	r := w.role(grant(policy.View, policy.Own))
	ann := w.user(principal.Standing{Place: principal.Place{Roles: []id.Role{r}}})
	c := w.claims(ann)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.access.Subject(b.Context(), c, principal.Principal{}); err != nil {
			b.Fatal(err)
		}
	}
}
