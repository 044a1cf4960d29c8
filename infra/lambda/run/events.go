package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/infra/peers"
)

// pace is how long the pollers wait when there is nothing.
const pace = 200 * time.Millisecond

// again gives the records that a function wants again.
func again(b []byte) (ids []string, err error) {
	var a struct {
		Items []struct {
			ID string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	err = json.Unmarshal(b, &a)
	for _, i := range a.Items {
		ids = append(ids, i.ID)
	}
	return ids, err
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// stream hands the table's stream to its function, as Lambda does of one shard: in order, and again from where the function asks for.
type stream struct {
	pool    *pool
	handler string
	moto    string      // its URL
	arn     string      // of the stream
	alone   sync.Locker // keeps transactions out while the stream is read
}

// follow begins at the oldest record. moto keeps them all, in one shard.
func (s *stream) follow(ctx context.Context, log *slog.Logger) {
	var described struct {
		StreamDescription struct{ Shards []struct{ ShardId string } } //nolint:revive // DynamoDB's names
	}
	err := s.ask(ctx, "DescribeStream", map[string]any{"StreamArn": s.arn}, &described)
	if err == nil && len(described.StreamDescription.Shards) == 0 {
		err = fmt.Errorf("the stream has no shard")
	}
	if err != nil {
		log.Error("stream", "error", err.Error())
		return
	}
	from := map[string]any{
		"StreamArn": s.arn, "ShardId": described.StreamDescription.Shards[0].ShardId, "ShardIteratorType": "TRIM_HORIZON",
	}
	for ctx.Err() == nil {
		records, err := s.after(ctx, from)
		if err != nil {
			if ctx.Err() == nil {
				log.Error("stream", "error", err.Error())
			}
			wait(ctx, time.Second)
			continue
		}
		if len(records) == 0 {
			wait(ctx, pace)
			continue
		}
		from["ShardIteratorType"], from["SequenceNumber"] = "AFTER_SEQUENCE_NUMBER", number(records[len(records)-1])
		s.deliver(ctx, log, slices.DeleteFunc(records, peers.Bare))
	}
}

// after reads by an iterator of its own each time, and lets no transaction come between: an iterator of moto goes on reading the table that a
// transaction wrote which was taken back.
func (s *stream) after(ctx context.Context, from map[string]any) ([]jsontext.Value, error) {
	s.alone.Lock()
	defer s.alone.Unlock()
	var at struct{ ShardIterator string }
	if err := s.ask(ctx, "GetShardIterator", from, &at); err != nil {
		return nil, err
	}
	var got struct{ Records []jsontext.Value }
	err := s.ask(ctx, "GetRecords", map[string]any{"ShardIterator": at.ShardIterator, "Limit": 50}, &got)
	return got.Records, err
}

func (s *stream) deliver(ctx context.Context, log *slog.Logger, records []jsontext.Value) {
	for len(records) > 0 && ctx.Err() == nil {
		event, err := json.Marshal(map[string]any{"Records": records})
		if err != nil {
			log.Error("stream", "error", err.Error())
			return
		}
		b, err := s.pool.invoke(ctx, s.handler, event)
		var failed []string
		if err == nil {
			failed, err = again(b)
		}
		switch {
		case err != nil:
			if ctx.Err() == nil {
				log.Error("stream", "error", err.Error())
			}
		case len(failed) == 0:
			return
		default:
			for len(records) > 0 && number(records[0]) != failed[0] {
				records = records[1:]
			}
		}
		wait(ctx, time.Second)
	}
}

func number(record jsontext.Value) string {
	var r struct {
		DynamoDB struct{ SequenceNumber string } `json:"dynamodb"`
	}
	_ = json.Unmarshal(record, &r) // one without a number is no record that the function names
	return r.DynamoDB.SequenceNumber
}

// ask calls DynamoDB Streams. moto looks at no signature, only at whose it would be.
func (s *stream) ask(ctx context.Context, call string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.moto+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDBStreams_20120810."+call)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/"+region+"/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = a.Body.Close() }()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		return err
	}
	if a.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %d %.300s", call, a.StatusCode, b)
	}
	return json.Unmarshal(b, out)
}

// queue hands the messages of a queue to their function, and takes away those that it does not want again.
type queue struct {
	pool    *pool
	handler string
	url     string
	sqs     *sqs.Client
}

func (q *queue) follow(ctx context.Context, log *slog.Logger) {
	for ctx.Err() == nil {
		n, err := q.turn(ctx)
		if err != nil && ctx.Err() == nil {
			log.Error("queue", "error", err.Error())
		}
		if n == 0 {
			wait(ctx, pace)
		}
	}
}

func (q *queue) turn(ctx context.Context) (int, error) {
	got, err := q.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &q.url, MaxNumberOfMessages: 10, VisibilityTimeout: 30})
	if err != nil || len(got.Messages) == 0 {
		return 0, err
	}
	var records []map[string]string
	for _, m := range got.Messages {
		records = append(records, map[string]string{"messageId": *m.MessageId, "body": *m.Body})
	}
	event, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		return 0, err
	}
	b, err := q.pool.invoke(ctx, q.handler, event)
	if err != nil {
		return 0, err
	}
	failed, err := again(b)
	if err != nil {
		return 0, err
	}
	keep := map[string]bool{}
	for _, id := range failed {
		keep[id] = true
	}
	for _, m := range got.Messages {
		if keep[*m.MessageId] {
			continue
		}
		if _, err := q.sqs.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &q.url, ReceiptHandle: m.ReceiptHandle}); err != nil {
			return 0, err
		}
	}
	return len(got.Messages), nil
}
