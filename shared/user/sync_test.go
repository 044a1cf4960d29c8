package user_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/notify"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/user"
)

func (w *world) identity(t testing.TB, u id.User) (identity.User, bool) {
	t.Helper()
	x, err := w.Identity.GetUser(t.Context(), identity.NameOf(w.tenant, u))
	if fault.Is(err, "user_unknown") {
		return identity.User{}, false
	}
	must(t, err)
	return x, true
}

func (w *world) signIn(t testing.TB, u id.User, pw string) error {
	t.Helper()
	_, err := w.Identity.Authenticate(t.Context(), identity.NameOf(w.tenant, u), pw)
	return err
}

// sent is a notifier that fails after sending, as often as told.
type sent struct {
	notify.Notify
	fail int
}

func (s *sent) Send(ctx context.Context, m notify.Message) error {
	if err := s.Notify.Send(ctx, m); err != nil {
		return err
	}
	if s.fail > 0 {
		s.fail--
		return errors.New("the reply was lost")
	}
	return nil
}

// TestInvitation holds U04 and bad-input 46: one mail, whose password opens the first sign-in, however often the job runs.
func TestInvitation(t *testing.T) {
	w := newWorld(t, func(r *principal.Tenant) { r.Slug = "acme" })
	ctx := t.Context()
	u := w.invite(t, user.Draft{Name: "李雷", Email: "Li.Lei@acme.example", Locale: "zh-CN"})
	again := func() { w.start(t, user.JobInvite, user.InvitePayload{User: u}) }
	flaky := &sent{w.Notify, 1}
	_, err := w.worker(func(p *platform.Platform) { p.Notify = flaky }).RunDue(ctx)
	if must(t, err); flaky.fail != 0 {
		t.Fatal("the crash did not happen")
	}
	w.Clock.Add(2 * job.FirstPause)
	w.work(t)
	again()
	box := w.Outbox.Items()
	if len(box) != 1 {
		t.Fatalf("%d mails", len(box))
	}
	m := box[0]
	if m.To != "li.lei@acme.example" || m.Locale != "zh-CN" || !strings.Contains(m.Text, "李雷") || !strings.Contains(m.Text, "acme") || m.TemporaryPassword == "" || strings.Contains(m.Text+m.Subject, "{") {
		t.Errorf("the mail is %+v", m)
	}
	must(t, w.signIn(t, u, m.TemporaryPassword))
	if there, ok := w.identity(t, u); !ok || !there.PasswordIsTemp || there.Email != "li.lei@acme.example" {
		t.Errorf("the identity is %+v", there)
	}

	// Asked for again within the minute, nothing happens; then there is another invitation, and the first is void.
	w.Clock.Add(user.InvitationPause - time.Second - 2*job.FirstPause)
	edgetest.Unchanged(t, w.Table, func() { must(t, w.act(ctx, w.users.ResendInvitation, w.admin, u)) })
	w.Clock.Add(time.Second)
	must(t, w.act(ctx, w.users.ResendInvitation, w.admin, u))
	again() // the first job, late, and the second do the same
	w.start(t, user.JobMail, user.MailPayload{User: u, Message: m.ID})
	if box = w.Outbox.Items(); len(box) != 2 {
		t.Fatalf("%d mails", len(box))
	}
	if err := w.signIn(t, u, m.TemporaryPassword); err == nil {
		t.Error("the first invitation still works")
	}
	must(t, w.signIn(t, u, box[0].TemporaryPassword))

	// Another address gets the invitation instead.
	must(t, w.update(ctx, w.admin, u, user.Patch{Email: given("lei@acme.example")}))
	w.work(t)
	if box = w.Outbox.Items(); len(box) != 3 || box[0].To != "lei@acme.example" {
		t.Fatalf("the new address was not invited: %d mails", len(box))
	}
	must(t, w.signIn(t, u, box[0].TemporaryPassword))

	// Answered, it is over.
	out, err := w.Identity.Authenticate(ctx, identity.NameOf(w.tenant, u), box[0].TemporaryPassword)
	must(t, err)
	_, err = w.Identity.AnswerNewPassword(ctx, identity.NameOf(w.tenant, u), out.Session, "correct horse battery staple")
	must(t, err)
	again() // the row is still invited: the crash came in between
	must(t, w.signIn(t, u, "correct horse battery staple"))
	w.activate(t, u)
	again()
	if n := len(w.Outbox.Items()); n != 3 {
		t.Errorf("%d mails after the answer", n)
	}
	edgetest.Refused(t, w.act(ctx, w.users.ResendInvitation, w.admin, u), "user_not_invited")
}

