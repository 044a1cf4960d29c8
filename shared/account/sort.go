package account

import (
	"slices"
	"strconv"
	"strings"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/policy"
)

// Sort is one key of an order. Accounts whose field holds nothing come last, ascending and descending alike.
type Sort struct {
	Field     string    `json:"field"`
	Direction Direction `json:"direction,omitzero"` // ascending when absent
}

// Direction is the direction of a key.
type Direction string

// The directions.
const (
	Ascending  Direction = "asc"
	Descending Direction = "desc"
)

// OpenAPIEnum lists them.
func (Direction) OpenAPIEnum() []string { return []string{string(Ascending), string(Descending)} }

// order puts accounts in one order. Where an account stands is a text, its place: what stands for it in each key, then its id, joined by "#".
// Accounts that agree in all keys stand by id, in the direction of the last key. Texts are compared by weight, up to its length, as the
// index of names is. A place by one key is what the index of that order has, if there is one.
type order struct {
	who  *policy.Subject
	keys []orderKey
}

type orderKey struct {
	*sought
	down bool
}

// absent stands for a field that holds nothing.
const absent = "~"

// order judges the keys. None is the order of lists: newest update first.
func (c *compiler) order(by []Sort) order {
	o := order{who: c.who}
	if len(by) == 0 {
		by = []Sort{{Field: "updatedAt", Direction: Descending}}
	}
	if len(by) > MaxSearchSorts {
		c.add(fault.At("/sort", "too_many", "max", strconv.Itoa(MaxSearchSorts)))
		return o
	}
	for i, k := range by {
		at := "/sort/" + strconv.Itoa(i)
		f := soughtField(k.Field)
		if f == nil || f.sort == nil || !f.usable(c.who) {
			c.unknown(at + "/field")
			continue
		}
		if d := k.Direction; d != "" && d != Ascending && d != Descending {
			c.add(fault.At(at+"/direction", "not_one_of", "allowed", strings.Join(d.OpenAPIEnum(), ", ")))
		}
		o.keys = append(o.keys, orderKey{f, k.Direction == Descending})
	}
	return o
}

// by reports whether the field alone makes the order.
func (o *order) by(field string) bool { return len(o.keys) == 1 && o.keys[0].name == field }

func (o *order) place(a *Account) string {
	parts := make([]string, 0, MaxSearchSorts+1)
	for _, k := range o.keys {
		s := k.sort(a)
		if k.ofContacts && !seesContacts(o.who, a) {
			s = absent
		}
		parts = append(parts, s)
	}
	return strings.Join(append(parts, string(a.ID)), "#")
}

// compare is negative when the account at the place p comes before the one at q.
func (o *order) compare(p, q string) int {
	ps, qs := strings.Split(p, "#"), strings.Split(q, "#")
	for i := range min(len(ps), len(qs)) {
		k := o.keys[min(i, len(o.keys)-1)]
		n := strings.Compare(ps[i], qs[i])
		if n == 0 {
			continue
		}
		if k.down && ps[i] != absent && qs[i] != absent {
			n = -n
		}
		return n
	}
	return 0
}

// sorted puts rows in order and keeps so many of the first.
func (o *order) sorted(rows []row, most int) []row {
	slices.SortFunc(rows, func(a, b row) int { return o.compare(a.place, b.place) })
	return rows[:min(len(rows), most)]
}
