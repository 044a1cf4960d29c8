package lambda

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/table"
)

// Queue carries the names of due jobs to the workers of their kind. It may carry one twice, and in any order: the job's own item decides whether
// it runs.
type Queue interface {
	// Wake asks for the job to be looked at after the pause, which is at most MaxPause, by the worker of the kind.
	Wake(ctx context.Context, kind string, j Due, pause time.Duration) error
}

// MaxPause is the longest that SQS holds a message back (November 2026).
const MaxPause = 15 * time.Minute

// Due names a job: the body of the queues' messages.
type Due struct {
	Tenant id.Tenant `json:"tenant,omitempty"` // "" for work of the system
	Job    id.Job    `json:"job"`
}

// Wake is the consumer that sends jobs to their queue when they begin to wait. Those that wait for longer than a queue holds a message, and
// those whose worker died, are found by jobs.due.
func Wake(q Queue, now func() time.Time) Consumer {
	return func(ctx context.Context, changes []table.Change) error {
		for _, c := range changes {
			j, waits, err := job.Waiting(c.After)
			if err != nil {
				return err
			}
			pause := max(j.Due.Sub(now()), 0)
			if !waits || pause > MaxPause {
				continue
			}
			if err := q.Wake(ctx, j.Kind, Due{j.Tenant, j.ID}, pause); err != nil {
				return err
			}
		}
		return nil
	}
}

// MostDue is how many jobs WakeDue sends at once. Where more are due the queues are behind, and filling them faster would not help: it costs a
// message a job and minute.
const MostDue = 1000

// WakeDue sends the jobs that are due to their queues, whatever waits there already: those that have been due for longest, MostDue of them at most.
func WakeDue(s *job.Store, q Queue) Handler {
	return Scheduled(func(ctx context.Context) error {
		sent, enough := 0, errors.New("enough")
		err := s.EachDue(ctx, func(j job.Job) error {
			if sent++; sent > MostDue {
				return enough
			}
			return q.Wake(ctx, j.Kind, Due{j.Tenant, j.ID}, 0)
		})
		if errors.Is(err, enough) {
			return nil
		}
		return err
	})
}

// RunJobs makes a handler of a queue of jobs. A message that names a job of another queue is taken out: the job stays due, and jobs.due sends it
// to its own.
func RunJobs(log *slog.Logger, w *job.Worker) Handler {
	return Messages(log, func(ctx context.Context, body []byte) error {
		var due Due
		if err := json.Unmarshal(body, &due); err != nil {
			return err
		}
		return w.RunOne(ctx, due.Tenant, due.Job)
	})
}
