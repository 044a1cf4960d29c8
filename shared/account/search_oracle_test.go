package account_test

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/plain"
	"github.com/steward-crm/steward/shared/policy"
)

// told is an account as the oracle has it: open, with all contacts, and whether the reader may see those.
type told struct {
	*account.Account
	contacts bool
}

// fieldsOf are the searchable fields, each with the values that an account has in it, by kind: texts that are folded, texts that are not.
var (
	foldedFields = map[string]func(*account.Account) string{
		"name": func(a *account.Account) string { return a.Name }, "address.region": func(a *account.Account) string { return a.Address.Region },
		"address.city":       func(a *account.Account) string { return a.Address.City },
		"address.postalCode": func(a *account.Account) string { return a.Address.PostalCode },
		"website":            func(a *account.Account) string { return a.Website }, "industry": func(a *account.Account) string { return a.Industry },
	}
	exactFields = map[string]func(*account.Account) string{
		"type": func(a *account.Account) string { return a.Type }, "valueTier": func(a *account.Account) string { return a.ValueTier },
		"stage": func(a *account.Account) string { return a.Stage }, "status": func(a *account.Account) string { return string(a.Status) },
		"address.country": func(a *account.Account) string { return a.Address.Country }, "protection": func(a *account.Account) string { return a.Protection },
		"ownerId": func(a *account.Account) string { return string(a.Owner) }, "departmentId": func(a *account.Account) string { return string(a.Department) },
		"createdBy": func(a *account.Account) string { return string(a.CreatedBy) },
	}
)

// fulfils is the oracle's reading of a filter.
func fulfils(w *account.Where, a told, me id.User) bool {
	switch {
	case w.And != nil:
		for i := range w.And {
			if !fulfils(&w.And[i], a, me) {
				return false
			}
		}
		return true
	case w.Or != nil:
		for i := range w.Or {
			if fulfils(&w.Or[i], a, me) {
				return true
			}
		}
		return false
	case w.Not != nil:
		return !fulfils(w.Not, a, me)
	}
	var list []string
	for _, v := range append(slices.Clone(w.Values), w.Value) {
		var s string
		if json.Unmarshal(v, &s) == nil {
			list = append(list, s)
		}
	}
	any := func(has string, same func(string) string) bool {
		return has != "" && slices.ContainsFunc(list, func(v string) bool { return same(v) == same(has) })
	}
	itself := func(s string) string {
		if s == "me" {
			return string(me)
		}
		return s
	}
	lower := func(s string) string {
		return strings.ReplaceAll(strings.ToLower(s), "xn--fsqu00a.xn--55qx5d", "例子.公司")
	}
	digits := func(s string) string {
		s = strings.ReplaceAll(s, " ", "")
		if !strings.HasPrefix(s, "+") {
			s = "+86" + s
		}
		return s
	}
	same := itself
	var has []string
	switch w.Field {
	case "email":
		return any(string(a.Email), lower)
	case "phone":
		return any(string(a.Phone), digits)
	case "contacts.email":
		return a.contacts && slices.ContainsFunc(a.Contacts, func(c account.Contact) bool { return any(string(c.Email), lower) })
	case "contacts.phone":
		return a.contacts && slices.ContainsFunc(a.Contacts, func(c account.Contact) bool { return any(string(c.Phone), digits) })
	case "createdAt", "updatedAt":
		at := a.CreatedAt
		if w.Field == "updatedAt" {
			at = a.UpdatedAt
		}
		v, _ := time.Parse(time.RFC3339, list[0])
		return map[account.Op]bool{
			account.Eq: at.Equal(v), account.Ne: !at.Equal(v), account.Gt: at.After(v), account.Gte: !at.Before(v), account.Lt: at.Before(v), account.Lte: !at.After(v),
		}[w.Op]
	case "contactCount":
		n, v := len(a.Contacts), int(w.Value[0]-'0')
		return w.Op == account.Ne && (!a.contacts || n != v) || a.contacts && map[account.Op]bool{
			account.Eq: n == v, account.Gt: n > v, account.Gte: n >= v, account.Lt: n < v, account.Lte: n <= v,
		}[w.Op]
	case "idNumber":
		has = []string{string(a.IDNumber)}
	case "categoryIds":
		for _, c := range a.Categories.IDs() {
			has = append(has, string(c))
		}
	default:
		if f := foldedFields[w.Field]; f != nil {
			has, same = []string{f(a.Account)}, plain.Fold
		} else {
			has = []string{exactFields[w.Field](a.Account)}
		}
	}
	has = slices.DeleteFunc(has, func(s string) bool { return s == "" })
	switch w.Op {
	case account.IsEmpty:
		return string(w.Value) == fmt.Sprint(len(has) == 0)
	case account.Prefix:
		return slices.ContainsFunc(has, func(s string) bool { return strings.HasPrefix(same(s), same(list[0])) })
	case account.Ne:
		return !slices.ContainsFunc(has, func(s string) bool { return any(s, same) })
	}
	return slices.ContainsFunc(has, func(s string) bool { return any(s, same) })
}

// places is how the oracle sorts: -1 before, 1 after, absent last.
func places(t *testing.T, x, y told, by []account.Sort) int {
	if len(by) == 0 {
		by = []account.Sort{{Field: "updatedAt", Direction: account.Descending}}
	}
	down := false
	for _, k := range by {
		down = k.Direction == account.Descending
		a, hasA := sortValue(t, x, k.Field)
		b, hasB := sortValue(t, y, k.Field)
		if hasA != hasB {
			if hasA {
				return -1
			}
			return 1
		}
		if n := bytes.Compare(a, b); n != 0 && hasA {
			if down {
				n = -n
			}
			return n
		}
	}
	if down {
		return cmp.Compare(y.ID, x.ID)
	}
	return cmp.Compare(x.ID, y.ID)
}