// TestInvitationEnds holds that a temporary password dies after seven days.
func TestInvitationEnds(t *testing.T) {
	w := newWorld(t)
	u := w.invite(t, user.Draft{Name: "Li", Email: "li@acme.example"})
	w.work(t)
	pw := w.Outbox.Items()[0].TemporaryPassword
	w.Clock.Add(user.InvitationLife + time.Second)
	if err := w.signIn(t, u, pw); err == nil {
		t.Error("an old invitation still works")
	}
}

// TestJobsHoldNoSecret holds that what is stored of an invitation is ids.
func TestJobsHoldNoSecret(t *testing.T) {
	w := newWorld(t)
	w.invite(t, user.Draft{Name: "Li", Email: "li@acme.example"})
	w.work(t)
	made := w.Outbox.Items()[0].TemporaryPassword
	jobs := 0
	for it, err := range w.Table.Scan(t.Context(), 0, 1) {
		must(t, err)
		if strings.Contains(string(it.Doc), made) || (strings.Contains(it.PK, "#JOB#") && strings.Contains(string(it.Doc), "@")) {
			t.Errorf("%s %s holds a secret or an address", it.PK, it.SK)
		}
		if strings.Contains(it.PK, "#JOB#") {
			jobs++
		}
	}
	if jobs < 2 || made == "" {
		t.Errorf("looked at %d jobs", jobs)
	}
}

// TestSync holds I15 step by step: after each change of the row, one run of the job brings the identity in line, and a second changes
// nothing.
func TestSync(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	u := w.invite(t, user.Draft{Name: "Li", Email: "li@acme.example"})
	sync := func(t *testing.T) {
		t.Helper()
		for range 2 {
			w.start(t, user.JobSync, user.SyncPayload{User: u, SignOut: true})
		}
	}
	w.lose(t)
	sync(t) // the invitation's job was lost
	pw := w.Outbox.Items()[0].TemporaryPassword
	out, err := w.Identity.Authenticate(ctx, identity.NameOf(w.tenant, u), pw)
	must(t, err)
	out, err = w.Identity.AnswerNewPassword(ctx, identity.NameOf(w.tenant, u), out.Session, "correct horse battery staple")
	must(t, err)
	w.activate(t, u)
	must(t, w.update(ctx, w.admin, u, user.Patch{Email: given("li2@acme.example"), Phone: given("13800138000")}))
	must(t, w.system(ctx, func(c *change.Set) error {
		_, err := w.users.SetVerified(ctx, c, w.tenant, u, identity.Email)
		return err
	}))
	if _, err := w.Identity.Refresh(ctx, out.Tokens.Refresh); err != nil {
		t.Errorf("a refresh token died of nothing: %v", err)
	}
	again, err := w.Identity.Authenticate(ctx, identity.NameOf(w.tenant, u), "correct horse battery staple")
	must(t, err)
	w.start(t, user.JobSync, user.SyncPayload{User: u, SignOut: true})
	if _, err := w.Identity.Refresh(ctx, again.Tokens.Refresh); err == nil {
		t.Error("a refresh token outlives the end of all sessions")
	}
	out, err = w.Identity.Authenticate(ctx, identity.NameOf(w.tenant, u), "correct horse battery staple")
	must(t, err)
	must(t, w.act(ctx, w.users.Deactivate, w.admin, u))
	sync(t)
	there, _ := w.identity(t, u)
	if there.Enabled || there.Email != "li2@acme.example" || there.Phone != "+8613800138000" || !there.EmailVerified || there.PhoneVerified {
		t.Errorf("the identity is %+v", there)
	}
	if _, err := w.Identity.Refresh(ctx, out.Tokens.Refresh); err == nil {
		t.Error("a leaver's refresh token works")
	}
	must(t, w.act(ctx, w.users.Reactivate, w.admin, u))
	sync(t)
	must(t, w.signIn(t, u, "correct horse battery staple"))
	must(t, w.act(ctx, w.users.Deactivate, w.admin, u))
	must(t, w.delete(ctx, w.admin, u))
	sync(t)
	if _, ok := w.identity(t, u); ok {
		t.Error("a deleted user has an identity")
	}
	if n := len(w.Outbox.Items()); n != 1 {
		t.Errorf("%d mails", n)
	}
}

