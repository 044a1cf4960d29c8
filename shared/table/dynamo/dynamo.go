// Package dynamo keeps the table in two DynamoDB tables, one for each space. It speaks to nothing else of AWS.
//
// What makes it exact: every change is one TransactWriteItems under a token derived from ours, and only this package repeats a request,
// always the very same one, so that a lost reply is settled by DynamoDB's memory of the token. The SDK's own retries are off: they give up
// on conflicts and would hide how often one was asked. A request does not change from one second to the next, for the same writes must make
// the same request; see form.
//
// The package knows nothing of what items mean, and reads no clock: Options.Now does.
package dynamo

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/steward-crm/steward/shared/table"
)

// Options are the choices of Open. AWS (with its region and credentials), Data, Keys and Now are required.
type Options struct {
	AWS  dynamodb.Options // of the client; its retries are turned off
	Data string           // name of the table of the Data space
	Keys string           // name of the table of the Keys space
	Now  func() time.Time // the clock, for expiry; called from many goroutines

	// Nowhere is a partition of the Data table in which nothing lies, ever. Transactions that do nothing check an item there, so a role that
	// may commit has to have the right to ConditionCheckItem on it.
	Nowhere string

	// Attempts is how often one request is sent at most; 0 means 10, some seconds in all.
	Attempts int
	// Patience is how long one attempt may take before it counts as lost; 0 means 5 seconds.
	Patience time.Duration
	// Pause waits between attempts, for a random part of the time given, and answers the context's error when that ends first. nil is a
	// wait by the wall clock.
	Pause func(ctx context.Context, most time.Duration) error
}

const (
	defaultAttempts = 10
	defaultPatience = 5 * time.Second
	firstPause      = 25 * time.Millisecond
	longestPause    = time.Second
)

// Store is the table on DynamoDB. Open makes it. It implements table.Table; its feed is the Data table's stream: package feed pulls it, and ReadChanges reads what a Lambda function gets of it.
type Store struct {
	client  *dynamodb.Client
	names   [2]string // of the physical tables, by space
	nowhere string    // partition
	now     func() time.Time
	asking
}

var _ table.Table = (*Store)(nil)

// Open makes a Store. It sends nothing: Check asks whether the tables are there.
func Open(o Options) (*Store, error) {
	switch {
	case o.Now == nil:
		return nil, errors.New("dynamo: Options.Now is missing")
	case o.Data == "" || o.Keys == "" || o.Data == o.Keys:
		return nil, errors.New("dynamo: Options.Data and Options.Keys have to name two tables")
	case o.Nowhere == "":
		return nil, errors.New("dynamo: Options.Nowhere is missing")
	case o.AWS.Region == "":
		return nil, errors.New("dynamo: Options.AWS has no region")
	}
	o.AWS.Retryer, o.AWS.RetryMaxAttempts = aws.NopRetryer{}, 1
	return &Store{
		client: dynamodb.New(o.AWS), names: [2]string{table.Data: o.Data, table.Keys: o.Keys},
		nowhere: o.Nowhere, now: o.Now, asking: asking{o.Attempts, o.Patience, o.Pause}.orDefault(),
	}, nil
}
