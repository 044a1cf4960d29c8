package account_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/metered"
)

// listBy reads the list to its end, each page by the way that it is asked for.
func (w *estate) listBy(t *testing.T, who *policy.Subject, limit, most int, way func() string) (out []id.Account, any bool) {
	t.Helper()
	out = []id.Account{}
	q := account.Query{Limit: limit}
	for range 1_000 {
		name := way()
		p, ok, err := w.accounts.ListBy(t.Context(), who, q, name, most)
		must(t, err)
		if !ok && name == account.Teamed {
			p, ok, err = w.accounts.ListBy(t.Context(), who, q, account.Merged, most)
			must(t, err)
		}
		if !ok {
			return nil, false
		}
		for _, a := range p.Items {
			out = append(out, a.ID)
		}
		if q.After = p.Next; q.After == "" {
			return out, true
		}
	}
	t.Fatal("the list does not end")
	return nil, false
}

// TestEveryWayListsTheSame: whatever moved, each way to plan a list gives everybody the accounts that Get answers and no others, in order and once,
// also when the way changes between pages or gives up in the middle of one.
func TestEveryWayListsTheSame(t *testing.T) {
	ways := []string{account.Merged, account.Teamed, account.Walked}
	for seed := range uint64(16) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := newEstate(t, seed)
			for range 6 {
				for range 8 {
					w.act(t)
				}
				for _, u := range append([]id.User{w.boss}, w.people...) {
					who := w.who(t, u)
					if !who.Self.Active {
						continue
					}
					want := w.seen(t, who)
					if got := w.pages(t, who, account.Query{Limit: 1 + w.rand.IntN(9)}, nil); !slices.Equal(got, want) {
						t.Fatalf("%v %s, as it is planned: %v\nwant %v", w.scopeOf(u), u, got, want)
					}
					for _, way := range append(ways, "each in turn") {
						limit, most := 1+w.rand.IntN(9), pick(w.rand, []int{1, 10, 1000})
						next := func() string { return way }
						if way == "each in turn" {
							next = func() string { return pick(w.rand, ways) }
						}
						if got, any := w.listBy(t, who, limit, most, next); any && !slices.Equal(got, want) {
							t.Fatalf("%v %s, by %s, limit %d, most %d: %v\nwant %v", w.scopeOf(u), u, way, limit, most, got, want)
						}
					}
				}
			}
		})
	}
}

// TestMoveBesideWrite: an account that was judged by where its owner sat is found although the owner moves before it is committed, or after.
func TestMoveBesideWrite(t *testing.T) {
	for _, write := range []string{"create", "transfer", "department"} {
		for _, moves := range []struct {
			name     string
			from, to int
		}{{"to another department", 1, 2}, {"to none", 1, 0}, {"from none", 0, 1}, {"there and back", 1, 1}} {
			for _, first := range []string{"the move", "the write"} {
				t.Run(write+", "+moves.name+", "+first+" first", func(t *testing.T) {
					w := newEstate(t, 0)
					lead := w.user(t, principal.UserActive, w.depts[3], "")
					owner, other := w.user(t, principal.UserActive, w.depts[moves.from], lead), w.user(t, principal.UserActive, w.depts[3], "")
					w.user(t, principal.UserActive, w.depts[moves.to], lead) // of a single one the owner's own accounts are read, and not the department's
					w.people = []id.User{lead}
					who := w.who(t, w.boss)
					its := w.create(t, who, other, func(d *account.Draft) { d.Department = patch.Of(string(w.depts[1])) }).ID
					if write == "department" {
						its = w.create(t, who, owner, func(d *account.Draft) { d.Department = patch.Of(string(w.depts[2])) }).ID
					}
					c := change.New(who.Principal, w.IDs, w.Now())
					var err error
					switch write {
					case "create":
						var a *account.Account
						a, err = w.accounts.Create(t.Context(), who, c, account.Draft{
							Name: "Lotus Trading", Owner: patch.Of(string(owner)), Department: patch.Of(string(w.depts[1])),
						})
						must(t, err)
						its = a.ID
					case "transfer":
						_, err = w.accounts.SetOwner(t.Context(), who, c, its, 0, account.OwnerDraft{Owner: string(owner)})
					case "department":
						_, err = w.accounts.Update(t.Context(), who, c, its, 0, account.Patch{Department: patch.Of(string(w.depts[1]))})
					}
					must(t, err)
					move := func() {
						if moves.from == moves.to {
							w.move(t, owner, w.depts[2])
						}
						w.move(t, owner, w.depts[moves.to])
					}
					if first == "the move" {
						move()
					}
					must(t, c.Commit(t.Context(), w.Table))
					if first == "the write" {
						move()
					}
					reader := w.who(t, lead)
					if sits := reader.SeatOf(owner); sits != w.depts[moves.to] {
						t.Fatalf("the owner sits in %q", sits)
					}
					for _, way := range []string{account.Merged, account.Teamed, account.Walked} {
						got, any := w.listBy(t, reader, 5, 1000, func() string { return way })
						if !any || !slices.Contains(got, its) {
							t.Errorf("by %s: %v, %t; want %s among them", way, got, any, its)
						}
					}
				})
			}
		}
	}
}

