// Command lambda runs jobs: those that a queue names, those that are due, the hourly reconciliation, and the counts of accounts; and takes what SES
// reports of mails. It also serves the operations of jobs.
package main

import (
	"context"
	"errors"

	"github.com/steward-crm/steward/functions/jobs"
	"github.com/steward-crm/steward/functions/users"
	"github.com/steward-crm/steward/functions/work"
	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/reports"
	"github.com/steward-crm/steward/infra/lambda/withfeed"
	"github.com/steward-crm/steward/infra/lambda/withidentity"
	"github.com/steward-crm/steward/infra/lambda/withkeys"
	"github.com/steward-crm/steward/infra/lambda/withnotify"
	"github.com/steward-crm/steward/infra/lambda/withqueue"
	"github.com/steward-crm/steward/infra/lambda/withtable"
	"github.com/steward-crm/steward/infra/lambda/withtokens"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/schema"
)

type handlers = map[string]func(*lambda.Deployment) (lambda.Handler, error)

func main() {
	lambda.Main(
		lambda.Events(handlers{
			"jobs.run": func(d *lambda.Deployment) (lambda.Handler, error) {
				return lambda.RunJobs(d.Log, work.Worker(d.Platform)), nil
			},
			"schedule.reconcile": func(d *lambda.Deployment) (lambda.Handler, error) {
				return lambda.Scheduled(func(ctx context.Context) error {
					return errors.Join(schema.Mark(ctx, d.Table), users.Desk(d.Platform).Reconcile(ctx))
				}), nil
			},
		}, withtable.Part(), withkeys.DataAndAudit(), withidentity.Part(), withnotify.Part()),
		lambda.Events(handlers{
			"jobs.due": func(d *lambda.Deployment) (lambda.Handler, error) {
				return lambda.WakeDue(work.Worker(d.Platform), d.Queue), nil
			},
		}, withtable.Part(), withqueue.Part()),
		lambda.Events(handlers{"notify.bounces": reports.Handler}, withtable.Part(), withkeys.Data()),
		lambda.Events(handlers{
			"counters.advance": func(d *lambda.Deployment) (lambda.Handler, error) {
				counters := account.NewCounters(d.Table, d.Feed).Lagging(withfeed.Lag, nil)
				return lambda.Scheduled(func(ctx context.Context) error { return counters.Work(ctx, d.Now) }), nil
			},
		}, withtable.Part(), withfeed.Part()),
		lambda.HTTP(jobs.Routes, withtable.Part(), withkeys.Data(), withtokens.Part()),
	)
}
