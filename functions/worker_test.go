package functions_test

import (
	"context"
	"slices"
	"testing"

	"github.com/steward-crm/steward/functions/messages"
	"github.com/steward-crm/steward/functions/users"
	"github.com/steward-crm/steward/functions/work"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/job"
	notifylocal "github.com/steward-crm/steward/shared/notify/local"
)

// apart are workers that take turns, as those of AWS do.
type apart []*job.Worker

func (a apart) RunDue(ctx context.Context) (ran int, err error) {
	for {
		n := 0
		for _, w := range a {
			m, err := w.RunDue(ctx)
			if n += m; err != nil {
				return ran + n, err
			}
		}
		if ran += n; n == 0 {
			return ran, nil
		}
	}
}

// TestWorkersApart: the worker that sends has no identity provider, the other has no notifier, nor has what walks over the rows; and between them
// everything is done that one does: a tenant comes, people are invited, codes are sent, an identity that was lost is made anew.
func TestWorkersApart(t *testing.T) {
	h := openHouse(t)
	sending, rest := *h.Platform, *h.Platform
	sending.Identity, rest.Notify = nil, nil
	h.worker = apart{work.Worker(&rest), messages.Worker(&sending)}
	admin := h.onboard("acme")
	h.day(admin, nil)
	h.work()
	p := h.invite(admin, "Lost", nil)
	if err := h.Identity.Delete(t.Context(), identity.NameOf(admin.tenant, id.User(p.id))); err != nil {
		t.Fatal(err)
	}
	if err := users.Desk(&rest).Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.work()
	h.enter(p)
	for _, template := range []string{"invitation", "reset", "verify"} {
		if !slices.ContainsFunc(h.Outbox.Items(), func(it notifylocal.Item) bool { return it.Template == template }) {
			t.Errorf("no %s was sent", template)
		}
	}
	admin.again(h)
	for _, j := range h.get(admin, "/v1/jobs?limit=100")["items"].([]any) {
		if j := j.(m); j["status"] != "done" {
			t.Errorf("%s is %s", j["kind"], j["status"])
		}
	}
}
