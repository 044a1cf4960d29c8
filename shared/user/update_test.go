package user_test

import (
	"errors"
	"reflect"
	"sync"
	"testing"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/user"
)

func TestUpdateIsAMergePatch(t *testing.T) {
	w := newWorld(t)
	dept := w.department(t, "")
	u := w.active(t, "Li Lei", func(d *user.Draft) {
		d.Phone, d.EmployeeNo, d.Department, d.Manager = "13800138000", "E1", dept, w.admin
	})
	must(t, w.system(t.Context(), func(c *change.Set) error {
		_, err := w.users.SetVerified(t.Context(), c, w.tenant, u, identity.Email)
		return err
	}))
	must(t, w.update(t.Context(), w.admin, u, user.Patch{Name: given("Li Lei-Han"), Phone: none[string](), Manager: none[id.User](), Locale: given("zh-TW")}))
	got := w.load(t, u)
	if got.Name != "Li Lei-Han" || got.Phone != "" || got.Manager != "" || got.Locale != "zh-TW" {
		t.Errorf("the patch was not applied: %+v", got)
	}
	if got.Email != "li.lei@acme.example" || !got.EmailVerified || got.EmployeeNo != "E1" || got.Department != dept {
		t.Errorf("absent members changed: %+v", got)
	}
	must(t, w.update(t.Context(), w.admin, u, user.Patch{Email: given("LI.LEI@acme.example")}))
	if got = w.load(t, u); !got.EmailVerified || got.Email != "LI.LEI@acme.example" {
		t.Error("another spelling of the same address lost its verification")
	}
	must(t, w.update(t.Context(), w.admin, u, user.Patch{Email: given("lei@acme.example")}))
	if w.load(t, u).EmailVerified {
		t.Error("another address counts as verified")
	}
	edgetest.Unchanged(t, w.Table, func() {
		err := w.update(t.Context(), w.admin, u, user.Patch{Name: none[string](), Email: none[string](), Locale: none[string]()})
		edgetest.Field(t, err, "/name", "required")
		edgetest.Field(t, err, "/email", "required")
		edgetest.Field(t, err, "/locale", "invalid_locale")
	})
	w.sound(t)
}

// TestWhoLeavesADepartmentHasMoved: whoever has left a department once is known to have, for good, in the row and in the organisation. To sit in
// one for the first time is no move.
func TestWhoLeavesADepartmentHasMoved(t *testing.T) {
	w := newWorld(t)
	east, west := w.department(t, ""), w.department(t, "")
	u := w.active(t, "Li Lei")
	for _, step := range []struct {
		what  string
		patch user.Patch
		moved bool
	}{
		{"sits in one", user.Patch{Department: given(east)}, false},
		{"gets a name", user.Patch{Name: given("Lei Li")}, false},
		{"leaves for another", user.Patch{Department: given(west)}, true},
		{"gets another", user.Patch{Name: given("Li Lei")}, true},
		{"comes back", user.Patch{Department: given(east)}, true},
		{"sits nowhere", user.Patch{Department: none[id.Department]()}, true},
	} {
		must(t, w.update(t.Context(), w.admin, u, step.patch))
		if got := w.load(t, u).Moved; got != step.moved {
			t.Errorf("%s: has moved: %t", step.what, got)
		}
		w.sound(t)
	}
}

