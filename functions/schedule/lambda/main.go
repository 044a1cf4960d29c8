// Command lambda is what a clock starts: the hourly reconciliation of users with their identities. It sends nothing.
package main

import (
	"context"
	"errors"

	"github.com/steward-crm/steward/functions/users"
	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/withidentity"
	"github.com/steward-crm/steward/infra/lambda/withkeys"
	"github.com/steward-crm/steward/infra/lambda/withtable"
	"github.com/steward-crm/steward/shared/schema"
)

func main() {
	lambda.Main(lambda.Events(map[string]func(*lambda.Deployment) (lambda.Handler, error){
		"schedule.reconcile": func(d *lambda.Deployment) (lambda.Handler, error) {
			return lambda.Scheduled(func(ctx context.Context) error {
				return errors.Join(schema.Mark(ctx, d.Table), users.Desk(d.Platform).Reconcile(ctx))
			}), nil
		},
	}, withtable.Part(), withkeys.Data(), withidentity.Part()))
}
