package account_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/account"
)

func quoted(s string) jsontext.Value {
	b, _ := json.Marshal(s)
	return b
}

// filter makes a random tree up to the depth, of fields that the reader may or may not use.
func (c *shoppers) filter(depth int) account.Where {
	if n := c.r.IntN(6); depth > 1 && n < 3 {
		var list []account.Where
		for range 1 + c.r.IntN(3) {
			list = append(list, c.filter(depth-1))
		}
		switch n {
		case 0:
			return account.Where{Or: list}
		case 1:
			return account.Where{Not: &list[0]}
		}
		return account.Where{And: list}
	}
	names := slices.Sorted(maps.Keys(foldedFields))
	names = append(names, slices.Sorted(maps.Keys(exactFields))...)
	names = append(names, "email", "phone", "contacts.email", "contacts.phone", "createdAt", "updatedAt", "contactCount", "idNumber", "categoryIds", "name", "email", "ownerId")
	w := account.Where{Field: pick(c.r, names)}
	like := pick(c.r, c.all)
	value := func() string {
		if f := foldedFields[w.Field]; f != nil {
			return cmp.Or(pick(c.r, []string{f(like), strings.ToUpper(f(like))}), "Lotus")
		}
		switch w.Field {
		case "type":
			return pick(c.r, account.Types)
		case "valueTier":
			return pick(c.r, account.ValueTiers)
		case "stage":
			return pick(c.r, account.Stages)
		case "status":
			return pick(c.r, []string{"active", "inactive"})
		case "protection":
			return "standard"
		case "address.country":
			return pick(c.r, []string{"CN", "DE", "FR"})
		case "ownerId":
			return pick(c.r, append([]string{"me"}, string(pick(c.r, c.users))))
		case "createdBy":
			return string(pick(c.r, c.users[:2]))
		case "departmentId":
			return cmp.Or(string(pick(c.r, c.depts)), string(c.depts[1]))
		case "categoryIds":
			return string(pick(c.r, c.categories))
		case "email", "contacts.email":
			return cmp.Or(pick(c.r, append(crowdMails, "ANN@LOTUS.EXAMPLE", "info@xn--fsqu00a.xn--55qx5d")), "nobody@lotus.example")
		case "phone", "contacts.phone":
			return cmp.Or(pick(c.r, crowdPhones), "13900139000")
		}
		return like.UpdatedAt.Add(time.Duration(c.r.IntN(3)-1) * time.Millisecond / 2).Format(time.RFC3339Nano)
	}
	ordered := []account.Op{account.Eq, account.Ne, account.Gt, account.Gte, account.Lt, account.Lte}
	switch w.Field {
	case "createdAt", "updatedAt":
		w.Op = pick(c.r, ordered)
	case "contactCount":
		w.Op, w.Value = pick(c.r, ordered), jsontext.Value(fmt.Sprint(c.r.IntN(3)))
		return w
	case "idNumber":
		w.Op = account.IsEmpty
	case "email", "phone", "contacts.email", "contacts.phone":
		w.Op = pick(c.r, []account.Op{account.Eq, account.In})
	default:
		w.Op = pick(c.r, []account.Op{account.Eq, account.Ne, account.In, account.IsEmpty, account.Eq})
		if foldedFields[w.Field] != nil && c.r.IntN(2) == 0 {
			v := []rune(value())
			w.Op, w.Value = account.Prefix, quoted(string(v[:1+c.r.IntN(len(v))]))
			return w
		}
	}
	switch w.Op {
	case account.IsEmpty:
		w.Value = jsontext.Value(fmt.Sprint(c.r.IntN(2) == 0))
	case account.In:
		for range 1 + c.r.IntN(3) {
			w.Values = append(w.Values, quoted(value()))
		}
	default:
		w.Value = quoted(value())
	}
	return w
}