// TestVersions holds I19: a change that names another version is refused, one that changes nothing writes nothing.
func TestVersions(t *testing.T) {
	w := newWorld(t)
	u := w.active(t, "Li Lei")
	was := w.load(t, u)
	try := func(version int64, p user.Patch) error {
		return w.try(t.Context(), w.admin, func(who *policy.Subject, c *change.Set) error {
			_, err := w.users.Update(t.Context(), who, c, u, version, p)
			return err
		})
	}
	edgetest.Unchanged(t, w.Table, func() {
		must(t, try(was.Version, user.Patch{Name: given(" Li Lei"), Phone: none[string](), Posts: given([]id.Post{})}))
		err := try(was.Version-1, user.Patch{Name: given("New")})
		edgetest.Refused(t, err, "version_conflict")
		if fault.Of(err).Version != was.Version {
			t.Error("the current version is not named")
		}
	})
	must(t, try(was.Version, user.Patch{Name: given("New")}))
	if now := w.load(t, u); now.Version != was.Version+1 {
		t.Errorf("version %d after %d", now.Version, was.Version)
	}
	// Both have judged before either commits.
	var sets []*change.Set
	for _, name := range []string{"Three", "Four"} {
		who := w.as(t, w.admin)
		c := change.New(who.Principal, w.IDs, w.Now())
		_, err := w.users.Update(t.Context(), who, c, u, 0, user.Patch{Name: given(name)})
		must(t, err)
		sets = append(sets, c)
	}
	must(t, sets[0].Commit(t.Context(), w.Table))
	if err := sets[1].Commit(t.Context(), w.Table); !errors.Is(err, change.ErrMoved) {
		t.Fatalf("an update was lost: %v", err)
	}
	was = w.load(t, u)
	// Two who read the same version: one is refused, none is lost.
	errs := make([]error, 2)
	var all sync.WaitGroup
	for i, name := range []string{"One", "Two"} {
		all.Go(func() { errs[i] = try(was.Version, user.Patch{Name: given(name)}) })
	}
	all.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Fatalf("both or none: %v", errs)
	}
}

// TestManagerCycles holds I13 for managers.
func TestManagerCycles(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.active(t, "Ann"), w.active(t, "Ben"), w.active(t, "Cem")
	must(t, w.update(t.Context(), w.admin, b, user.Patch{Manager: given(a)}))
	must(t, w.update(t.Context(), w.admin, c, user.Patch{Manager: given(b)}))
	edgetest.Unchanged(t, w.Table, func() {
		for _, row := range []struct{ who, manager id.User }{{a, a}, {a, b}, {a, c}, {b, c}} {
			edgetest.Field(t, w.update(t.Context(), w.admin, row.who, user.Patch{Manager: given(row.manager)}), "/managerId", "manager_cycle")
		}
		edgetest.Field(t, w.update(t.Context(), w.admin, a, user.Patch{Manager: given(id.User("user_none"))}), "/managerId", "unknown_manager")
	})
	for range 10 { // each half is legal alone; together they would be a cycle
		x, y := w.invite(t, user.Draft{Name: "X", Email: string(id.New[id.User](w.IDs)) + "@acme.example"}), w.invite(t, user.Draft{Name: "Y", Email: string(id.New[id.User](w.IDs)) + "@acme.example"})
		var all sync.WaitGroup
		for _, p := range [][2]id.User{{x, y}, {y, x}} {
			all.Go(func() {
				if err := w.update(t.Context(), w.admin, p[0], user.Patch{Manager: given(p[1])}); err != nil && !fault.Is(err, "manager_cycle") {
					t.Error(err)
				}
			})
		}
		all.Wait()
		w.sound(t)
	}
}

func TestUpdateReferences(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	u := w.active(t, "Li Lei")
	foreign := other.department(t, "")
	edgetest.Unchanged(t, w.Table, func() {
		err := w.update(t.Context(), w.admin, u, user.Patch{Department: given(foreign), Posts: given([]id.Post{"post_none"})})
		edgetest.Field(t, err, "/departmentId", "unknown_department")
		edgetest.Field(t, err, "/postIds/0", "unknown_post")
		err = w.update(t.Context(), w.admin, u, user.Patch{Posts: given(make21(func(int) id.Post { return id.New[id.Post](w.IDs) }))})
		edgetest.Field(t, err, "/postIds", "too_many")
		edgetest.Field(t, w.setRoles(t.Context(), w.admin, u, "role_none"), "/roleIds/0", "unknown_role")
	})
}

