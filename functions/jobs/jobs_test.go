package jobs_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/steward-crm/steward/functions/jobs"
	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

type work struct {
	ID        id.Job       `json:"id"`
	Kind      string       `json:"kind"`
	Status    string       `json:"status"`
	CreatorID id.User      `json:"creatorId"`
	Error     string       `json:"error"`
	Progress  job.Progress `json:"progress"`
}

func stage(t *testing.T, d *edgetest.Deployment, who edgetest.Who) id.Job {
	t.Helper()
	c := change.New(principal.Principal{Tenant: who.Tenant, User: who.User, Operation: "things.ask"}, d.IDs, d.Now())
	j, err := job.New(d.Table, d.IDs, d.Now).Stage(c, who.Tenant, "things.do", struct{}{}, d.Now())
	if err != nil {
		t.Fatal(err)
	}
	c.Record(audit.Event{Target: string(j)})
	if err := c.Commit(t.Context(), d.Table); err != nil {
		t.Fatal(err)
	}
	return j
}

func TestJobs(t *testing.T) {
	d := edgetest.Deploy(t)
	tenant := d.Tenant(t)
	admin := d.User(t, tenant, policy.Grant{Module: policy.ModTenant, Action: policy.Update, Scope: policy.All})
	viewer := d.User(t, tenant, policy.Grant{Module: policy.ModTenant, Action: policy.View, Scope: policy.All})
	asker, other := d.User(t, tenant), d.User(t, tenant)
	stranger := d.User(t, d.Tenant(t), policy.Grant{Module: policy.ModTenant, Action: policy.Update, Scope: policy.All})
	api := edgetest.Serve(t, d.Platform, jobs.Routes(d.Platform))
	j := stage(t, d, asker)
	path := "/v1/jobs/" + string(j)

	for _, who := range []edgetest.Who{asker, admin} {
		var w work
		api.As(who).Get(path).Want(t, http.StatusOK, "").Read(t, &w)
		if w.ID != j || w.Kind != "things.do" || w.Status != "queued" || w.CreatorID != asker.User {
			t.Fatalf("%+v", w)
		}
	}
	for _, who := range []edgetest.Who{other, viewer, stranger} {
		api.As(who).Get(path).Want(t, http.StatusNotFound, "not_found")
	}
	api.As(admin).Get("/v1/jobs/job_01JD3Z4T0X8Y6QH2N5W7R9K1MB").Want(t, http.StatusNotFound, "not_found")
	api.As(admin).Get("/v1/jobs/nonsense").Want(t, http.StatusNotFound, "not_found")
	api.Anonymous().Get(path).Want(t, http.StatusUnauthorized, "token_invalid")

	api.As(asker).Get("/v1/jobs").Want(t, http.StatusForbidden, "permission_denied")
	want := []id.Job{stage(t, d, other), j}
	var got []id.Job
	for next := ""; ; {
		var page struct {
			Items      []work `json:"items"`
			NextCursor string `json:"nextCursor"`
		}
		api.As(admin).Get("/v1/jobs?limit=1"+next).Want(t, http.StatusOK, "").Read(t, &page)
		for _, w := range page.Items {
			got = append(got, w.ID)
		}
		if page.NextCursor == "" {
			break
		}
		next = "&cursor=" + page.NextCursor
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
	var page struct {
		Items []work `json:"items"`
	}
	if api.As(stranger).Get("/v1/jobs").Want(t, http.StatusOK, "").Read(t, &page); len(page.Items) != 0 {
		t.Fatal("another tenant's jobs are listed")
	}
}

func TestWorkerTellsProgressAndFailure(t *testing.T) {
	d := edgetest.Deploy(t)
	who := d.User(t, d.Tenant(t))
	j := stage(t, d, who)
	api := edgetest.Serve(t, d.Platform, jobs.Routes(d.Platform)).As(who)
	see := func() (w work) {
		api.Get("/v1/jobs/"+string(j)).Want(t, http.StatusOK, "").Read(t, &w)
		return w
	}
	w := job.NewWorker(job.New(d.Table, d.IDs, d.Now), d.Feed, d.Log)
	w.Handle("things.do", func(ctx context.Context, r *job.Run) error {
		if err := r.Save(ctx, nil, job.Progress{Done: 2, Total: 3, Step: "third"}); err != nil {
			return err
		}
		if got := see(); got.Status != "running" || got.Progress.Done != 2 || got.Progress.Total != 3 || got.Progress.Step != "third" {
			t.Errorf("%+v", got)
		}
		return fault.New(fault.Conflict, "owner_not_active")
	})
	if n, err := w.RunDue(t.Context()); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	d.Clock.Add(time.Hour)
	if got := see(); got.Status != "failed" || got.Error != "owner_not_active" {
		t.Fatalf("%+v", got)
	}
}
