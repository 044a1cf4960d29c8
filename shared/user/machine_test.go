package user_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/user"
)

// TestMain keeps the default run short; -rapid.checks asks for more.
func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
	if !asked {
		if err := flag.Set("rapid.checks", "25"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// model is what the machine believes of one user.
type model struct {
	status  principal.UserStatus
	email   int
	manager id.User
	admin   bool
}

// TestMachine runs random operations of several users against a model: after each step every answer was the model's, and every invariant
// of sound holds.
func TestMachine(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, func(r *principal.Tenant) { r.UserLimit = 6 })
		ctx := t.Context()
		users := map[id.User]*model{w.admin: {status: principal.UserActive, email: -1, admin: true}}
		ids := []id.User{w.admin}
		pick := func() id.User { return rapid.SampledFrom(ids).Draw(rt, "user") }
		address := func(n int) string { return fmt.Sprintf("u%d@acme.example", n) }
		taken := func(n int, but id.User) bool {
			for u, m := range users {
				if u != but && m.status != principal.UserDeleted && m.email == n {
					return true
				}
			}
			return false
		}
		living := func() (n int) {
			for _, m := range users {
				if m.status != principal.UserDeleted {
					n++
				}
			}
			return n
		}
		lastAdmin := func(u id.User) bool {
			for o, m := range users {
				if o != u && m.admin && m.status == principal.UserActive {
					return false
				}
			}
			return users[u].admin && users[u].status == principal.UserActive
		}
		cycle := func(u, manager id.User) bool {
			for m := manager; m != ""; m = users[m].manager {
				if m == u {
					return true
				}
			}
			return false
		}
		// by is an active administrator who is not u, or else w.admin as it may be.
		by := func(u id.User) id.User {
			for _, o := range ids {
				if m := users[o]; o != u && m.admin && m.status == principal.UserActive {
					return o
				}
			}
			return u
		}
		want := func(err error, code string) bool {
			if code == "" && err != nil || code != "" && !fault.Is(err, code) && fault.Of(err).Code != code {
				rt.Fatalf("answered %v, the model says %q", err, code)
			}
			return code == ""
		}
		rt.Repeat(map[string]func(*rapid.T){
			"invite": func(rt *rapid.T) {
				n := rapid.IntRange(0, 5).Draw(rt, "email")
				u, err := w.create(t, by(""), user.Draft{Name: "U", Email: address(n)})
				code := ""
				switch {
				case living() >= 6:
					code = "user_limit"
				case taken(n, ""):
					code = "email_taken"
				}
				if want(err, code) {
					users[u.ID] = &model{status: principal.UserInvited, email: n}
					ids = append(ids, u.ID)
				}
			},
			"activate": func(rt *rapid.T) {
				u := pick()
				err := w.system(ctx, func(c *change.Set) error {
					_, err := w.users.Activate(ctx, c, w.tenant, u)
					return err
				})
				code := ""
				if s := users[u].status; s == principal.UserInactive || s == principal.UserDeleted {
					code = "account_inactive"
				}
				if want(err, code) {
					users[u].status = principal.UserActive
				}
			},
			"deactivate": func(rt *rapid.T) {
				u := pick()
				err := w.act(ctx, w.users.Deactivate, by(u), u)
				code := ""
				switch m := users[u]; {
				case m.status == principal.UserDeleted:
					code = "not_found"
				case by(u) == u:
					code = "self_change_forbidden"
				case m.status == principal.UserInvited:
					code = "user_not_active"
				case m.status == principal.UserActive && lastAdmin(u):
					code = "last_admin"
				}
				if want(err, code) {
					users[u].status = principal.UserInactive
				}
			},
			"reactivate": func(rt *rapid.T) {
				u := pick()
				err := w.act(ctx, w.users.Reactivate, by(u), u)
				code := map[principal.UserStatus]string{principal.UserDeleted: "not_found", principal.UserInvited: "user_not_active"}[users[u].status]
				if want(err, code) {
					users[u].status = principal.UserActive
				}
			},
			"delete": func(rt *rapid.T) {
				u := pick()
				err := w.delete(ctx, by(u), u)
				code := ""
				reports := false
				for _, m := range users {
					reports = reports || m.manager == u
				}
				switch m := users[u]; {
				case m.status == principal.UserDeleted:
					code = "not_found"
				case by(u) == u:
					code = "self_change_forbidden"
				case m.status == principal.UserActive && lastAdmin(u):
					code = "last_admin"
				case m.status == principal.UserActive:
					code = "user_active"
				case reports:
					code = "user_has_reports"
				}
				if want(err, code) {
					users[u] = &model{status: principal.UserDeleted}
				}
			},
			"manager": func(rt *rapid.T) {
				u, m := pick(), pick()
				err := w.update(ctx, by(u), u, user.Patch{Manager: given(m)})
				code := ""
				switch {
				case users[u].status == principal.UserDeleted:
					code = "not_found"
				case users[u].manager == m:
				case users[m].status == principal.UserDeleted:
					code = "unknown_manager"
				case cycle(u, m):
					code = "manager_cycle"
				}
				if want(err, code) {
					users[u].manager = m
				}
			},
			"address": func(rt *rapid.T) {
				u, n := pick(), rapid.IntRange(0, 5).Draw(rt, "email")
				err := w.update(ctx, by(u), u, user.Patch{Email: given(address(n))})
				code := ""
				switch {
				case users[u].status == principal.UserDeleted:
					code = "not_found"
				case taken(n, u):
					code = "email_taken"
				}
				if want(err, code) {
					users[u].email = n
				}
			},
			"administrator": func(rt *rapid.T) {
				u, on := pick(), rapid.Bool().Draw(rt, "on")
				var roles []id.Role
				if on {
					roles = []id.Role{w.roles["administrator"]}
				}
				actor := by(u)
				err := w.setRoles(ctx, actor, u, roles...)
				code := ""
				switch {
				case users[u].status == principal.UserDeleted:
					code = "not_found"
				case !on && lastAdmin(u):
					code = "last_admin"
				}
				if want(err, code) {
					users[u].admin = on
				}
			},
			"later": func(*rapid.T) { w.Clock.Add(time.Second) },
			"": func(rt *rapid.T) {
				w.sound(t)
				for u, m := range users {
					got := w.load(t, u)
					if got.Status != m.status || got.Manager != m.manager && m.status != principal.UserDeleted {
						rt.Fatalf("%s is %s under %s, the model says %s under %s", u, got.Status, got.Manager, m.status, m.manager)
					}
				}
			},
		})
	})
}
