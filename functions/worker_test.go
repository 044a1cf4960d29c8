package functions_test

import (
	"context"
	"slices"
	"testing"

	"github.com/steward-crm/steward/functions/messages"
	"github.com/steward-crm/steward/functions/queues"
	"github.com/steward-crm/steward/functions/users"
	"github.com/steward-crm/steward/functions/work"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/job"
	notifylocal "github.com/steward-crm/steward/shared/notify/local"
)

// apart is the workers of AWS: each job is named to the worker of its queue, which runs it with the rights of its function.
type apart struct {
	jobs    *job.Store
	workers map[queues.Queue]*job.Worker
}

var functionOf = map[queues.Queue]string{queues.Jobs: "jobs.run", queues.Messages: "messages.send"}

func (a *apart) RunDue(ctx context.Context) (ran int, err error) {
	err = a.jobs.EachDue(ctx, func(j job.Job) error {
		ran++
		q := queues.Of(j.Kind)
		return a.workers[q].RunOne(edgetest.AsWorker(ctx, functionOf[q]), j.Tenant, j.ID)
	})
	return ran, err
}

// TestWorkersApart: the worker that sends has no identity provider, the other has no notifier, nor has what walks over the rows, and each has the
// rights of its function alone. Between them they do all that one worker does: a tenant comes, people are invited, codes are sent, an identity that
// was lost is made anew.
func TestWorkersApart(t *testing.T) {
	h := openHouse(t)
	sending, rest := *h.Platform, *h.Platform
	sending.Identity, rest.Notify = nil, nil
	h.worker = &apart{
		job.New(h.Table, h.IDs, h.Now), map[queues.Queue]*job.Worker{queues.Jobs: work.Worker(&rest), queues.Messages: messages.Worker(&sending)},
	}
	admin := h.onboard("acme")
	h.day(admin, nil)
	h.work()
	p := h.invite(admin, "Lost", nil)
	if err := h.Identity.Delete(t.Context(), identity.NameOf(admin.tenant, id.User(p.id))); err != nil {
		t.Fatal(err)
	}
	if err := users.Desk(&rest).Reconcile(edgetest.AsWorker(t.Context(), "schedule.reconcile")); err != nil {
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