// TestStraysLieApart holds where accounts lie: those that lie where their owner sits among all, the others in shards of their own, unless the
// tenant had accounts before there were such shards. Then they all lie as they did, and no list is planned by departments.
func TestStraysLieApart(t *testing.T) {
	for _, marked := range []bool{true, false} {
		w := newWorld(t, func(row *principal.Tenant) { row.Shards, row.Strays = 8, marked })
		lead := w.user(t, principal.UserActive, "", "")
		home, away := w.department(t, ""), w.department(t, "")
		owner := w.user(t, principal.UserActive, home, lead)
		boss := w.as(lead, everything(policy.All))
		entries := func() (settled, stray int) {
			for n := range 8 {
				p, err := w.Table.Query(t.Context(), table.Query{Index: table.G1, PK: key.TenantAccounts(w.row.ID, n), Limit: 100})
				must(t, err)
				settled += len(p.Items)
				p, err = w.Table.Query(t.Context(), table.Query{Index: table.G1, PK: key.StrayAccounts(w.row.ID, n), Limit: 100})
				must(t, err)
				if stray += len(p.Items); n > 1 && len(p.Items) > 0 {
					t.Error("eight shards have more than two of stray accounts")
				}
			}
			return settled, stray
		}
		w.create(t, boss, owner)
		for range 5 {
			w.create(t, boss, owner, func(d *account.Draft) { d.Department = patch.Of(string(away)) })
			w.create(t, boss, owner, func(d *account.Draft) { d.Department = patch.Field[string]{Set: true, Null: true} })
			w.create(t, boss, lead)
		}
		settled, stray := entries()
		if marked && (settled != 1 || stray != 15) || !marked && (settled != 16 || stray != 0) {
			t.Errorf("marked %t: %d accounts among all and %d apart", marked, settled, stray)
		}
		who := w.as(lead, everything(policy.Reports))
		if _, any, err := w.accounts.ListBy(t.Context(), who, account.Query{Limit: 5}, account.Teamed, 1000); err != nil || any != marked {
			t.Errorf("marked %t: planned by departments: %t, %v", marked, any, err)
		}
	}
}

// TestTeamsOfStrays: a team whose accounts all lie elsewhere is not found by its departments. Then too many stray accounts of others are not read
// for it: the list goes on as the merge, and costs at most half as much again.
func TestTeamsOfStrays(t *testing.T) {
	w := newWorld(t, func(row *principal.Tenant) { row.Shards = 4 })
	west, north := w.department(t, ""), w.department(t, "")
	other := w.user(t, principal.UserActive, north, "")
	lead := w.user(t, principal.UserActive, west, "")
	var team []id.User
	for range 40 {
		team = append(team, w.user(t, principal.UserActive, west, lead))
	}
	admin := w.as(lead, everything(policy.All))
	elsewhere := func(d *account.Draft) { d.Department = patch.Of(string(west)) }
	for range 60 {
		for _, u := range team[:2] {
			w.create(t, admin, u, func(d *account.Draft) { d.Department = patch.Of(string(north)) })
		}
	}
	for range 1500 {
		w.create(t, admin, other, elsewhere)
	}
	far := account.New(metered.New(w.Table), w.Crypt, w.access, nil)
	who := w.as(lead, everything(policy.Reports))
	who.Org.Users = 1000
	ctx, cost := metered.Count(t.Context())
	p, ok, err := far.ListBy(ctx, who, account.Query{Limit: 50}, account.Merged, 0)
	must(t, err)
	merged := cost.Figures()
	ctx, cost = metered.Count(t.Context())
	q, err := far.List(ctx, who, account.Query{Limit: 50})
	must(t, err)
	if f := cost.Figures(); !ok || len(p.Items) != 50 || f.Queries == merged.Queries || f.IndexUnits > 1.5*merged.IndexUnits || f.IndexUnits < merged.IndexUnits {
		t.Errorf("%d accounts merged: %+v; as planned: %+v", len(p.Items), merged, f)
	}
	same := func(a, b account.Account) bool { return a.ID == b.ID }
	if !slices.EqualFunc(p.Items, q.Items, same) || p.Next != q.Next {
		t.Error("the list that went on as the merge is another")
	}
}
