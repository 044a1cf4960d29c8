package user_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/plain"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/user"
)

// everyone reads all pages of the given size.
func (w *world) everyone(t testing.TB, who *policy.Subject, f user.Filter, limit int) []user.User {
	t.Helper()
	var all []user.User
	for after := ""; ; {
		page, err := w.users.List(t.Context(), who, f, after, limit)
		must(t, err)
		if len(page.Users) > limit {
			t.Fatalf("%d users on a page of %d", len(page.Users), limit)
		}
		all = append(all, page.Users...)
		if after = page.Next; after == "" {
			return all
		}
	}
}

// TestListIsCheck holds I4: for every scope, the list is exactly the users whom the subject may get, in the order of their names, at any
// page size, and the count is their number.
func TestListIsCheck(t *testing.T) {
	w := newWorld(t)
	top := w.department(t, "")
	below, other := w.department(t, top), w.department(t, "")
	in := func(d id.Department, m id.User, r ...id.Role) func(*user.Draft) {
		return func(x *user.Draft) { x.Department, x.Manager, x.Roles = d, m, r }
	}
	subjects := []id.User{w.admin}
	for s, name := range map[policy.Scope]string{policy.Own: "Own", policy.Reports: "Rep", policy.Department: "Dep", policy.Subtree: "Sub", policy.All: "All"} {
		subjects = append(subjects, w.active(t, name, in(top, "", w.role(t, grant(policy.ModUser, policy.View, s)))))
	}
	boss := subjects[1]
	everybody := slices.Clone(subjects)
	for i := range 25 {
		d := []id.Department{top, below, other, ""}[i%4]
		m := []id.User{"", boss, everybody[i]}[i%3]
		u := w.invite(t, user.Draft{Name: fmt.Sprintf("%c Person %d", []rune("zÄb李")[i%4], i), Email: fmt.Sprintf("p%d@acme.example", i), Department: d, Manager: m})
		if i%2 == 0 {
			w.activate(t, u)
		}
		everybody = append(everybody, u)
	}
	for _, s := range subjects {
		who := w.as(t, s)
		for _, f := range []user.Filter{{}, {Status: principal.UserInvited}, {Department: below}, {Status: principal.UserActive, Department: top}} {
			want := map[id.User]bool{}
			for _, u := range everybody {
				if x, err := w.users.Get(t.Context(), who, u); err == nil {
					if (f.Status == "" || x.Status == f.Status) && (f.Department == "" || x.Department == f.Department) {
						want[u] = true
					}
				}
			}
			for _, size := range []int{1, 3, 7, 100} {
				got := w.everyone(t, who, f, size)
				if len(got) != len(want) {
					t.Fatalf("%s lists %d of %d with %+v in pages of %d", w.load(t, s).Name, len(got), len(want), f, size)
				}
				for i, u := range got {
					if !want[u.ID] {
						t.Fatalf("%s lists a user they may not get", w.load(t, s).Name)
					}
					if i > 0 && plain.Key(got[i-1].Name) > plain.Key(u.Name) {
						t.Fatalf("%s comes after %s", u.Name, got[i-1].Name)
					}
				}
			}
			if n, exact, err := w.users.Count(t.Context(), who, f); err != nil || !exact || n != len(want) {
				t.Fatalf("counted %d of %d, exact %v, %v", n, len(want), exact, err)
			}
		}
	}
}

// TestListHoldsStill holds that pages have no gap and no double while others are invited, and leave out who is deleted meanwhile.
func TestListHoldsStill(t *testing.T) {
	w := newWorld(t)
	was := map[id.User]bool{w.admin: true}
	for i := range 12 {
		was[w.invite(t, user.Draft{Name: fmt.Sprintf("M%02d", i), Email: fmt.Sprintf("m%d@acme.example", i)})] = true
	}
	who, seen, after := w.as(t, w.admin), map[id.User]int{}, ""
	for n := 0; ; n++ {
		page, err := w.users.List(t.Context(), who, user.Filter{}, after, 2)
		must(t, err)
		for _, u := range page.Users {
			seen[u.ID]++
		}
		w.invite(t, user.Draft{Name: fmt.Sprintf("M%02d", n), Email: fmt.Sprintf("late%d@acme.example", n)})
		if after = page.Next; after == "" {
			break
		}
	}
	for u := range was {
		if seen[u] != 1 {
			t.Errorf("seen %d times", seen[u])
		}
	}
}

// TestListLag holds that an index that lags shows nobody whom a strong read would not.
func TestListLag(t *testing.T) {
	w := newWorld(t)
	u := w.invite(t, user.Draft{Name: "Gone", Email: "gone@acme.example"})
	mine, other := w.department(t, ""), w.department(t, "")
	in := func(d *user.Draft) { d.Department = mine }
	moved, local := w.active(t, "Mo Moved", in), w.active(t, "Lea Local", in, with(w.role(t, grant(policy.ModUser, policy.View, policy.Department))))
	w.Store.FreezeIndexes()
	defer w.Store.ThawIndexes()
	must(t, w.delete(context.Background(), w.admin, u))
	must(t, w.update(t.Context(), w.admin, moved, user.Patch{Department: given(other)}))
	for _, by := range []id.User{w.admin, local} {
		for _, x := range w.everyone(t, w.as(t, by), user.Filter{}, 10) {
			if x.ID == u || (x.ID == moved && by == local) {
				t.Error("a user is listed who is deleted, or out of sight")
			}
		}
	}
}

func TestListNeedsTheRight(t *testing.T) {
	w := newWorld(t)
	_, err := w.users.List(t.Context(), w.as(t, w.active(t, "No Body")), user.Filter{}, "", 10)
	edgetest.Refused(t, err, "permission_denied")
}
