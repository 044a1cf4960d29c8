package dynamo

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/steward-crm/steward/shared/fault"
)

func unavailable(cause error) error {
	return fault.New(fault.Unavailable, "table_unavailable").Because(cause).After(time.Second)
}

// refused is an answer that the same request will get again: a mistake of this package.
func refused(cause error) error {
	return fault.New(fault.Internal, "internal").Because(cause)
}

// asking is how requests are sent.
type asking struct {
	attempts int
	patience time.Duration
	pause    func(context.Context, time.Duration) error
}

func (s asking) orDefault() asking {
	if s.attempts == 0 {
		s.attempts = defaultAttempts
	}
	if s.patience == 0 {
		s.patience = defaultPatience
	}
	if s.pause == nil {
		s.pause = pause
	}
	return s
}

// Asking sends requests as a Store does, for what asks DynamoDB besides. NewAsking makes it.
type Asking struct{ as asking }

// NewAsking takes what Options of these names say.
func NewAsking(attempts int, patience time.Duration, pause func(context.Context, time.Duration) error) *Asking {
	return &Asking{asking{attempts, patience, pause}.orDefault()}
}

// Ask sends a request until it is answered, refused for good, or the attempts or the context end. It must be one that may be done twice. What it
// answers is the last error as it came.
func (a *Asking) Ask(ctx context.Context, request func(context.Context) error) error {
	return a.as.ask(ctx, request)
}

// Fault makes of what Ask answered the fault that a Store answers.
func Fault(err error) error { return fold(err) }

// pause spreads those who met each other evenly over the whole time: full jitter.
func pause(ctx context.Context, most time.Duration) error {
	t := time.NewTimer(rand.N(most))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask sends a request until it is answered, refused for good, or the attempts or the context end. The request must be one that may be
// applied twice without harm. What it answers is the last error as it came.
func (s *asking) ask(ctx context.Context, request func(context.Context) error) error {
	for n := 0; ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := s.attempt(ctx, request)
		if err == nil || !passing(err) || n+1 >= s.attempts {
			return err
		}
		if ended := s.rest(ctx, n); ended != nil {
			return errors.Join(ended, err)
		}
	}
}

func (s *asking) attempt(ctx context.Context, request func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	return request(ctx)
}

// rest waits before the attempt after number n.
func (s *asking) rest(ctx context.Context, n int) error {
	return s.pause(ctx, min(longestPause, firstPause<<min(n, 10)))
}

// passingCodes are the refusals that the same request may not meet again.
var passingCodes = []string{
	"InternalFailure", "InternalServerError", "LimitExceededException", "ProvisionedThroughputExceededException", "ReplicatedWriteConflictException", "RequestLimitExceeded",
	"ServiceUnavailable", "ServiceUnavailableException", "ThrottlingException", "TransactionConflictException", "TransactionInProgressException",
}

// passingReasons are those of a cancelled transaction.
var passingReasons = []string{"ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"}

// passing reports whether the same request is worth sending again: DynamoDB was busy, or what it said did not arrive.
func passing(err error) bool {
	if c, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		return slices.ContainsFunc(c.CancellationReasons, func(r types.CancellationReason) bool {
			return slices.Contains(passingReasons, text(r.Code))
		})
	}
	if coded, ok := errors.AsType[smithy.APIError](err); ok && slices.Contains(passingCodes, coded.ErrorCode()) {
		return true
	}
	return undecided(err)
}

// undecided reports whether a request that ended so may have been done, or may still be.
func undecided(err error) bool {
	if coded, ok := errors.AsType[smithy.APIError](err); ok {
		return coded.ErrorCode() == "TransactionInProgressException" || status(err) >= 500
	}
	return !unsent(err)
}

// unsent reports whether the request could not even be written down.
func unsent(err error) bool {
	_, params := errors.AsType[smithy.InvalidParamsError](err)
	_, form := errors.AsType[*smithy.SerializationError](err)
	return params || form
}

// status is the HTTP status of the answer that err is; 0: there was none.
func status(err error) int {
	if answer, ok := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err); ok {
		return answer.HTTPStatusCode()
	}
	return 0
}

// fold makes a fault of what ask answered. Everything is Unavailable but what no repetition mends: rights, credentials, a missing table or
// index are put right by people while the request may wait.
func fold(err error) error {
	if err == nil {
		return nil
	}
	coded, ok := errors.AsType[smithy.APIError](err)
	switch {
	case unsent(err), ok && coded.ErrorCode() == "SerializationException", ok && coded.ErrorCode() == "ValidationException" && !schema(coded):
		return refused(err)
	}
	return unavailable(err)
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
