package account_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	master "github.com/steward-crm/steward/shared/keys"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	tablelocal "github.com/steward-crm/steward/shared/table/local"
)

// where reads a filter as a body has it.
func where(t testing.TB, s string) *account.Where {
	t.Helper()
	var w account.Where
	must(t, json.Unmarshal([]byte(s), &w))
	return &w
}

func by(field string, d account.Direction) []account.Sort {
	return []account.Sort{{Field: field, Direction: d}}
}

// TestSearchTooWide: an order that no index has is refused, and never given in part, where too much would be read; narrowed, it is answered. What an index
// has is walked, in short pages, and a count stops at its bound and says so.
func TestSearchTooWide(t *testing.T) {
	w := newWorld(t)
	boss, rep := w.user(t, principal.UserActive, "", ""), w.user(t, principal.UserActive, "", "")
	who := w.as(boss, everything(policy.All))
	for n := range 12 {
		w.create(t, who, []id.User{boss, rep}[n%2], func(d *account.Draft) { d.Name = fmt.Sprint("Lotus ", n%10) })
	}
	for what, q := range map[string]account.Search{
		"all":            {Sort: by("createdAt", "asc"), Limit: 5},
		"two keys":       {Sort: []account.Sort{{Field: "name"}, {Field: "updatedAt"}}, Limit: 5},
		"a wide filter":  {Sort: by("type", "asc"), Limit: 5, Where: where(t, `{"not":{"field":"name","op":"eq","value":"?"}}`)},
		"a wide prefix":  {Sort: by("type", "asc"), Limit: 5, Where: where(t, `{"field":"name","op":"prefix","value":"lotus"}`)},
		"a wide e-mail":  {Sort: by("type", "asc"), Limit: 5, Where: where(t, `{"field":"email","op":"eq","value":"hello@lotus.example"}`)},
		"an alternative": {Sort: by("type", "asc"), Limit: 5, Where: where(t, `{"or":[{"field":"ownerId","op":"eq","value":"me"},{"field":"name","op":"eq","value":"?"}]}`)},
	} {
		if _, err := w.accounts.Search(t.Context(), who, q.Within(2, 11, 4)); !fault.Is(err, "search_too_wide") || !fault.IsKind(err, fault.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
		if got, _ := w.found(t, who, q.Within(2, 12, 4)); len(got) == 0 {
			t.Errorf("%s: nothing found within the bound", what)
		}
	}
	for filter, want := range map[string]int{
		`{"field":"ownerId","op":"eq","value":"me"}`: 6,
		`{"and":[{"field":"status","op":"eq","value":"active"},{"and":[{"field":"ownerId","op":"in","values":["me"]}]}]}`:      6,
		`{"field":"name","op":"prefix","value":"LOTUS 1"}`:                                                                     2,
		`{"and":[{"field":"name","op":"prefix","value":"lotus 1"},{"field":"email","op":"eq","value":"hello@lotus.example"}]}`: 2,
	} {
		q := account.Search{Sort: by("createdAt", "asc"), Where: where(t, filter), Limit: 5}
		if got, _ := w.found(t, who, q.Within(2, 11, 4)); len(got) != want {
			t.Errorf("%s: %d found, want %d", filter, len(got), want)
		}
	}
	q := account.Search{Sort: by("name", "desc"), Where: where(t, `{"field":"name","op":"eq","value":"lotus 0"}`), Limit: 5, Count: true}.Within(2, 11, 4)
	p, err := w.accounts.Search(t.Context(), who, q)
	must(t, err)
	if len(p.Items) != 0 || p.Next == "" || p.Count.Exact || p.Count.Value > 2 {
		t.Errorf("a page that ends after few reads: %+v, count %+v", p, p.Count)
	}
	if got, _ := w.found(t, who, q); len(got) != 2 {
		t.Errorf("%d found in short pages", len(got))
	}
}

// TestSearchUnderLag: while indexes lag, nothing is found that is not so: no account at a place, with a name, an owner or a category that it has no
// longer, and none that the reader may not see any more.
func TestSearchUnderLag(t *testing.T) {
	for seed := range uint64(3) {
		c := newCrowd(t, 100+seed, 25)
		who := c.as(c.users[1], everything(policy.Reports))
		c.Store.FreezeIndexes()
		for range 12 {
			c.rename(t, c.boss, c.active(), pick(c.r, crowdNames))
			c.expose(t, pick(c.r, c.all).ID)
		}
		var now []told
		for _, a := range c.all {
			a, err := c.accounts.Get(t.Context(), c.boss, a.ID)
			must(t, err)
			if _, err := c.accounts.Get(t.Context(), who, a.ID); err == nil {
				now = append(now, told{a, true})
			}
		}
		asked := 0
		for range 60 {
			w := c.filter(3)
			q := account.Search{Where: &w, Limit: 4, Sort: by(pick(c.r, []string{"name", "updatedAt", "createdAt"}), pick(c.r, []account.Direction{"asc", "desc"})), Count: true}
			got, n := c.found(t, who, q.Within(c.r.IntN(6), 10_000, 9))
			var want []id.Account
			slices.SortFunc(now, func(x, y told) int { return places(t, x, y, q.Sort) })
			for _, a := range now {
				if fulfils(&w, a, who.User) {
					want = append(want, a.ID)
				}
			}
			seen := 0
			for _, a := range want { // what is found is a part of it, in its order
				if seen < len(got) && got[seen] == a {
					seen++
				}
			}
			says, _ := json.Marshal(q)
			if seen != len(got) || n.Value > len(want) {
				t.Fatalf("seed %d: %s\nfound %v, counted %+v\nwant of %v", seed, says, got, n, want)
			}
			asked += len(want)
		}
		if asked == 0 {
			t.Error("nothing to be found")
		}
		c.Store.ThawIndexes()
	}
}

// TestOneIndexLags: while one index lags and another does not, an account stands at two places; it is listed and found once, where it belongs,
// in either direction.
func TestOneIndexLags(t *testing.T) {
	w := newWorld(t)
	dept := w.department(t, "")
	boss := w.user(t, principal.UserActive, "", "")
	rep := w.user(t, principal.UserActive, dept, boss)
	admin, who := w.as(boss, everything(policy.All)), w.as(rep, everything(policy.Department))
	first, second := w.create(t, admin, rep), w.create(t, admin, rep)
	for _, stale := range []table.Index{table.G2, table.G3} {
		w.Faults.Stale = func(q table.Query) bool { return q.Index == stale }
		w.Store.FreezeIndexes()
		w.rename(t, admin, first.ID, fmt.Sprint("Renamed while ", stale, " lags"))
		first, second = second, first
		want := []id.Account{second.ID, first.ID}
		if got := w.pages(t, who, account.Query{Limit: 9}, nil); !slices.Equal(got, want) {
			t.Errorf("%v lags: listed %v, want %v", stale, got, want)
		}
		if got, _ := w.found(t, who, account.Search{Limit: 9}); !slices.Equal(got, want) {
			t.Errorf("%v lags: found %v, want %v", stale, got, want)
		}
		slices.Reverse(want)
		if got, _ := w.found(t, who, account.Search{Limit: 9, Sort: by("updatedAt", "asc")}); !slices.Equal(got, want) {
			t.Errorf("%v lags: found %v going up, want %v", stale, got, want)
		}
		w.Store.ThawIndexes()
	}
	w.Faults.Stale = nil
}

// TestSearchWhileOthersWrite holds I4 for searches: whatever nobody touched is on the pages once and in order, by an index and gathered.
func TestSearchWhileOthersWrite(t *testing.T) {
	c := newCrowd(t, 9, 40)
	for _, q := range []account.Search{
		{},
		{Sort: by("updatedAt", "asc")},
		{Sort: by("name", "asc")},
		{Sort: by("name", "desc")},
		{Sort: by("createdAt", "desc")},
		{Sort: by("address.city", "asc")},
		{Where: where(t, `{"not":{"field":"name","op":"prefix","value":"new"}}`), Sort: by("name", "asc")},
	} {
		q.Limit = 3
		before, _ := c.found(t, c.boss, q)
		touched := map[id.Account]bool{}
		var got []id.Account
		for page := 0; page == 0 || q.After != ""; page++ {
			p, err := c.accounts.Search(t.Context(), c.boss, q)
			must(t, err)
			for _, a := range p.Items {
				got = append(got, a.ID)
			}
			q.After = p.Next
			if page < 8 {
				touched[c.create(t, c.boss, "", func(d *account.Draft) { c.draft(d) }).ID] = true
				victim := c.active()
				c.rename(t, c.boss, victim, pick(c.r, crowdNames))
				touched[victim] = true
			}
			if page > 500 {
				t.Fatal("the search does not end")
			}
		}
		left := func(ids []id.Account) []id.Account {
			return slices.DeleteFunc(slices.Clone(ids), func(a id.Account) bool { return touched[a] })
		}
		if !slices.Equal(left(got), left(before)) {
			t.Errorf("%v: %v\nwant %v", q.Sort, left(got), left(before))
		}
	}
}

// TestSearchLocked: without the key what is plain is found as ever, locked; what is sealed cannot be asked for, and nothing is guessed.
func TestSearchLocked(t *testing.T) {
	w := newWorld(t)
	who := w.as(w.user(t, principal.UserActive, "", ""), everything(policy.All))
	a := w.create(t, who, "")
	must(t, w.Master.SetState(master.Data, master.Disabled))
	w.Clock.Add(crypt.MaxAge)
	store := edgetest.Dump(t, w.Table)
	p, err := w.accounts.Search(t.Context(), who, account.Search{Where: where(t, `{"field":"name","op":"prefix","value":"lotus"}`), Limit: 5, Count: true})
	must(t, err)
	if len(p.Items) != 1 || p.Items[0].ID != a.ID || p.Items[0].Email == "hello@lotus.example" || *p.Count != (account.Count{Value: 1, Exact: true}) {
		t.Errorf("%+v", p)
	}
	for _, filter := range []string{
		`{"field":"email","op":"eq","value":"hello@lotus.example"}`, `{"not":{"field":"phone","op":"eq","value":"+8613800138000"}}`,
		`{"field":"idNumber","op":"isEmpty","value":true}`, `{"field":"contacts.email","op":"eq","value":"x@y.example"}`,
	} {
		if _, err := w.accounts.Search(t.Context(), who, account.Search{Where: where(t, filter), Limit: 5}); !fault.Is(err, "key_unavailable") || !fault.IsKind(err, fault.Locked) {
			t.Errorf("%s: %v", filter, err)
		}
	}
	if edgetest.Dump(t, w.Table) != store {
		t.Error("a search changed the store")
	}
}

// TestSearchReadsLittle: an e-mail among many accounts is found without reading the others, and a salesperson's own by name without walking everybody's.
func TestSearchReadsLittle(t *testing.T) {
	w := newWorld(t)
	boss, rep := w.user(t, principal.UserActive, "", ""), w.user(t, principal.UserActive, "", "")
	admin := w.as(boss, everything(policy.All))
	for n := range 40 {
		w.create(t, admin, []id.User{boss, boss, boss, rep}[n%4], func(d *account.Draft) { d.Email = fmt.Sprintf("hello%d@lotus.example", n) })
	}
	who := w.as(rep, everything(policy.Own))
	for _, row := range []struct {
		who  *policy.Subject
		q    account.Search
		most int
	}{
		{admin, account.Search{Where: where(t, `{"and":[{"field":"status","op":"eq","value":"active"},{"field":"email","op":"eq","value":"hello7@lotus.example"}]}`)}, 1},
		{who, account.Search{Sort: by("name", "asc")}, 10},
		{who, account.Search{Sort: by("createdAt", "asc"), Where: where(t, `{"field":"name","op":"prefix","value":"lotus"}`)}, 10},
		{who, account.Search{Where: where(t, `{"field":"ownerId","op":"eq","value":"`+string(boss)+`"}`)}, 0},
	} {
		read := map[string]bool{}
		w.Faults.Before = func(c tablelocal.Call) error {
			if c.Op == "get" {
				for _, k := range c.Keys {
					read[k.PK] = true
				}
			}
			return nil
		}
		row.q.Limit = 50
		p, err := w.accounts.Search(t.Context(), row.who, row.q)
		w.Faults.Before = nil
		must(t, err)
		accounts := 0
		for pk := range read {
			if strings.Contains(pk, "acct_") {
				accounts++
			}
		}
		if len(p.Items) != row.most || accounts > 2*row.most {
			t.Errorf("%+v: %d found, %d partitions read", row.q, len(p.Items), accounts)
		}
	}
}

// TestBlindIndexesOnlyNominate: an entry that was left over, of an account or of a contact, finds nothing: what was opened is compared.
func TestBlindIndexesOnlyNominate(t *testing.T) {
	w := newWorld(t)
	who := w.as(w.user(t, principal.UserActive, "", ""), everything(policy.All))
	ann := []account.ContactDraft{{Name: "Ann", Email: "ann@lotus.example", Phone: "+8613800138001"}}
	a := w.create(t, who, "", func(d *account.Draft) { d.Contacts = ann })
	tk, err := w.Crypt.Tenant(t.Context(), w.row.ID)
	must(t, err)
	stale := func(field, value string) table.Write {
		k := key.Blind(w.row.ID, field, tk.Blind(field, value), a.ID)
		if strings.HasPrefix(field, "contact.") {
			k = key.BlindContact(w.row.ID, field, tk.Blind(field, value), a.ID, a.Contacts[0].ID)
		}
		return table.Put(table.Item{Key: k}, table.Absent)
	}
	w.Commit(t, stale("account.email", "old@lotus.example"), stale("account.phone", "+8613900139000"),
		stale("contact.email", "old@lotus.example"), stale("contact.phone", "+8613900139000"))
	for filter, want := range map[string]int{
		`{"field":"email","op":"eq","value":"old@lotus.example"}`: 0, `{"field":"phone","op":"eq","value":"+8613900139000"}`: 0,
		`{"field":"contacts.email","op":"eq","value":"old@lotus.example"}`: 0, `{"field":"contacts.phone","op":"in","values":["+8613900139000"]}`: 0,
		`{"field":"email","op":"eq","value":"hello@lotus.example"}`: 1, `{"field":"phone","op":"eq","value":"+8613800138000"}`: 1,
		`{"field":"contacts.email","op":"eq","value":"ann@lotus.example"}`: 1, `{"field":"contacts.phone","op":"in","values":["+8613800138001"]}`: 1,
	} {
		if got, _ := w.found(t, who, account.Search{Where: where(t, filter), Limit: 9}); len(got) != want {
			t.Errorf("%s: %v, want %d", filter, got, want)
		}
	}
}

// TestSearchOfManyGrants: whose grants are too many to be remembered finds by them all the same, where entries of an index say nothing of grants.
func TestSearchOfManyGrants(t *testing.T) {
	w := newWorld(t)
	boss, rep := w.user(t, principal.UserActive, "", ""), w.user(t, principal.UserActive, "", "")
	admin, who := w.as(boss, everything(policy.All)), w.as(rep, everything(policy.Own))
	for range 8 {
		a := w.create(t, admin, boss)
		must(t, w.run(t.Context(), admin, func(c *change.Set) error {
			share := policy.RecordGrant{Kind: policy.KindShare, To: policy.ToUser(rep), On: policy.ActView}
			return w.accounts.Expose(t.Context(), admin, c, a.ID, []policy.RecordGrant{share}, nil)
		}))
	}
	for _, q := range []account.Search{
		{Sort: by("name", "asc")},
		{Where: where(t, `{"field":"name","op":"prefix","value":"lotus"}`)},
		{Where: where(t, `{"field":"ownerId","op":"eq","value":"`+string(boss)+`"}`)},
	} {
		q.Limit = 3
		for _, most := range []int{3, 8} {
			if got, _ := w.found(t, who, q.Within(2, most, 100)); len(got) != 8 {
				t.Errorf("%+v, of %d remembered: %d found, want 8", q, most, len(got))
			}
		}
	}
}

// FuzzWhere: whatever a body holds as its filter is refused or answered, the same each time, never with an internal fault.
func FuzzWhere(f *testing.F) {
	for _, s := range []string{
		`{"and":[{"field":"name","op":"prefix","value":"ＬＯＴＵＳ"},{"not":{"field":"type","op":"in","values":["enterprise"]}}]}`,
		`{"or":[{"field":"email","op":"eq","value":"hello@lotus.example"},{"field":"contactCount","op":"gt","value":0}]}`,
		`{"field":"createdAt","op":"lt","value":"2026-03-02T09:00:00Z"}`, `{"field":"ownerId","op":"eq","value":"me"}`, `{"field":"name","op":"eq","value":"\ufe0f"}`,
	} {
		f.Add(s)
	}
	w := newWorld(f)
	who := w.as(w.user(f, principal.UserActive, "", ""), everything(policy.All))
	w.create(f, who, "", func(d *account.Draft) { d.Contacts = []account.ContactDraft{{Name: "Ann", Email: "ann@lotus.example"}} })
	w.Clock.Add(time.Second)
	f.Fuzz(func(t *testing.T, s string) {
		var body account.Where
		if json.Unmarshal([]byte(s), &body, json.RejectUnknownMembers(true)) != nil {
			return
		}
		run := func(x *account.Where) (int, error) {
			p, err := w.accounts.Search(t.Context(), who, account.Search{Where: x, Limit: 5})
			if err != nil {
				return 0, err
			}
			return len(p.Items), nil
		}
		n, err := run(&body)
		again, _ := run(&body)
		if k := fault.Of(err); err != nil && k.Kind != fault.Malformed && k.Kind != fault.Invalid || n != again {
			t.Fatalf("%q: %v, %d then %d", s, err, n, again)
		}
		if not, nerr := run(&account.Where{Not: &body}); err == nil && nerr == nil && n+not != 1 {
			t.Fatalf("%q finds %d, and its negation %d, of 1", s, n, not)
		}
	})
}