func make21[T any](f func(int) T) []T {
	out := make([]T, 21)
	for i := range out {
		out[i] = f(i)
	}
	return out
}

// TestChangesOfRights holds I8 on changes: of roles, of posts, of oneself, and of the address of someone who may do more.
func TestChangesOfRights(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	edit := []policy.Grant{
		grant(policy.ModUser, policy.Update, policy.All), grant(policy.ModUser, policy.View, policy.All),
		grant(policy.ModAccount, policy.View, policy.Department),
	}
	same, wider := w.role(t, edit[2]), w.role(t, grant(policy.ModAccount, policy.View, policy.All))
	mine, other := w.department(t, ""), w.department(t, "")
	editor := w.active(t, "Ed Editor", with(w.role(t, edit...)), func(d *user.Draft) { d.Department = mine })
	peer := w.active(t, "Pia Peer")
	giveWider, giveSame := w.post(t, mine, wider), w.post(t, mine, same)

	for _, row := range []struct {
		what string
		code string
		do   func() error
	}{
		{"a role as wide as one's own", "", func() error { return w.setRoles(ctx, editor, peer, same) }},
		{"a wider role", "grant_exceeds_own", func() error { return w.setRoles(ctx, editor, peer, same, wider) }},
		{"a post with a wider role", "grant_exceeds_own", func() error { return w.update(ctx, editor, peer, user.Patch{Posts: given([]id.Post{giveWider})}) }},
		{"a post with a role as wide", "", func() error { return w.update(ctx, editor, peer, user.Patch{Posts: given([]id.Post{giveSame})}) }},
		{"taking roles away", "", func() error { return w.setRoles(ctx, editor, peer) }},
		{"a role to oneself", "self_change_forbidden", func() error { return w.setRoles(ctx, w.admin, w.admin, w.roles["administrator"], same) }},
		{"a post with roles to oneself", "self_change_forbidden", func() error {
			return w.update(ctx, editor, editor, user.Patch{Posts: given([]id.Post{giveSame, giveWider})})
		}},
		{"another department, where one's rights reach by it", "self_change_forbidden", func() error { return w.update(ctx, editor, editor, user.Patch{Department: given(other)}) }},
		{"another department, where they do not", "", func() error { return w.update(ctx, w.admin, w.admin, user.Patch{Department: given(other)}) }},
		{"the e-mail of one who may do more", "grant_exceeds_own", func() error { return w.update(ctx, editor, w.admin, user.Patch{Email: given("mine@acme.example")}) }},
		{"the phone of one who may do more", "grant_exceeds_own", func() error { return w.update(ctx, editor, w.admin, user.Patch{Phone: given("13800138000")}) }},
		{"the name of one who may do more", "", func() error { return w.update(ctx, editor, w.admin, user.Patch{Name: given("Ada")}) }},
		{"the e-mail of a peer", "", func() error { return w.update(ctx, editor, peer, user.Patch{Email: given("pia2@acme.example")}) }},
		{"anything without the right", "permission_denied", func() error { return w.update(ctx, peer, editor, user.Patch{Name: given("X")}) }},
	} {
		if row.code == "" {
			if err := row.do(); err != nil {
				t.Errorf("%s: %v", row.what, err)
			}
			continue
		}
		edgetest.Unchanged(t, w.Table, func() {
			if err := row.do(); !fault.Is(err, row.code) {
				t.Errorf("%s: %v, want %s", row.what, err, row.code)
			}
		})
	}
	w.sound(t)
}

