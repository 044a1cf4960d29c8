// Command lambda runs jobs: those that a queue names, and the hourly reconciliation. It links every client that a job may need, which no other
// function does.
package main

import (
	"context"
	"errors"

	"github.com/steward-crm/steward/functions/users"
	"github.com/steward-crm/steward/functions/work"
	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/withidentity"
	"github.com/steward-crm/steward/infra/lambda/withkeys"
	"github.com/steward-crm/steward/infra/lambda/withnotify"
	"github.com/steward-crm/steward/infra/lambda/withtable"
	"github.com/steward-crm/steward/shared/schema"
)

func main() {
	lambda.Main(lambda.Events(map[string]func(*lambda.Deployment) (lambda.Handler, error){
		"jobs.run": func(d *lambda.Deployment) (lambda.Handler, error) {
			return lambda.RunJobs(d.Log, work.Worker(d.Platform)), nil
		},
		"schedule.reconcile": func(d *lambda.Deployment) (lambda.Handler, error) {
			return lambda.Scheduled(func(ctx context.Context) error {
				return errors.Join(schema.Mark(ctx, d.Table), users.Desk(d.Platform).Reconcile(ctx))
			}), nil
		},
	}, withtable.Part(), withkeys.DataAndAudit(), withidentity.Part(), withnotify.Part()))
}
