package user_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/keys"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/sealed"
	"github.com/steward-crm/steward/shared/user"
)

// TestLocked: without the key users are read as ever but for their addresses, and neither changed nor found by them; with the key they are
// what they were.
func TestLocked(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	u := w.active(t, "Li Lei", func(d *user.Draft) { d.Phone = "13800138000" })
	leaver := w.active(t, "Han")
	must(t, w.act(ctx, w.users.Deactivate, w.admin, leaver))
	must(t, w.delete(ctx, w.admin, leaver))
	boss, self := w.as(t, w.admin), w.as(t, u)
	narrow := w.as(t, w.active(t, "Own", with(w.role(t, grant(policy.ModUser, policy.View, policy.Own)))))
	read := func() map[string]user.User {
		t.Helper()
		out := map[string]user.User{}
		var err error
		out["get"], err = w.users.Get(ctx, boss, u)
		must(t, err)
		out["self"], err = w.users.Self(ctx, self)
		must(t, err)
		for what, who := range map[string]*policy.Subject{"list": boss, "short list": narrow} {
			page, err := w.users.List(ctx, who, user.Filter{Status: principal.UserActive}, "", 100)
			must(t, err)
			for _, x := range page.Users {
				out[what+" "+x.Name] = x
			}
		}
		_, err = w.users.Holdings(ctx, boss, u, owns(0))
		must(t, err)
		_, err = w.users.Get(ctx, boss, leaver)
		edgetest.Refused(t, err, "not_found")
		return out
	}
	before := read()
	if len(before) != 6 || before["self"].Phone == "" {
		t.Fatalf("the test reads %d users", len(before))
	}
	address := mail(string(before["self"].Email))

	must(t, w.Master.SetState(keys.Data, keys.Disabled))
	w.Clock.Add(crypt.MaxAge)
	want := map[string]user.User{}
	for k, x := range before {
		x.Email, x.Canonical, x.Phone = sealed.Locked, "", sealed.Locked
		want[k] = x
	}
	if d := cmp.Diff(want, read()); d != "" {
		t.Errorf("locked (-want +got):\n%s", d)
	}
	edgetest.Unchanged(t, w.Table, func() {
		_, err := w.users.Load(ctx, w.tenant, u)
		edgetest.Refused(t, err, "key_unavailable")
		_, err = w.users.ByEmail(ctx, w.tenant, address)
		edgetest.Refused(t, err, "key_unavailable")
		for what, err := range map[string]error{
			"update":         w.update(ctx, w.admin, u, user.Patch{Name: given("New")}),
			"update nothing": w.update(ctx, w.admin, u, user.Patch{}),
			"roles":          w.setRoles(ctx, w.admin, u),
			"deactivate":     w.act(ctx, w.users.Deactivate, w.admin, u),
			"sign out":       w.act(ctx, w.users.SignOut, w.admin, u),
			"delete":         w.delete(ctx, w.admin, u),
			"oneself": w.try(ctx, u, func(who *policy.Subject, c *change.Set) error {
				_, err := w.users.UpdateSelf(ctx, who, c, 0, user.SelfPatch{Name: given("New")})
				return err
			}),
			"create": w.try(ctx, w.admin, func(who *policy.Subject, c *change.Set) error {
				_, err := w.users.Create(ctx, who, c, user.Draft{Name: "New", Email: "new@acme.example", Roles: []id.Role{}})
				return err
			}),
		} {
			if !fault.IsKind(err, fault.Locked) {
				t.Errorf("%s: %v, want Locked", what, err)
			}
		}
	})

	must(t, w.Master.SetState(keys.Data, keys.Enabled)) // and no time passes
	if d := cmp.Diff(before, read()); d != "" {
		t.Errorf("unlocked (-want +got):\n%s", d)
	}
	if found, err := w.users.ByEmail(ctx, w.tenant, address); err != nil || found.ID != u {
		t.Errorf("not found by the address: %v", err)
	}
}
