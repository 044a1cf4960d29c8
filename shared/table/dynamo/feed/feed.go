// Package feed is the Data table's stream on DynamoDB Streams, pulled: table.Feed for consumers that read at their own pace. It is apart from the
// table because its client would be paid for at the start of every function. It knows shards and positions, and nothing of what items mean.
// Its tests stand beside the table's, whose stand-in they share.
package feed

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/dynamo"
)

// Options are the choices of Follow. AWS (with its region and credentials), Stream and Now are required; the others are as in dynamo.Options.
type Options struct {
	AWS    dynamodbstreams.Options // of the client; its retries are turned off
	Stream string                  // ARN of the Data table's stream, which holds both images
	Now    func() time.Time

	Attempts int
	Patience time.Duration
	Pause    func(ctx context.Context, most time.Duration) error
}

// Bounds of reading the stream.
const (
	maxChanges = 1000
	fewChanges = 50          // are read of a shard at least, however many shards there are
	maxRenewed = 10          // iterators of one shard in one call, of which each has expired
	idleReads  = 2           // that find nothing, of one shard in one call: DynamoDB may answer nothing for a part of a shard that is not its last
	listKeeps  = time.Minute // how long the list of shards is taken for the truth, unless a shard ends
	looksEvery = time.Second // what Changed answers, for nothing tells of a change
)

// Feed is the Data table's stream, pulled. Follow makes it. It implements table.Feed: a position is how far each shard is read, so it grows with
// the number of shards, some 70 bytes each, and says nothing when it is compared. Shards are read after their parents; those side by side are
// merged by the time of their changes, so that of what the stream showed by then nothing before the last change is left out. A commit shows in
// the stream soon after it is done, and not at once.
//
// Of one shard two processes may read at a time (DynamoDB developer guide, November 2026): this one and a Lambda function, and no third. It
// keeps what it read ahead, so a consumer that goes on where it stopped reads nothing twice. Safe for concurrent use, one call at a time.
type Feed struct {
	client *dynamodbstreams.Client
	stream string
	now    func() time.Time
	asking *dynamo.Asking

	mu      sync.Mutex
	list    *shards
	readers map[string]*reader // by shard
}

var _ table.Feed = (*Feed)(nil)

// Follow makes a Feed. It sends nothing.
func Follow(o Options) (*Feed, error) {
	switch {
	case o.Now == nil:
		return nil, errors.New("feed: Options.Now is missing")
	case o.Stream == "":
		return nil, errors.New("feed: Options.Stream is missing")
	case o.AWS.Region == "":
		return nil, errors.New("feed: Options.AWS has no region")
	}
	o.AWS.Retryer, o.AWS.RetryMaxAttempts = aws.NopRetryer{}, 1
	return &Feed{
		client: dynamodbstreams.New(o.AWS), stream: o.Stream, now: o.Now,
		asking: dynamo.NewAsking(o.Attempts, o.Patience, o.Pause), readers: map[string]*reader{},
	}, nil
}

// Changed implements table.Feed: it is time to look again after a second.
func (f *Feed) Changed() <-chan struct{} {
	bell := make(chan struct{})
	time.AfterFunc(looksEvery, func() { close(bell) })
	return bell
}

// Changes implements table.Feed. What was read before an error is answered without it; the next call meets it first.
func (f *Feed) Changes(ctx context.Context, after string, limit int) ([]table.Change, string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if limit < 1 || limit > maxChanges {
		limit = maxChanges
	}
	v, err := readVector(after)
	if err != nil {
		return nil, after, err
	}
	if err := f.know(ctx, v.missing); err != nil {
		return nil, after, err
	}
	if v.missing(f.list) {
		return nil, after, lost(nil)
	}
	out, err := f.merge(ctx, v, limit)
	maps.DeleteFunc(f.readers, func(s string, _ *reader) bool { m, in := v[s]; return !in || m.ended })
	if len(out) == 0 {
		return nil, after, err
	}
	return out, out[len(out)-1].Position, nil
}

// merge reads up to limit changes after v, and moves v.
func (f *Feed) merge(ctx context.Context, v vector, limit int) (out []table.Change, err error) {
	idle, asked := map[string]bool{}, false
	if err := f.onward(ctx, v, &asked); err != nil {
		return nil, err
	}
	for going := v.going(); len(out) < limit; {
		var first *reader
		var of string
		ended := false
		for _, s := range going {
			r := f.reader(s, v[s].number)
			if len(r.ahead) == 0 && !r.ended && !idle[s] {
				if err := f.fill(ctx, s, r, max(fewChanges, limit/len(going))); err != nil {
					return out, err
				}
				idle[s] = len(r.ahead) == 0
			}
			switch {
			case len(r.ahead) > 0:
				if first == nil || r.ahead[0].At.Before(first.ahead[0].At) {
					first, of = r, s
				}
			case r.ended:
				v[s], ended = reached{ended: true}, true
			}
		}
		if ended {
			if err := f.onward(ctx, v, &asked); err != nil {
				return out, err
			}
			going = v.going()
			continue
		}
		if first == nil {
			return out, nil
		}
		c := first.ahead[0]
		first.ahead, first.given = first.ahead[1:], c.Position
		v[of] = reached{number: c.Position}
		c.Position = v.String()
		out = append(out, c)
	}
	return out, nil
}

