package account_test

import (
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// staff is a world whose subjects are loaded by access from what is stored, at each question anew: what somebody is granted bites on their
// next request.
type staff struct {
	*world
	boss   id.User // may everything with every account
	clerks id.Role // may view and edit what is theirs
}

func newStaff(t testing.TB) *staff {
	t.Helper()
	s := &staff{world: newWorld(t)}
	s.boss = s.hire(t, "", "", s.role(t, everything(policy.All).Grants...))
	s.clerks = s.role(t, grants(policy.Own, policy.View, policy.Update, policy.Delete)...)
	return s
}

// grants are those of the actions on accounts.
func grants(in policy.Scope, actions ...policy.Action) []policy.Grant {
	var out []policy.Grant
	for _, a := range actions {
		out = append(out, policy.Grant{Module: policy.ModAccount, Action: a, Scope: in})
	}
	return out
}

func (s *staff) role(t testing.TB, g ...policy.Grant) id.Role {
	t.Helper()
	r := policy.Role{ID: id.New[id.Role](s.IDs), Level: policy.Admin, Grants: g}
	s.Commit(t, table.Put(item(t, key.Role(s.row.ID, r.ID), r), table.Absent))
	s.moved(t)
	return r.ID
}

// hire makes an active user who holds the roles.
func (s *staff) hire(t testing.TB, dept id.Department, manager id.User, roles ...id.Role) id.User {
	t.Helper()
	u := s.user(t, principal.UserActive, dept, manager)
	s.place(t, u, func(doc map[string]any) { doc["roleIds"] = roles })
	return u
}

// clerk makes one who sees nothing but what is theirs or granted.
func (s *staff) clerk(t testing.TB, dept id.Department, manager id.User) id.User {
	t.Helper()
	return s.hire(t, dept, manager, s.clerks)
}

// place changes where a user sits, in both of its places.
func (s *staff) place(t testing.TB, u id.User, edit func(map[string]any)) {
	t.Helper()
	s.Edit(t, key.User(s.row.ID, u), edit)
	s.Edit(t, key.Place(s.row.ID, u), edit)
	s.moved(t)
}

// set gives a user another status.
func (s *staff) set(t testing.TB, u id.User, status principal.UserStatus) {
	t.Helper()
	s.Edit(t, key.User(s.row.ID, u), func(doc map[string]any) { doc["status"] = string(status) })
	s.place(t, u, func(doc map[string]any) { doc["active"] = status == principal.UserActive })
}

// moved makes access see a changed organisation.
func (s *staff) moved(t testing.TB) {
	t.Helper()
	s.Edit(t, key.Tenant(s.row.ID), func(doc map[string]any) {
		doc["authzVer"], doc["orgVer"] = doc["authzVer"].(float64)+1, doc["orgVer"].(float64)+1
	})
}

// who gives the user as they ask now.
func (s *staff) who(t testing.TB, u id.User) *policy.Subject {
	t.Helper()
	now := s.Now()
	claims := identity.Claims{Name: identity.NameOf(s.row.ID, u), Session: "session", AuthTime: now}
	x, err := s.access.Subject(t.Context(), claims, principal.Principal{Locale: "en", Operation: "test.operation", At: now})
	must(t, err)
	return x
}

// do runs a change as the user, as edge does: the subject is loaded for each attempt.
func (s *staff) do(t testing.TB, u id.User, stage func(*policy.Subject, *change.Set) error) error {
	t.Helper()
	p := principal.Principal{Tenant: s.row.ID, User: u, Operation: "test.operation"}
	return s.run(t.Context(), &policy.Subject{Principal: p}, func(c *change.Set) error { return stage(s.who(t, u), c) })
}

func (s *staff) give(t testing.TB, by id.User, a id.Account, asked account.Asked) (g *account.Given, err error) {
	t.Helper()
	err = s.do(t, by, func(who *policy.Subject, c *change.Set) (err error) {
		g, err = s.accounts.Give(t.Context(), who, c, a, 0, asked)
		return err
	})
	return g, err
}

func (s *staff) gives(t testing.TB, by id.User, a id.Account, asked account.Asked) *account.Given {
	t.Helper()
	g, err := s.give(t, by, a, asked)
	must(t, err)
	return g
}

func (s *staff) revoke(t testing.TB, by id.User, a id.Account, kind policy.GrantKind, grantee string) error {
	t.Helper()
	return s.do(t, by, func(who *policy.Subject, c *change.Set) error {
		return s.accounts.Revoke(t.Context(), who, c, a, 0, kind, grantee)
	})
}

// owned makes an account of the owner's.
func (s *staff) owned(t testing.TB, owner id.User) *account.Account {
	t.Helper()
	return s.create(t, s.who(t, s.boss), owner)
}

// sees reports whether the user sees the account, and fails unless get, list and count are of one mind.
func (s *staff) sees(t testing.TB, u id.User, a id.Account) bool {
	t.Helper()
	who := s.who(t, u)
	_, err := s.accounts.Get(t.Context(), who, a)
	if err != nil && !fault.Is(err, "not_found") {
		t.Fatal(err)
	}
	p, err := s.accounts.List(t.Context(), who, account.Query{Limit: 100, Count: true})
	must(t, err)
	listed := slices.ContainsFunc(p.Items, func(x account.Account) bool { return x.ID == a })
	_, got := s.accounts.Get(t.Context(), who, a)
	if listed != (got == nil) || p.Count.Value != len(p.Items) || !p.Count.Exact {
		t.Errorf("get says %v, the list %v, and it has %d of which %+v are counted", got, listed, len(p.Items), p.Count)
	}
	return listed
}

// may reports what the account, as it is stored, lets the user do: some of v, e and d.
func (s *staff) may(t testing.TB, u id.User, a id.Account) string {
	t.Helper()
	out := ""
	if s.sees(t, u, a) {
		out = "v"
	}
	who := s.who(t, u)
	err := s.run(t.Context(), who, func(c *change.Set) error {
		_, err := s.accounts.Update(t.Context(), who, c, a, 0, account.Patch{})
		return err
	})
	if err == nil {
		out += "e"
	}
	return out
}

// stored is what the account's document says of its grants.
func (s *staff) stored(t testing.TB, a id.Account) (inOrder, more int) {
	t.Helper()
	items, err := s.Table.Get(t.Context(), key.Account(s.row.ID, a))
	must(t, err)
	var doc struct {
		Grants []policy.RecordGrant `json:"grants"`
		More   int                  `json:"moreGrants"`
	}
	must(t, json.Unmarshal(items[0].Doc, &doc))
	return len(doc.Grants), doc.More
}

// in is a time ahead, as drafts have it.
func (s *staff) in(d time.Duration) string { return s.Now().Add(d).UTC().Format(time.RFC3339) }
