package user_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/notify"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/user"
)

// TestMailInForce: a mail is sent as long as what it invites to is to be had, and never after.
func TestMailInForce(t *testing.T) {
	of := func(suffix string) func(user.User) id.Message {
		return func(u user.User) id.Message { return u.Invitation + id.Message(suffix) }
	}
	at := func(more int64) func(user.User) id.Message {
		return func(u user.User) id.Message { return u.Invitation + id.Message(fmt.Sprint("-", u.Version+more)) }
	}
	stranger := func(user.User) id.Message { return "msg_stranger" }
	for _, row := range []struct {
		what   string
		status principal.UserStatus
		mail   func(user.User) id.Message
		sent   int
	}{
		{"the invitation", principal.UserInvited, of(""), 1},
		{"another", principal.UserInvited, stranger, 0},
		{"one anew", principal.UserInvited, at(0), 0},
		{"the invitation that was answered", principal.UserActive, of(""), 0},
		{"anew, at this version", principal.UserActive, at(0), 1},
		{"anew, and the user was changed since", principal.UserActive, at(-1), 1},
		{"anew, at a version that is not there yet", principal.UserActive, at(1), 0},
		{"anew, at no version", principal.UserActive, of("-"), 0},
		{"anew, at what is no version", principal.UserActive, of("-x"), 0},
		{"another", principal.UserActive, stranger, 0},
		{"the invitation", principal.UserInactive, of(""), 0},
		{"anew", principal.UserInactive, at(0), 0},
		{"the invitation", principal.UserDeleted, of(""), 0},
		{"anew", principal.UserDeleted, at(0), 0},
	} {
		w := newWorld(t)
		u := w.in(t, row.status)
		w.lose(t)
		w.start(t, user.JobMail, user.MailPayload{User: u, Message: row.mail(w.load(t, u))})
		if n := len(w.Outbox.Items()); n != row.sent {
			t.Errorf("%s of a user who is %s: %d mails", row.what, row.status, n)
		}
	}
	w := newWorld(t)
	w.start(t, user.JobMail, user.MailPayload{User: id.New[id.User](w.IDs), Message: "msg_x"})
	if n := len(w.Outbox.Items()); n != 0 {
		t.Errorf("%d mails to nobody", n)
	}
}

// TestReplacedInvitationIsNotSent: of an invitation that waited until there was another, nothing is sent.
func TestReplacedInvitationIsNotSent(t *testing.T) {
	w := newWorld(t)
	u := w.invite(t, user.Draft{Name: "Li", Email: "li@acme.example"})
	first := w.load(t, u).Invitation
	w.Clock.Add(user.InvitationPause)
	must(t, w.act(t.Context(), w.users.ResendInvitation, w.admin, u))
	second := w.load(t, u).Invitation
	w.start(t, user.JobMail, user.MailPayload{User: u, Message: first})
	if box := w.Outbox.Items(); len(box) != 1 || box[0].ID != second {
		t.Errorf("sent %+v", box)
	}
}

// proof is a notifier that sends what is true only: the password of a mail opens the door before the mail is sent.
type proof struct {
	notify.Notify
	w *world
	t testing.TB
}

func (p *proof) Send(ctx context.Context, m notify.Message) error {
	if err := p.w.signIn(p.t, m.User, m.Words["temporaryPassword"]); err != nil {
		p.t.Errorf("a mail is sent whose password is not in force: %v", err)
	}
	return p.Notify.Send(ctx, m)
}

// TestMailSurvivesEveryDeath: wherever the process loses its store between an invitation, or an identity that is found missing, and its mail,
// before a commit or after it, the next process sends one mail, whose password opens the door.
func TestMailSurvivesEveryDeath(t *testing.T) {
	ctx := context.WithoutCancel(t.Context())
	reconcile := func(w *world) { _ = w.desk.Reconcile(ctx) }
	for _, row := range []struct {
		what   string
		status principal.UserStatus
		begin  func(*world, id.User) // once
		walk   func(*world)          // by each process
		least  int                   // commits
	}{
		{what: "an invitation", status: principal.UserInvited, least: 5},
		{
			what: "a lost identity", status: principal.UserActive, least: 7,
			begin: func(w *world, u id.User) {
				must(t, w.jobs.Start(ctx, w.tenant, user.JobSync, user.SyncPayload{User: u}))
			},
		},
		{what: "a lost identity that the hourly walk finds", status: principal.UserActive, walk: reconcile, least: 6},
	} {
		for _, after := range []bool{false, true} {
			for n := 1; ; n++ {
				w := newWorld(t)
				must(t, w.Identity.CreateUser(ctx, identity.NameOf(w.tenant, w.admin), "ada@acme.example", "", "Temp-orary-42-x", time.Hour))
				u := w.in(t, row.status)
				if row.status != principal.UserInvited {
					w.lose(t)
				}
				if row.begin != nil {
					row.begin(w, u)
				}
				process := func() {
					if row.walk != nil {
						row.walk(w)
					}
					_, _ = w.worker(func(p *platform.Platform) { p.Notify = &proof{p.Notify, w, t} }).RunDue(ctx)
				}
				died := w.Faults.DieAt(n, after)
				process()
				w.Faults.Before, w.Faults.After = nil, nil
				for range 3 {
					w.Clock.Add(job.LeaseFor + time.Second)
					process()
				}
				box := w.Outbox.Items()
				if len(box) != 1 {
					t.Fatalf("%s, death %d, after %v: %d mails", row.what, n, after, len(box))
				}
				must(t, w.signIn(t, u, box[0].TemporaryPassword))
				if mails := w.count(t, user.JobMail); mails != 1 && row.walk == nil { // who walks cannot know what the last walk began
					t.Errorf("%s, death %d, after %v: %d jobs send the mail", row.what, n, after, mails)
				}
				if !died() {
					if n <= row.least {
						t.Errorf("%s: %d commits only: the harness does not see them", row.what, n-1)
					}
					break
				}
			}
		}
	}
}

// TestSyncHandsOverOnce: a job that has left a missing identity to another leaves it to no second one, though the first has not begun.
func TestSyncHandsOverOnce(t *testing.T) {
	for n := 1; n <= 4; n++ {
		w := newWorld(t)
		ctx := context.WithoutCancel(t.Context())
		u := w.in(t, principal.UserActive)
		w.lose(t)
		must(t, w.jobs.Start(ctx, w.tenant, user.JobSync, user.SyncPayload{User: u}))
		var sync id.Job
		must(t, w.jobs.EachDue(ctx, func(j job.Job) error { sync = j.ID; return nil }))
		w.Faults.DieAt(n, true)
		_ = w.worker().RunOne(ctx, w.tenant, sync)
		w.Faults.Before, w.Faults.After = nil, nil
		for range 2 {
			w.Clock.Add(job.LeaseFor + time.Second)
			must(t, w.worker().RunOne(ctx, w.tenant, sync))
		}
		if invites := w.count(t, user.JobInvite); invites != 1 {
			t.Errorf("death %d: %d jobs make the identity", n, invites)
		}
	}
}

// count counts the jobs of the kind.
func (w *world) count(t testing.TB, kind string) (n int) {
	t.Helper()
	jobs, _, err := w.jobs.List(t.Context(), w.tenant, 100, "")
	must(t, err)
	for _, j := range jobs {
		if j.Kind == kind {
			n++
		}
	}
	return n
}
