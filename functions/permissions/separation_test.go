package permissions_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/steward-crm/steward/functions/org"
	"github.com/steward-crm/steward/functions/permissions"
	"github.com/steward-crm/steward/functions/roles"
	"github.com/steward-crm/steward/functions/users"
	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/role"
	tablelocal "github.com/steward-crm/steward/shared/table/local"
)

type m = map[string]any

// duty is a tenant whose administrator keeps the making of orders and their approval apart.
type duty struct {
	*edgetest.Deployment
	t                       *testing.T
	boss                    edgetest.Client
	predefined              map[string]id.Role
	maker, checker, neutral string // roles
	dept                    string
	n                       int
}

const rule = "Orders"

func newDuty(t *testing.T) *duty {
	t.Helper()
	d := &duty{Deployment: edgetest.Deploy(t), t: t}
	tenant := d.Tenant(t)
	err := change.Run(t.Context(), d.Table, principal.System(tenant, "test", d.Now()), d.IDs, d.Now, func(c *change.Set) (err error) {
		d.predefined, err = role.New(d.Table, access.New(d.Table, d.Now), d.Crypt).StagePredefined(t.Context(), c, tenant)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	boss := d.User(t, tenant)
	admin := func(doc m) { doc["roleIds"] = []id.Role{d.predefined["administrator"]} }
	d.Edit(t, key.User(tenant, boss.User), admin)
	d.Edit(t, key.Place(tenant, boss.User), admin)
	d.Edit(t, key.Tenant(tenant), func(doc m) { doc["orgVer"] = doc["orgVer"].(float64) + 1 })
	api := edgetest.Serve(t, d.Platform, slices.Concat(permissions.Routes(d.Platform), users.Routes(d.Platform), roles.Routes(d.Platform), org.Routes(d.Platform)))
	d.boss = api.As(boss)
	d.maker, d.checker, d.neutral = d.role("order.create"), d.role("order.approve"), d.role("order.view")
	d.dept = d.made("/v1/departments", m{"name": "Sales"})
	return d
}

func (d *duty) enforce() {
	d.t.Helper()
	d.change("/v1/settings", m{"separationOfDuty": []m{{"name": rule, "first": "order.create", "second": "order.approve"}}}).Want(d.t, 200, "")
}

func (d *duty) made(path string, body m) string {
	d.t.Helper()
	var x struct {
		ID string `json:"id"`
	}
	d.boss.Post(path, body).Want(d.t, 201, "").Read(d.t, &x)
	return x.ID
}

func (d *duty) change(path string, body m) *edgetest.Answer {
	d.t.Helper()
	return d.boss.IfMatch("*").Patch(path, body)
}

func grants(rights ...string) []m {
	out := []m{}
	for _, r := range rights {
		module, action, _ := strings.Cut(r, ".")
		out = append(out, m{"module": module, "action": action, "scope": "own"})
	}
	return out
}

func (d *duty) role(rights ...string) string {
	d.t.Helper()
	d.n++
	return d.made("/v1/roles", m{"name": fmt.Sprint("Role ", d.n), "level": "power", "grants": grants(rights...)})
}

func (d *duty) post(roles ...string) string {
	d.t.Helper()
	d.n++
	return d.made("/v1/posts", m{"name": fmt.Sprint("Post ", d.n), "departmentId": d.dept, "roleIds": roles})
}

func (d *duty) draft(posts []string, roles ...string) m {
	d.n++
	return m{"name": "Somebody", "email": fmt.Sprintf("u%d@acme.example", d.n), "postIds": posts, "roleIds": roles}
}

func (d *duty) user(posts []string, roles ...string) string {
	d.t.Helper()
	return d.made("/v1/users", d.draft(posts, roles...))
}

func (d *duty) give(user string, roles ...string) *edgetest.Answer {
	return d.boss.IfMatch("*").Put("/v1/users/"+user+"/roles", m{"roleIds": roles})
}

// breakers are the users who hold both rights, as the report has it.
func (d *duty) breakers() []string {
	d.t.Helper()
	var out struct {
		Items []struct {
			Name, First, Second string
			Users               int      `json:"users"`
			IDs                 []string `json:"userIds"`
		} `json:"items"`
	}
	d.boss.Get("/v1/permissions/conflicts").Want(d.t, 200, "").Read(d.t, &out)
	if len(out.Items) == 0 {
		return nil
	}
	if len(out.Items) != 1 || out.Items[0].Users != len(out.Items[0].IDs) {
		d.t.Errorf("reported %+v", out)
	}
	return out.Items[0].IDs
}

// refused demands that nothing but the answer came of it, in a dry run and in earnest.
func (d *duty) refused(says string, users int, ask func() *edgetest.Answer) {
	d.t.Helper()
	before := edgetest.Dump(d.t, d.Table, edgetest.DeniedEvent)
	a := ask()
	if a.Status != 409 || a.Code() != "separation_of_duty" || !strings.Contains(string(a.Body), rule) || !strings.Contains(string(a.Body), fmt.Sprint(users, " users")) {
		d.t.Errorf("%s: %d %s", says, a.Status, a.Body)
	}
	if edgetest.Dump(d.t, d.Table, edgetest.DeniedEvent) != before {
		d.t.Errorf("%s: the store changed", says)
	}
}

func (d *duty) allowed(says string, a *edgetest.Answer) {
	d.t.Helper()
	if a.Status/100 != 2 {
		d.t.Errorf("%s: %d %s", says, a.Status, a.Body)
	}
}

// TestSeparationOnEveryPath: roles of a user, a new user, posts of a user, roles of a post, what a role contains, predefined roles.
func TestSeparationOnEveryPath(t *testing.T) {
	d := newDuty(t)
	d.enforce()
	both := d.role("order.create", "order.approve") // nobody holds it: no conflict
	checks, makes, idle, free := d.post(d.checker), d.post(d.maker), d.post(d.neutral), d.post(d.checker, d.maker)
	li := d.user(nil, d.maker)
	one := "/v1/users/" + li

	d.refused("the other role as well", 1, func() *edgetest.Answer { return d.give(li, d.maker, d.checker) })
	d.refused("a role that is both", 1, func() *edgetest.Answer { return d.give(li, both) })
	d.allowed("the other role instead", d.give(li, d.checker))
	d.allowed("and back", d.give(li, d.maker, d.neutral))

	create := func(posts []string, roles ...string) func() *edgetest.Answer {
		return func() *edgetest.Answer { return d.boss.Post("/v1/users", d.draft(posts, roles...)) }
	}
	d.refused("a new user with both roles", 1, create(nil, d.maker, d.checker))
	d.refused("a new user with a role and a post", 1, create([]string{checks}, d.maker))
	d.refused("a new user with two posts", 1, create([]string{checks, makes}))
	d.allowed("a new user with one", create([]string{makes}, d.neutral)())

	d.refused("a post that gives the other", 1, func() *edgetest.Answer { return d.change(one, m{"postIds": []string{checks}}) })
	d.allowed("a post that gives neither", d.change(one, m{"postIds": []string{idle}}))

	d.refused("the post gives the other", 1, func() *edgetest.Answer { return d.change("/v1/posts/"+idle, m{"roleIds": []string{d.checker}}) })
	d.allowed("a post that nobody holds gives both", d.change("/v1/posts/"+free, m{"roleIds": []string{both}}))
	d.allowed("the post gives the same twice", d.change("/v1/posts/"+idle, m{"roleIds": []string{d.maker, d.neutral}}))

	d.refused("the role gains the other", 2, func() *edgetest.Answer {
		return d.change("/v1/roles/"+d.maker, m{"grants": grants("order.create", "order.approve")})
	})
	d.allowed("the maker's by the post alone", d.give(li, d.neutral))
	d.refused("a role besides gains the other", 2, func() *edgetest.Answer {
		return d.change("/v1/roles/"+d.neutral, m{"grants": grants("order.view", "order.approve")})
	})
	d.allowed("it gains something else", d.change("/v1/roles/"+d.neutral, m{"grants": grants("order.view", "order.edit")}))
	d.allowed("a role that nobody holds is changed", d.change("/v1/roles/"+both, m{"grants": grants("order.create", "order.approve", "order.view")}))

	d.refused("a predefined role that is both", 1, func() *edgetest.Answer { return d.give(li, string(d.predefined["power_user"])) })
	d.allowed("the administrator, who holds all by nature", d.give(li, string(d.predefined["administrator"])))
	d.refused("the administrator with both besides", 1, func() *edgetest.Answer {
		return d.give(li, string(d.predefined["administrator"]), d.checker) // the maker's comes by the post
	})
	if who := d.breakers(); who != nil {
		t.Errorf("%v break the rule", who)
	}
}

// TestConflictsThatAreThere: who broke the rule before it was made keeps what they hold, may be given other things, and is reported until they
// stop; then they cannot begin again. Without the rule nothing is refused.
func TestConflictsThatAreThere(t *testing.T) {
	d := newDuty(t)
	checks := d.post(d.checker)
	han, wei := d.user(nil, d.maker, d.checker), d.user([]string{checks}, d.maker)
	d.user(nil, d.maker)
	if who := d.breakers(); who != nil {
		t.Errorf("without a rule %v break it", who)
	}
	d.enforce()
	if who := d.breakers(); !slices.Equal(who, []string{han, wei}) {
		t.Errorf("reported %v, want %v", who, []string{han, wei})
	}
	d.allowed("more, to who breaks it already", d.give(han, d.maker, d.checker, d.neutral))
	d.allowed("what only such users hold", d.change("/v1/posts/"+checks, m{"roleIds": []string{d.checker, d.neutral}}))
	d.allowed("less", d.give(han, d.maker))
	d.refused("again", 1, func() *edgetest.Answer { return d.give(han, d.maker, d.checker) })
	if who := d.breakers(); !slices.Equal(who, []string{wei}) {
		t.Errorf("reported %v, want %v", who, []string{wei})
	}
	d.change("/v1/settings", m{"separationOfDuty": nil}).Want(t, 200, "")
	d.allowed("without the rule", d.give(han, d.maker, d.checker))
}

// TestSeparationUnderRaces holds I8 for separation in its narrowest moment: two changes, each sound alone, that give somebody both rights
// together; one commits between the judging of the other and its commit. Whichever comes second is judged again, and refused.
func TestSeparationUnderRaces(t *testing.T) {
	d := newDuty(t)
	d.enforce()
	type world struct{ user, post, role, other string }
	ways := map[string]func(w world) *edgetest.Answer{ // the first right comes by one of them, the second by another
		"role of the user": func(w world) *edgetest.Answer { return d.give(w.user, d.maker) },
		"roles of the post": func(w world) *edgetest.Answer {
			return d.change("/v1/posts/"+w.post, m{"roleIds": []string{w.role, d.checker}})
		},
		"grants of the role": func(w world) *edgetest.Answer {
			return d.change("/v1/roles/"+w.role, m{"grants": grants("order.approve")})
		},
		"posts of the user": func(w world) *edgetest.Answer {
			return d.change("/v1/users/"+w.user, m{"postIds": []string{w.post, w.other}})
		},
		"the rule itself": func(world) *edgetest.Answer {
			return d.change("/v1/settings", m{"separationOfDuty": []m{{"name": rule, "first": "order.create", "second": "order.approve"}}})
		},
	}
	between := func(first, second func() *edgetest.Answer) (a, b *edgetest.Answer) {
		d.Faults.Before = func(call tablelocal.Call) error {
			if call.Op == "commit" && b == nil {
				b = &edgetest.Answer{}
				b = second()
			}
			return nil
		}
		a = first()
		d.Faults.Before = nil
		return a, b
	}
	for name, way := range ways {
		if name == "role of the user" {
			continue
		}
		for _, turned := range []bool{false, true} {
			r := d.role("order.view")
			w := world{role: r, post: d.post(r), other: d.post(d.checker)}
			w.user = d.user([]string{w.post})
			if name == "the rule itself" { // the second right is there already; the rule comes beside the first
				d.change("/v1/settings", m{"separationOfDuty": nil}).Want(t, 200, "")
				d.change("/v1/users/"+w.user, m{"postIds": []string{w.other}}).Want(t, 200, "")
			}
			first, second := func() *edgetest.Answer { return ways["role of the user"](w) }, func() *edgetest.Answer { return way(w) }
			if turned {
				first, second = second, first
			}
			late, early := between(first, second)
			d.allowed(name+", which came first", early)
			switch {
			case name == "the rule itself" && turned: // it came late: what was there stays
				d.allowed(name, late)
				if who := d.breakers(); !slices.Contains(who, w.user) {
					t.Errorf("%v are reported", who)
				}
				continue
			case late.Code() != "separation_of_duty":
				t.Errorf("%s, turned %v: the late one %d %s", name, turned, late.Status, late.Body)
			}
			if who := d.breakers(); slices.Contains(who, w.user) {
				t.Errorf("%s, turned %v: somebody breaks the rule", name, turned)
			}
		}
	}
}
