package dynamo_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/table/dynamo/feed"
)

// river is a stand-in for DynamoDB Streams in memory: shards that follow each other, split, and are trimmed. It is a transport, and answers what
// the developer guide (November 2026) says of the three calls. moto has one shard that never ends.
type river struct {
	mu     sync.Mutex
	shards []*bed
	n      int // numbers given
	calls  map[string]int
	refuse func(call string) (code string) // "": the call is answered
	pages  int                             // shards that one DescribeStream answers; 0: all
	idle   int                             // answers without a record before each that has one
	mute   bool                            // DescribeStream describes nothing
}

// bed is one shard.
type bed struct {
	id, parent string
	records    []map[string]any
	first      int // records trimmed
	closed     bool
	hidden     bool // DescribeStream does not show it yet
}

// shard makes one, begun by the end of its parent. Its name sorts before the parent's, so that nothing is in order by chance.
func (r *river) shard(parent *bed) *bed {
	b := &bed{id: fmt.Sprintf("shardId-%020d-%08x", 100_000-len(r.shards), 0xabcdef)}
	if parent != nil {
		b.parent = parent.id
	}
	r.shards = append(r.shards, b)
	return b
}

// pour adds a record to the shard, and gives its number.
func (r *river) pour(b *bed, at time.Time, d map[string]any) string {
	r.n++
	number := fmt.Sprintf("%021d", r.n)
	d["SequenceNumber"], d["ApproximateCreationDateTime"] = number, at.Unix()
	b.records = append(b.records, map[string]any{"eventID": number, "dynamodb": d})
	return number
}

func (r *river) RoundTrip(in *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	_, call, _ := strings.Cut(in.Header.Get("X-Amz-Target"), ".")
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.calls == nil {
		r.calls = map[string]int{}
	}
	r.calls[call]++
	var code string
	if r.refuse != nil {
		code = r.refuse(call)
	}
	var out any
	if code == "" {
		out, code = r.answer(call, body)
	}
	status := http.StatusOK
	if code != "" {
		status, out = http.StatusBadRequest, map[string]string{"__type": "com.amazonaws.dynamodb.v20120810#" + code, "message": code}
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: status, Body: io.NopCloser(bytes.NewReader(b)), ContentLength: int64(len(b)), Request: in,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
	}, nil
}

func (r *river) answer(call string, body []byte) (out any, code string) {
	var in struct {
		StreamArn, ShardID, ShardIteratorType, SequenceNumber, ShardIterator, ExclusiveStartShardID string
		Limit                                                                                       int
	}
	if err := json.Unmarshal(body, &in, json.MatchCaseInsensitiveNames(true)); err != nil {
		return nil, "SerializationException"
	}
	switch call {
	case "DescribeStream":
		list, before := []map[string]string{}, in.ExclusiveStartShardID != ""
		if r.mute {
			return map[string]any{}, ""
		}
		d := map[string]any{"StreamArn": in.StreamArn}
		for _, b := range r.shards {
			if before || b.hidden {
				before = before && b.id != in.ExclusiveStartShardID
				continue
			}
			if r.pages > 0 && len(list) == r.pages {
				d["LastEvaluatedShardId"] = list[len(list)-1]["ShardId"]
				break
			}
			one := map[string]string{"ShardId": b.id}
			if b.parent != "" {
				one["ParentShardId"] = b.parent
			}
			list = append(list, one)
		}
		d["Shards"] = list
		return map[string]any{"StreamDescription": d}, ""
	case "GetShardIterator":
		b := r.of(in.ShardID)
		if b == nil {
			return nil, "ResourceNotFoundException"
		}
		at := b.first
		if in.ShardIteratorType == "AFTER_SEQUENCE_NUMBER" {
			for at = 0; at < len(b.records) && b.number(at) <= in.SequenceNumber; at++ {
			}
			if at < b.first || at == b.first && at > 0 {
				return nil, "TrimmedDataAccessException"
			}
		}
		return map[string]string{"ShardIterator": fmt.Sprint(b.id, "|", at, "|", r.idle)}, ""
	case "GetRecords":
		parts := strings.Split(in.ShardIterator, "|")
		b := r.of(parts[0])
		if b == nil {
			return nil, "ResourceNotFoundException"
		}
		at, _ := strconv.Atoi(parts[1])
		idle, _ := strconv.Atoi(parts[2])
		if at < b.first {
			return nil, "TrimmedDataAccessException"
		}
		records := []map[string]any{}
		if idle--; idle < 0 {
			idle = r.idle
			records = append(records, b.records[at:min(len(b.records), at+in.Limit)]...)
		}
		out := map[string]any{"Records": records}
		if at += len(records); at < len(b.records) || !b.closed {
			out["NextShardIterator"] = fmt.Sprint(b.id, "|", at, "|", idle)
		}
		return out, ""
	}
	return nil, "UnknownOperationException"
}

func (r *river) of(id string) *bed {
	for _, b := range r.shards {
		if b.id == id {
			return b
		}
	}
	return nil
}

func (b *bed) number(i int) string {
	return b.records[i]["dynamodb"].(map[string]any)["SequenceNumber"].(string)
}

func follow(t testing.TB, over http.RoundTripper, now func() time.Time) *feed.Feed {
	t.Helper()
	c := client("http://peer.test", over)
	f, err := feed.Follow(feed.Options{
		AWS:    dynamodbstreams.Options{Region: c.Region, BaseEndpoint: c.BaseEndpoint, HTTPClient: c.HTTPClient, Credentials: c.Credentials},
		Stream: "arn:aws:dynamodb:eu-central-1:123456789012:table/data/stream/2026-03-04T05:06:07.000", Now: now, Pause: atOnce, Attempts: 5,
		Patience: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// rolling is the strict stand-in's stream, in shards of ten changes.
type rolling struct {
	river
	peer *strict
}

func (r *rolling) RoundTrip(in *http.Request) (*http.Response, error) {
	r.peer.mu.Lock()
	r.mu.Lock()
	for i := r.n; i < len(r.peer.stream); i++ {
		var last *bed
		if len(r.shards) > 0 {
			last = r.shards[len(r.shards)-1]
		}
		if i%10 == 0 {
			if last != nil {
				last.closed = true
			}
			last = r.shard(last)
		}
		last.records = append(last.records, r.peer.stream[i])
		r.n++
	}
	r.mu.Unlock()
	r.peer.mu.Unlock()
	return r.river.RoundTrip(in)
}