// onward has the children of shards that ended begin. For those that are not known the list is asked, once in a call.
func (f *Feed) onward(ctx context.Context, v vector, asked *bool) error {
	if v.settle(f.list); *asked || !v.childless() {
		return nil
	}
	*asked = true
	if err := f.know(ctx, func(*shards) bool { return true }); err != nil {
		return err
	}
	v.settle(f.list)
	return nil
}

// know lists the shards, unless they are known and there is no doubt of them.
func (f *Feed) know(ctx context.Context, doubt func(*shards) bool) error {
	now := f.now()
	if f.list != nil && now.Sub(f.list.asOf) < listKeeps && !doubt(f.list) {
		return nil
	}
	g := &shards{parents: map[string]string{}, asOf: now}
	in := &dynamodbstreams.DescribeStreamInput{StreamArn: &f.stream}
	for {
		var got *dynamodbstreams.DescribeStreamOutput
		err := f.asking.Ask(ctx, func(ctx context.Context) (err error) { got, err = f.client.DescribeStream(ctx, in); return err })
		if err != nil {
			return dynamo.Fault(err)
		}
		if got.StreamDescription == nil {
			return dynamo.Fault(errors.New("feed: an answer that describes no stream"))
		}
		for _, s := range got.StreamDescription.Shards {
			g.parents[text(s.ShardId)] = text(s.ParentShardId)
		}
		if in.ExclusiveStartShardId = got.StreamDescription.LastEvaluatedShardId; in.ExclusiveStartShardId == nil {
			break
		}
	}
	g.order = slices.Sorted(maps.Keys(g.parents))
	f.list = g
	return nil
}

// reader is where one shard is read. It is kept between calls: only an iterator that is followed gets across a part without changes.
type reader struct {
	given    string // number of the last change that was given
	read     string // and that was read
	iterator *string
	ended    bool
	ahead    []table.Change
}

func (f *Feed) reader(s, given string) *reader {
	r := f.readers[s]
	if r == nil || r.given != given {
		r = &reader{given: given, read: given}
		f.readers[s] = r
	}
	return r
}

// fill reads what comes next in the shard, if anything does.
func (f *Feed) fill(ctx context.Context, s string, r *reader, limit int) error {
	for idle, renewed := 0, 0; idle < idleReads; idle++ {
		if r.iterator == nil {
			if err := f.aim(ctx, s, r); err != nil {
				return err
			}
		}
		var got *dynamodbstreams.GetRecordsOutput
		in := &dynamodbstreams.GetRecordsInput{ShardIterator: r.iterator, Limit: aws.Int32(int32(min(limit, maxChanges)))}
		err := f.asking.Ask(ctx, func(ctx context.Context) (err error) { got, err = f.client.GetRecords(ctx, in); return err })
		_, expired := errors.AsType[*types.ExpiredIteratorException](err)
		_, trimmed := errors.AsType[*types.TrimmedDataAccessException](err)
		switch {
		case trimmed && r.read != "":
			return lost(err)
		case (expired || trimmed) && renewed < maxRenewed:
			r.iterator = nil
			idle, renewed = idle-1, renewed+1
			continue
		case err != nil:
			return dynamo.Fault(err)
		}
		for i := range got.Records {
			c, err := pulled(&got.Records[i])
			if err != nil && len(r.ahead) > 0 {
				r.iterator = nil // what cannot be read is met again by the next read
				return nil
			}
			if err != nil {
				r.iterator = nil
				return dynamo.NotRead(c.Position, err)
			}
			r.ahead, r.read = append(r.ahead, c), c.Position
		}
		r.iterator = got.NextShardIterator
		r.ended = r.iterator == nil
		if len(r.ahead) > 0 || r.ended {
			return nil
		}
	}
	return nil
}

// aim gets an iterator after what was read.
func (f *Feed) aim(ctx context.Context, s string, r *reader) error {
	in := &dynamodbstreams.GetShardIteratorInput{StreamArn: &f.stream, ShardId: &s, ShardIteratorType: types.ShardIteratorTypeTrimHorizon}
	if r.read != "" {
		in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, &r.read
	}
	var got *dynamodbstreams.GetShardIteratorOutput
	err := f.asking.Ask(ctx, func(ctx context.Context) (err error) { got, err = f.client.GetShardIterator(ctx, in); return err })
	if _, trimmed := errors.AsType[*types.TrimmedDataAccessException](err); trimmed {
		return lost(err)
	}
	if _, gone := errors.AsType[*types.ResourceNotFoundException](err); gone {
		f.list = nil // the next call sees what is there
	}
	if err != nil {
		return dynamo.Fault(err)
	}
	r.iterator = got.ShardIterator
	return nil
}

// pulled reads a record as the client answers it.
func pulled(in *types.Record) (table.Change, error) {
	d := in.Dynamodb
	if d == nil {
		d = &types.StreamRecord{}
	}
	var at time.Time
	if d.ApproximateCreationDateTime != nil {
		at = *d.ApproximateCreationDateTime
	}
	return dynamo.ReadChange(text(d.SequenceNumber), at, plain(d.OldImage), plain(d.NewImage))
}

func plain(m map[string]types.AttributeValue) map[string]dynamo.Attribute {
	out := make(map[string]dynamo.Attribute, len(m))
	for name, v := range m {
		var a dynamo.Attribute
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			a.S = &v.Value
		case *types.AttributeValueMemberN:
			a.N = &v.Value
		case *types.AttributeValueMemberB:
			a.B = &v.Value
		}
		out[name] = a
	}
	return out
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
