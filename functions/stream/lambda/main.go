// Command lambda consumes the table's stream: it numbers the audit log and wakes the workers of jobs.
package main

import (
	"context"

	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/withkeys"
	"github.com/steward-crm/steward/infra/lambda/withqueue"
	"github.com/steward-crm/steward/infra/lambda/withtable"
	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/table"
)

func main() {
	lambda.Main(lambda.Events(map[string]func(*lambda.Deployment) (lambda.Handler, error){
		"stream.changes": changes,
	}, withtable.Part(), withkeys.DataAndAudit(), withqueue.Part()))
}

func changes(d *lambda.Deployment) (lambda.Handler, error) {
	trail := audit.NewLog(d.Table, nil, d.Keys)
	return lambda.Stream(withtable.Changes, d.Log,
		lambda.Wake(d.Queue, d.Now),
		func(ctx context.Context, changes []table.Change) error {
			_, err := trail.Take(ctx, changes, d.Now())
			return err
		}), nil
}