// TestGrantRaced holds I8 under a race: whoever loses a role gives it to nobody from that commit on.
func TestGrantRaced(t *testing.T) {
	w := newWorld(t)
	power := grant(policy.ModAccount, policy.Export, policy.All)
	strong := w.role(t, power, grant(policy.ModUser, policy.Update, policy.All), grant(policy.ModUser, policy.View, policy.All))
	weak := w.role(t, grant(policy.ModUser, policy.Update, policy.All), grant(policy.ModUser, policy.View, policy.All))
	only := w.role(t, power)
	for range 10 {
		giver, taker := w.active(t, string(id.New[id.User](w.IDs)), with(strong)), w.active(t, string(id.New[id.User](w.IDs)))
		stale, err := w.subject(t.Context(), giver, "users.test") // read before the demotion
		must(t, err)
		c := change.New(stale.Principal, w.IDs, w.Now())
		_, err = w.users.SetRoles(t.Context(), stale, c, taker, 0, []id.Role{only})
		must(t, err)
		must(t, w.setRoles(t.Context(), w.admin, giver, weak))
		if err := c.Commit(t.Context(), w.Table); err == nil {
			t.Fatal("a role was given by someone who no longer held it")
		}
		edgetest.Refused(t, w.setRoles(t.Context(), giver, taker, only), "grant_exceeds_own")
	}
}

// TestSight holds that a user out of sight is as unknown as one who never was, and that seeing is not editing.
func TestSight(t *testing.T) {
	w := newWorld(t)
	mine, other := w.department(t, ""), w.department(t, "")
	in := func(d id.Department) func(*user.Draft) { return func(x *user.Draft) { x.Department = d } }
	r := w.role(t, grant(policy.ModUser, policy.View, policy.Department), grant(policy.ModUser, policy.Update, policy.Own))
	by := w.active(t, "Vi Viewer", with(r), in(mine))
	near, far := w.active(t, "Near", in(mine)), w.active(t, "Far", in(other))
	rename := user.Patch{Name: given("X")}
	edgetest.Refused(t, w.update(t.Context(), by, near, rename), "permission_denied")
	edgetest.Refused(t, w.update(t.Context(), by, far, rename), "not_found")
	edgetest.Refused(t, w.update(t.Context(), by, "user_none", rename), "not_found")
	must(t, w.update(t.Context(), by, by, rename))
	who := w.as(t, by)
	if _, err := w.users.Get(t.Context(), who, near); err != nil {
		t.Error(err)
	}
	_, err := w.users.Get(t.Context(), who, far)
	edgetest.Refused(t, err, "not_found")
	// Nor can a user be pushed out of one's own scope.
	local := w.active(t, "Lea", in(mine), with(w.role(t, grant(policy.ModUser, policy.View, policy.All), grant(policy.ModUser, policy.Update, policy.Department))))
	edgetest.Refused(t, w.update(t.Context(), local, near, user.Patch{Department: given(other)}), "permission_denied")
}

func TestFieldRules(t *testing.T) {
	w := newWorld(t)
	r := w.roleWith(t, func(r *policy.Role) {
		r.Grants = []policy.Grant{grant(policy.ModUser, policy.View, policy.All), grant(policy.ModUser, policy.Update, policy.All)}
		r.Fields = []policy.FieldRule{
			{Module: policy.ModUser, Field: "email", Access: policy.Masked}, {Module: policy.ModUser, Field: "phone", Access: policy.Hidden},
		}
	})
	by := w.active(t, "Cleo Clerk", with(r))
	u := w.active(t, "Li Lei", func(d *user.Draft) { d.Phone = "13800138000" })
	err := w.update(t.Context(), by, u, user.Patch{Email: given("x@acme.example"), Phone: given("13900139000")})
	edgetest.Refused(t, err, "field_not_writable")
	edgetest.Field(t, err, "/email", "field_not_writable")
	edgetest.Field(t, err, "/phone", "field_not_writable")
	// A value that a hidden field already has tells no more than another one.
	edgetest.Refused(t, w.update(t.Context(), by, u, user.Patch{Phone: given("+8613800138000")}), "field_not_writable")
	who := w.as(t, by)
	got, err := w.users.Get(t.Context(), who, u)
	must(t, err)
	if s := got.Shown(who); s.Email != "l•••@acme.example" || s.Phone != "" || s.Canonical != "" || s.Name != "Li Lei" {
		t.Errorf("shown as %q %q", s.Email, s.Phone)
	}
	own, err := w.users.Get(t.Context(), who, by)
	must(t, err)
	if own.Shown(who).Email != "cleo.clerk@acme.example" {
		t.Error("users do not see their own address")
	}
}

