package lambda

import (
	"context"
	"log/slog"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/table"
)

// Consumer takes changes. It may get one again, and those of different items in any order; it must have all of them done, or answer an error.
type Consumer func(ctx context.Context, changes []table.Change) error

// failures says which records have to come again. Lambda reads it where the event source is told to report batch item failures.
type failures struct {
	Items []failure `json:"batchItemFailures"`
}

type failure struct {
	ID string `json:"itemIdentifier"`
}

// Stream makes a handler of a table's stream: read decodes a batch; with an error it answers what it read before, and the position of what it
// could not read, if that has one. What a consumer cannot take
// comes again from the first such change on, and holds up the other consumers no further than that: each has taken all it could.
func Stream(read func([]byte) (changes []table.Change, bad string, err error), log *slog.Logger, consumers ...Consumer) Handler {
	return func(ctx context.Context, event []byte) ([]byte, error) {
		ctx, cancel := within(ctx)
		defer cancel()
		changes, last, err := read(event)
		if err != nil && last == "" {
			return nil, err
		}
		if err != nil {
			log.ErrorContext(ctx, "stream", "position", last, "error", err.Error())
		}
		first := len(changes)
		for _, take := range consumers {
			n, err := taken(ctx, take, changes)
			if err != nil {
				log.ErrorContext(ctx, "stream", "position", changes[n].Position, "error", err.Error())
			}
			first = min(first, n)
		}
		if first < len(changes) {
			last = changes[first].Position
		}
		out := failures{Items: []failure{}}
		if last != "" {
			out.Items = append(out.Items, failure{last})
		}
		return json.Marshal(out)
	}
}

// taken gives how many of the changes, from the first, the consumer has taken. All at once is tried first; where that fails, one by one, so
// that one bad change holds up those behind it only.
func taken(ctx context.Context, take Consumer, changes []table.Change) (int, error) {
	if len(changes) == 0 {
		return 0, nil
	}
	err := take(ctx, changes)
	if err == nil {
		return len(changes), nil
	}
	for i := range changes {
		if ctx.Err() != nil {
			return i, ctx.Err()
		}
		if err = take(ctx, changes[i:i+1]); err != nil {
			return i, err
		}
	}
	return len(changes), nil
}

// within ends before the invocation does.
func within(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, end.Add(-margin))
}

// Messages makes a handler of a queue's batches. Each message is handled by itself; those that fail come again, the others do not.
func Messages(log *slog.Logger, handle func(ctx context.Context, body []byte) error) Handler {
	return func(ctx context.Context, event []byte) ([]byte, error) {
		ctx, cancel := within(ctx)
		defer cancel()
		var batch struct {
			Records []struct {
				ID   string `json:"messageId"`
				Body string `json:"body"`
			} `json:"Records"`
		}
		if err := json.Unmarshal(event, &batch); err != nil {
			return nil, err
		}
		out := failures{Items: []failure{}}
		for _, m := range batch.Records {
			err := ctx.Err()
			if err == nil {
				err = handle(ctx, []byte(m.Body))
			}
			if err != nil {
				log.ErrorContext(ctx, "message", "message", m.ID, "error", err.Error())
				out.Items = append(out.Items, failure{m.ID})
			}
		}
		return json.Marshal(out)
	}
}

// Scheduled makes a handler of a schedule, whose event says nothing. An error is the invocation's.
func Scheduled(do func(context.Context) error) Handler {
	return func(ctx context.Context, _ []byte) ([]byte, error) {
		ctx, cancel := within(ctx)
		defer cancel()
		return []byte("null"), do(ctx)
	}
}