var pinyin = collate.New(language.Chinese, collate.Loose)

func sortValue(t *testing.T, a told, field string) ([]byte, bool) {
	ranks := map[string][]string{
		"type": {"enterprise", "individual"}, "valueTier": {"low", "medium", "high"}, "stage": {"potential", "buying", "loyal"}, "status": {"active", "inactive"},
	}
	if list := ranks[field]; list != nil {
		v := exactFields[field](a.Account)
		return []byte{byte(slices.Index(list, v))}, v != ""
	}
	switch field {
	case "createdAt":
		return []byte(a.CreatedAt.Format("20060102150405.000000")), true
	case "updatedAt":
		return []byte(a.UpdatedAt.Format("20060102150405.000000")), true
	case "contactCount":
		return []byte{byte(len(a.Contacts))}, a.contacts
	case "name", "address.city", "industry":
		var b collate.Buffer
		s := foldedFields[field](a.Account)
		k := pinyin.KeyFromString(&b, s)
		return bytes.Clone(k[:min(len(k), 96)]), s != ""
	}
	t.Fatalf("no order by %s", field)
	return nil, false
}

var sortable = []string{"updatedAt", "createdAt", "name", "type", "valueTier", "stage", "status", "industry", "address.city", "contactCount"}

// named are the fields of a filter.
func named(w *account.Where, out map[string]bool) {
	if w.Field != "" {
		out[w.Field] = true
	}
	if w.Not != nil {
		named(w.Not, out)
	}
	for _, list := range [][]account.Where{w.And, w.Or} {
		for i := range list {
			named(&list[i], out)
		}
	}
}

// found reads the pages of a search to its end.
func (w *world) found(t *testing.T, who *policy.Subject, q account.Search) (out []id.Account, count *account.Count) {
	t.Helper()
	for range 3_000 {
		p, err := w.accounts.Search(t.Context(), who, q)
		must(t, err)
		if len(p.Items) > q.Limit {
			t.Fatalf("a page of %d, limit %d", len(p.Items), q.Limit)
		}
		for _, a := range p.Items {
			out = append(out, a.ID)
		}
		if q.Count {
			count = p.Count
		}
		if q.After = p.Next; q.After == "" {
			return out, count
		}
	}
	t.Fatal("the search does not end")
	return nil, nil
}

// TestSearchIsTheOracle holds A08, A09, I4 and I7: for random accounts, grants, readers, filters and orders, the pages of any size are together
// what brute force finds among the accounts that Get lets the reader see, in the oracle's order, and the count is theirs; a search that names a
// field that the reader's roles hide or mask is refused, whatever else it asks. The same holds where few accounts are gathered, so
// that every order is walked that can be, and where a page ends after few reads.
func TestSearchIsTheOracle(t *testing.T) {
	refused, asked, hits, walked := 0, 0, 0, 0
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			c := newCrowd(t, seed, 50)
			for range 5 {
				who, shut := c.anybody()
				var seen []told
				for _, a := range c.all {
					if _, err := c.accounts.Get(t.Context(), who, a.ID); err == nil {
						_, err := c.accounts.Contacts(t.Context(), who, a.ID, "", 1)
						seen = append(seen, told{a, err == nil})
					}
				}
				for range 16 {
					q := account.Search{Limit: pick(c.r, []int{1, 3, 7, 50, 100}), Count: true}
					uses := map[string]bool{}
					if c.r.IntN(8) > 0 {
						w := c.filter(1 + c.r.IntN(4))
						q.Where = &w
						named(q.Where, uses)
					}
					for range c.r.IntN(3) {
						q.Sort = append(q.Sort, account.Sort{
							Field: pick(c.r, append(sortable, "name", "updatedAt")), Direction: pick(c.r, []account.Direction{"asc", "desc", ""}),
						})
					}
					for _, k := range q.Sort {
						uses[k.Field] = true
					}
					switch c.r.IntN(3) {
					case 0:
						q = q.Within(0, 10_000, 5)
						walked++
					case 1:
						q = q.Within(4, 10_000, 20)
					}
					says, _ := json.Marshal(q)
					if slices.ContainsFunc(slices.Collect(maps.Keys(uses)), func(f string) bool { return shut[f] }) {
						if _, err := c.accounts.Search(t.Context(), who, q); !fault.Is(err, "unknown_field") || !fault.IsKind(err, fault.Malformed) {
							t.Fatalf("%s\nof one who may not see %v: %v", says, shut, err)
						}
						refused++
						continue
					}
					want := slices.DeleteFunc(slices.Clone(seen), func(a told) bool { return q.Where != nil && !fulfils(q.Where, a, who.User) })
					slices.SortFunc(want, func(x, y told) int { return places(t, x, y, q.Sort) })
					ids := []id.Account{}
					for _, a := range want {
						ids = append(ids, a.ID)
					}
					got, n := c.found(t, who, q)
					if !slices.Equal(got, ids) && len(got)+len(ids) > 0 {
						t.Fatalf("%s\nfound %v\nwant  %v of %d", says, got, ids, len(seen))
					}
					if *n != (account.Count{Value: len(ids), Exact: true}) {
						t.Fatalf("%s\ncounted %+v, want %d", says, *n, len(ids))
					}
					asked++
					hits += len(ids)
				}
			}
		})
	}
	if asked < 300 || refused < 30 || hits < 2*asked || walked < 100 {
		t.Errorf("%d searches with %d accounts, %d refused, %d walked: the generator is broken", asked, hits, refused, walked)
	}
}