// TestUpdateSelf holds U02: one's own name, addresses and language, without any right, and nothing else.
func TestUpdateSelf(t *testing.T) {
	w := newWorld(t)
	u := w.active(t, "Li Lei")
	self := func(version int64, p user.SelfPatch) error {
		return w.try(t.Context(), u, func(who *policy.Subject, c *change.Set) error {
			_, err := w.users.UpdateSelf(t.Context(), who, c, version, p)
			return err
		})
	}
	must(t, w.system(t.Context(), func(c *change.Set) error {
		_, err := w.users.SetVerified(t.Context(), c, w.tenant, u, identity.Email)
		return err
	}))
	verified := func(a identity.Attribute) {
		must(t, w.system(t.Context(), func(c *change.Set) error {
			_, err := w.users.SetVerified(t.Context(), c, w.tenant, u, a)
			return err
		}))
	}
	edgetest.Unchanged(t, w.Table, func() { verified(identity.Email) }) // again
	edgetest.Unchanged(t, w.Table, func() { verified(identity.Phone) }) // there is none
	must(t, self(0, user.SelfPatch{Name: given("Lei"), Email: given("lei@acme.example"), Phone: given("13800138000"), Locale: given("zh-CN")}))
	if got := w.load(t, u); got.Name != "Lei" || got.Canonical != "lei@acme.example" || got.EmailVerified || got.PhoneVerified || got.Locale != "zh-CN" {
		t.Errorf("%+v", got)
	}
	verified(identity.Phone)
	if !w.load(t, u).PhoneVerified {
		t.Error("the phone is not verified")
	}
	must(t, self(0, user.SelfPatch{Phone: given("13900139000")}))
	if w.load(t, u).PhoneVerified {
		t.Error("another number counts as verified")
	}
	must(t, self(0, user.SelfPatch{Phone: given("13800138000")}))
	edgetest.Unchanged(t, w.Table, func() {
		must(t, self(0, user.SelfPatch{Name: given("Lei "), Phone: given("+86 138 0013 8000")})) // nothing new
		edgetest.Refused(t, self(1, user.SelfPatch{Name: given("X")}), "version_conflict")
		edgetest.Refused(t, self(0, user.SelfPatch{Email: given("ada@acme.example")}), "email_taken")
		edgetest.Field(t, self(0, user.SelfPatch{Name: none[string]()}), "/name", "required")
	})
	w.sound(t)
}

// TestChangedUnseen: whoever may change a user whom they cannot view is shown that it is done, and nothing of them.
func TestChangedUnseen(t *testing.T) {
	w := newWorld(t)
	blind := w.active(t, "Blind", with(w.role(t, grant(policy.ModUser, policy.Update, policy.All), grant(policy.ModUser, policy.View, policy.Own))))
	ann := w.active(t, "Ann Lee")
	if _, err := w.users.Get(t.Context(), w.as(t, blind), ann); !fault.IsKind(err, fault.NotFound) {
		t.Fatalf("they see her: %v", err)
	}
	for name, p := range map[string]user.Patch{"a change": {Name: patch.Of("Ann Li")}, "no change": {}} {
		must(t, w.try(t.Context(), blind, func(who *policy.Subject, c *change.Set) error {
			got, err := w.users.Update(t.Context(), who, c, ann, 0, p)
			bare := user.User{ID: ann, Tenant: w.tenant, Version: got.Version, CreatedAt: got.CreatedAt, UpdatedAt: got.UpdatedAt}
			bare.Status = principal.UserActive
			if shown := got.Shown(who); !reflect.DeepEqual(shown, bare) {
				t.Errorf("%s shows %+v", name, shown)
			}
			return err
		}))
	}
}