// TestReconcile holds I15 after any loss: orphans go, missing identities come, locks follow the rows, one failure stops nobody else.
func TestReconcile(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	made := map[principal.UserStatus]id.User{}
	for _, s := range []principal.UserStatus{principal.UserInvited, principal.UserActive, principal.UserInactive, principal.UserDeleted} {
		made[s] = w.in(t, s)
	}
	stranger, orphan := id.New[id.User](w.IDs), id.New[id.User](w.IDs)
	for _, u := range []id.User{made[principal.UserInactive], made[principal.UserDeleted], orphan} { // enabled, though none may sign in
		must(t, w.Identity.CreateUser(ctx, identity.NameOf(w.tenant, u), "x@acme.example", "", "Temp-orary-42-x", time.Hour))
	}
	must(t, w.Identity.CreateUser(ctx, identity.NameOf(w.Tenant(t), stranger), "y@acme.example", "", "Temp-orary-42-x", time.Hour))
	w.lose(t)
	for range 2 {
		must(t, w.desk.Reconcile(ctx))
	}
	for range 2 {
		w.work(t)
		must(t, w.desk.Reconcile(ctx))
	}
	for _, row := range []struct {
		what    string
		u       id.User
		there   bool
		enabled bool
	}{
		{"an invited user", made[principal.UserInvited], true, true},
		{"an active user", made[principal.UserActive], true, true},
		{"the administrator", w.admin, true, true},
		{"an inactive user", made[principal.UserInactive], true, false},
		{"a deleted user", made[principal.UserDeleted], false, false},
		{"an identity without a row", orphan, false, false},
		{"an identity in a tenant without the user", stranger, false, false},
	} {
		if there, ok := w.identity(t, row.u); ok != row.there || there.Enabled != row.enabled {
			t.Errorf("%s: identity %v, enabled %v", row.what, ok, there.Enabled)
		}
	}
	if n := len(w.Outbox.Items()); n != 3 { // the invited one, and two active ones whose password was lost
		t.Errorf("%d mails", n)
	}
}

// TestLostIdentityGetsANewPassword holds that an active user whose identity was lost is not let in by the first invitation.
func TestLostIdentityGetsANewPassword(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	u := w.invite(t, user.Draft{Name: "Li", Email: "li@acme.example"})
	w.work(t)
	old := w.Outbox.Items()[0].TemporaryPassword
	w.activate(t, u)
	must(t, w.Identity.Delete(ctx, identity.NameOf(w.tenant, u)))
	w.lose(t)
	w.start(t, user.JobInvite, user.InvitePayload{User: u}) // the first one's, very late
	if _, ok := w.identity(t, u); ok {
		t.Error("an invitation that was answered makes an identity")
	}
	w.start(t, user.JobSync, user.SyncPayload{User: u})
	box := w.Outbox.Items()
	if len(box) != 2 || box[0].TemporaryPassword == old {
		t.Fatalf("%d mails", len(box))
	}
	if err := w.signIn(t, u, old); err == nil {
		t.Error("the old invitation works again")
	}
	must(t, w.signIn(t, u, box[0].TemporaryPassword))
}
