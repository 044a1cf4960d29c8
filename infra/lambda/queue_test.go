package lambda_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/withqueue"
	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/principal"
)

// TestQueueOfAKind: what sends goes to the queue of messages, all else to that of jobs.
func TestQueueOfAKind(t *testing.T) {
	var to string
	sqs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		var sent struct{ QueueUrl string } //nolint:revive // SQS's name
		if err == nil {
			err = json.Unmarshal(b, &sent)
		}
		if err != nil {
			t.Error(err)
		}
		to = sent.QueueUrl
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, `{"MessageId":"m"}`)
	}))
	defer sqs.Close()
	var q lambda.Queue
	_, err := lambda.Open(t.Context(), environ("AWS_ENDPOINT_URL_SQS="+sqs.URL), time.Now, quiet(), lambda.Events(map[string]func(*lambda.Deployment) (lambda.Handler, error){
		"x.y": func(d *lambda.Deployment) (lambda.Handler, error) {
			q = d.Queue
			return nothing(d)
		},
	}, withqueue.Part()))
	if err != nil {
		t.Fatal(err)
	}
	for kind, variable := range map[string]string{
		"users.mail": "STEWARD_MESSAGES_QUEUE", "auth.sendReset": "STEWARD_MESSAGES_QUEUE", "me.sendCode": "STEWARD_MESSAGES_QUEUE",
		"users.invite": "STEWARD_JOBS_QUEUE", "users.sync": "STEWARD_JOBS_QUEUE", "tenants.onboard": "STEWARD_JOBS_QUEUE", "x.y": "STEWARD_JOBS_QUEUE",
	} {
		if err := q.Wake(t.Context(), kind, lambda.Due{Job: "job_1"}, 0); err != nil || to != sound[variable] {
			t.Errorf("%s goes to %s, %v", kind, to, err)
		}
	}
}

// TestMessageInAnotherQueue: whatever names a job to a worker that has no runner for it is taken out of the queue, the job stays due, and jobs.due
// sends it to its own. So do the jobs that wait in the one queue of a version that had no other.
func TestMessageInAnotherQueue(t *testing.T) {
	d := edgetest.Deploy(t)
	tenant := d.Tenant(t)
	s := job.New(d.Table, d.IDs, d.Now)
	j := stage(t, d, s, tenant, 0)
	worker := func(kind string) (lambda.Handler, *int) {
		ran := 0
		w := job.NewWorker(s, nil, quiet())
		w.Handle(kind, func(context.Context, *job.Run) error { ran++; return nil })
		return lambda.RunJobs(quiet(), w), &ran
	}
	other, ran := worker("x.z")
	own, runs := worker("x.y")
	event := fmt.Sprintf(`{"Records":[{"messageId":"1","body":%q}]}`, fmt.Sprintf(`{"tenant":%q,"job":%q}`, tenant, j))
	if again := failed(t, other, event); again != nil || *ran != 0 {
		t.Errorf("%v come again, it ran %d times", again, *ran)
	}
	q := &queue{}
	if _, err := lambda.WakeDue(s, q)(t.Context(), nil); err != nil || len(q.sent) != 1 || q.kinds[0] != "x.y" || q.sent[0].Job != j {
		t.Fatalf("jobs.due sent %v of %v, %v", q.sent, q.kinds, err)
	}
	for range 2 {
		failed(t, own, event)
	}
	if got, err := s.Get(t.Context(), tenant, j); err != nil || got.Status != job.Done || *runs != 1 {
		t.Errorf("it ran %d times and is %s, %v", *runs, got.Status, err)
	}
}

// TestFarBehind: where more is due than the workers keep up with, jobs.due names what has waited for longest, and does not flood the queues.
func TestFarBehind(t *testing.T) {
	d := edgetest.Deploy(t)
	tenant := d.Tenant(t)
	s := job.New(d.Table, d.IDs, d.Now)
	var due []id.Job
	for len(due) < lambda.MostDue+50 {
		c := change.New(principal.System(tenant, "x.y", d.Now()), d.IDs, d.Now())
		for range 50 {
			j, err := s.Stage(c, tenant, "x.y", struct{}{}, d.Now())
			if err != nil {
				t.Fatal(err)
			}
			due = append(due, j)
		}
		c.Record(audit.Event{Target: string(tenant)})
		if err := c.Commit(t.Context(), d.Table); err != nil {
			t.Fatal(err)
		}
		d.Clock.Add(time.Second)
	}
	q := &queue{}
	if _, err := lambda.WakeDue(s, q)(t.Context(), nil); err != nil || len(q.sent) != lambda.MostDue {
		t.Fatalf("%d were sent, %v", len(q.sent), err)
	}
	for i, j := range q.sent {
		if slices.Index(due, j.Job)/50 != i/50 {
			t.Fatalf("number %d is not among those that waited for so long", i)
		}
	}
}
