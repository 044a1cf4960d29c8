package access // the bounds of the cache cannot be seen from outside, only its memory

import (
	"fmt"
	"testing"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/principal"
)

func sized(t id.Tenant, authz, org int64, rows int) *snapshot {
	o := &Organisation{Places: map[id.User]principal.Place{}}
	for i := range rows {
		o.Places[id.User(fmt.Sprint(i))] = principal.Place{}
	}
	return newSnapshot(version{t, authz, org}, o)
}

func TestSnapshotsAreBounded(t *testing.T) {
	c := newSnapshots(3, 100)
	a, b := sized("a", 1, 1, 40), sized("b", 1, 1, 40)
	c.put(a)
	c.put(b)
	if c.get("a") != a || c.get("b") != b || c.rows != 80 {
		t.Fatalf("%d rows kept", c.rows)
	}
	c.get("a") // used last
	d := sized("d", 1, 1, 30)
	c.put(d)
	if c.get("b") != nil || c.get("a") != a || c.get("d") != d || c.rows != 70 {
		t.Errorf("the oldest was not the one to go; %d rows kept", c.rows)
	}
	newer := sized("a", 2, 1, 10)
	c.put(newer)
	if c.get("a") != newer || c.rows != 40 {
		t.Errorf("%d rows kept", c.rows)
	}
	c.put(a) // a load that began earlier and ends later
	if c.get("a") != newer {
		t.Error("an older snapshot took the place of a newer one")
	}
	c.put(sized("a", 3, 1, 101))
	if c.rows > 100 || c.get("a") != nil {
		t.Errorf("%d rows kept", c.rows)
	}
	for _, name := range []id.Tenant{"e", "f", "g"} {
		c.put(sized(name, 1, 1, 1))
	}
	if c.kept.Len() != 3 || c.rows != 3 {
		t.Errorf("%d tenants with %d rows kept", c.kept.Len(), c.rows)
	}
}

func TestRightsAreCompiledForTheRowThatWasRead(t *testing.T) {
	s := sized("a", 1, 1, 1)
	p := principal.Place{User: "0", Department: "d"}
	first := s.rights(p, 1)
	if s.rights(p, 1) != first {
		t.Error("compiled twice for one row")
	}
	if p.Department = "e"; s.rights(p, 2) == first {
		t.Error("a newer row got the rights of the older one")
	}
}
