package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/steward-crm/steward/functions"
	"github.com/steward-crm/steward/infra/stacks/deployed"
	"github.com/steward-crm/steward/infra/stacks/iam"
	"github.com/steward-crm/steward/infra/stacks/rights"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/keys"
	"github.com/steward-crm/steward/shared/keys/kms"
	"github.com/steward-crm/steward/shared/notify"
	notifyaws "github.com/steward-crm/steward/shared/notify/aws"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/dynamo"
	"github.com/steward-crm/steward/shared/table/dynamo/feed"
)

var place = iam.Place{Partition: "aws", Region: "us-east-1", Account: "123456789012"}

var credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
})

const (
	dataKey  = "arn:aws:kms:us-east-1:123456789012:key/data"
	auditKey = "arn:aws:kms:us-east-1:123456789012:key/audit"
)

// deployment is the stacks' with a value for all that they refer to.
func deployment(t *testing.T) *deployed.Deployment {
	t.Helper()
	d, err := deployed.Read("../..", deployed.StandIns(place))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// judge is AWS as far as a role's calls go: it holds each against the role and answers it with as little as the SDK takes.
type judge struct {
	t        *testing.T
	function deployed.Function

	mu     sync.Mutex
	asked  map[string]bool // actions
	answer []func(*http.Request) (*http.Response, error)
}

func (j *judge) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	calls, err := iam.Calls(place, r, body)
	if err != nil {
		j.t.Errorf("%s: %v", j.function.Handler, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range calls {
		j.asked[c.Action] = true
		if !j.function.Allows(c) {
			j.t.Errorf("%s: its role does not allow %s", j.function.Handler, c)
		}
	}
	if len(j.answer) > 0 {
		next := j.answer[0]
		j.answer = j.answer[1:]
		return next(r)
	}
	return says(http.StatusOK, `{}`)(r)
}

// says answers with the body.
func says(status int, body string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		}, nil
	}
}

func lost(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }

func cancelled(item string) func(*http.Request) (*http.Response, error) {
	return says(http.StatusBadRequest, `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","message":"m","CancellationReasons":[{"Code":"ConditionalCheckFailed"`+item+`}]}`)
}

// some is a partition that fits the pattern.
func some(pattern string) string { return strings.ReplaceAll(pattern, "*", "x") }

// TestRolesAllowWhatAdaptersAsk holds, for every function, that its role allows what the adapters ask AWS for when the code does what package
// rights says it may do: the requests are the adapters' own, unusual ones included (a token that is burnt, an expired item in the way).
func TestRolesAllowWhatAdaptersAsk(t *testing.T) {
	all := map[string]rights.Rights{}
	for _, r := range functions.All(&platform.Platform{}) {
		all[r.Operation], _ = rights.Of(&r)
	}
	for handler, x := range rights.Workers {
		all[handler] = x
	}
	seen := map[string]bool{}
	for handler, f := range deployment(t).Functions {
		x, known := all[handler]
		if !known {
			t.Errorf("%s is in the stacks and has no rights", handler)
			continue
		}
		delete(all, handler)
		j := &judge{t: t, function: f, asked: seen}
		j.tables(x)
		j.others(x)
	}
	for handler := range all {
		t.Errorf("%s has rights and is in no stack", handler)
	}
	for _, action := range []string{
		"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem",
		"dynamodb:ConditionCheckItem", "dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords", "kms:GenerateDataKey", "kms:Decrypt", "kms:GenerateMac", "ses:SendEmail", "sns:Publish",
	} {
		if !seen[action] {
			t.Errorf("nobody asked for %s: the test looks at nothing", action)
		}
	}
}

// tables does with both tables all that the rights allow.
func (j *judge) tables(x rights.Rights) {
	s, err := dynamo.Open(dynamo.Options{
		AWS:  dynamodb.Options{Region: place.Region, Credentials: credentials, HTTPClient: &http.Client{Transport: j}},
		Data: "main", Keys: "wrapped", Nowhere: key.Nowhere("").PK, Now: time.Now, Attempts: 2, Pause: func(context.Context, time.Duration) error { return nil },
	})
	if err != nil {
		j.t.Fatal(err)
	}
	ctx, n := j.t.Context(), 0
	commit := func(w table.Write, answers ...func(*http.Request) (*http.Response, error)) error {
		n++
		j.answer = answers
		err := s.Commit(ctx, fmt.Sprint(n), w)
		if len(j.answer) > 0 {
			j.t.Errorf("%s: %d answers were not asked for", j.function.Handler, len(j.answer))
		}
		return err
	}
	must := func(err error) {
		j.t.Helper()
		if err != nil {
			j.t.Errorf("%s: %v", j.function.Handler, err)
		}
	}
	read := func(space table.Space, pk string) {
		one := table.Key{Space: space, PK: pk, SK: "a"}
		_, err := s.Get(ctx, one)
		must(err)
		_, err = s.Get(ctx, one, table.Key{Space: space, PK: pk, SK: "b"})
		must(err)
		if check := table.Check(one, table.Present); x.Commits(&check) {
			must(commit(check))
		}
	}
	write := func(space table.Space, pk string) {
		it := table.Item{Key: table.Key{Space: space, PK: pk, SK: "a"}}
		must(commit(table.Put(it, table.Absent)))
		must(commit(table.Put(it, table.Always)))
		must(commit(table.Delete(it.Key, table.Present)))
		expired := `,"Item":{"pk":{"S":"` + pk + `"},"sk":{"S":"a"},"v":{"N":"1"},"ttl":{"N":"1"}}`
		must(commit(table.Put(it, table.Absent), cancelled(expired), says(http.StatusOK, `{}`)))
	}
	for _, pattern := range x.Read {
		read(table.Data, some(pattern))
		for _, index := range append([]table.Index{table.Base}, x.Indexes...) {
			_, err := s.Query(ctx, table.Query{Index: index, PK: some(pattern), Prefix: "a", Limit: 1})
			must(err)
		}
	}
	if x.ReadKeys {
		read(table.Keys, some(key.EveryTenant("")))
	}
	for _, pattern := range x.Append {
		must(commit(table.Put(table.Item{Key: table.Key{PK: some(pattern), SK: "a"}}, table.Absent)))
	}
	for _, pattern := range x.Write {
		write(table.Data, some(pattern))
	}
	for _, pattern := range x.WriteKeys {
		write(table.Keys, some(pattern))
	}
	if x.Writes() {
		pk := some(slices.Concat(x.Append, x.Write)[0])
		err := commit(table.Put(table.Item{Key: table.Key{PK: pk, SK: "a"}}, table.Absent), lost, cancelled(""), says(http.StatusOK, `{}`)) // the last burns the token
		if _, failed := errors.AsType[*table.ConditionFailed](err); !failed {
			j.t.Errorf("%s: a token is burnt with %v", j.function.Handler, err)
		}
	}
}

// others asks the services besides, by the adapters; what these make of the answers does not matter.
func (j *judge) others(x rights.Rights) {
	ctx, client := j.t.Context(), &http.Client{Transport: j}
	k := kms.New(awskms.New(awskms.Options{Region: place.Region, Credentials: credentials, HTTPClient: client, Retryer: aws.NopRetryer{}}),
		map[keys.Purpose]string{keys.Data: dataKey, keys.Audit: auditKey})
	tenant := crypt.BoundTo(id.Tenant("tnt_x"), 1)
	if x.Wrap {
		_, _, _ = k.GenerateDataKey(ctx, keys.Data, tenant)
	}
	if x.Unwrap {
		_, _ = k.Decrypt(ctx, keys.Data, bytes.Repeat([]byte("x"), 64), tenant)
	}
	if x.Mac {
		_, _ = k.Mac(ctx, keys.Audit, []byte("message"))
	}
	sender := notifyaws.New(
		sesv2.New(sesv2.Options{Region: place.Region, Credentials: credentials, HTTPClient: client, Retryer: aws.NopRetryer{}}),
		sns.New(sns.Options{Region: place.Region, Credentials: credentials, HTTPClient: client, Retryer: aws.NopRetryer{}}),
		notifyaws.Options{From: j.function.Environment["STEWARD_MAIL_FROM"], ConfigurationSet: j.function.Environment["STEWARD_MAIL_SET"], SenderID: "Steward"},
	)
	if x.Stream {
		j.feed()
	}
	verify := notify.Message{ID: "m", Template: "verify", Locale: "en", Words: map[string]string{"code": "123456", "minutes": "30"}}
	if x.Mail {
		verify.Channel, verify.To = notify.Email, "li@example.com"
		_ = sender.Send(ctx, verify)
	}
	if x.Texts {
		verify.ID, verify.Channel, verify.To = "n", notify.SMS, "+8613800138000" // the same message is sent once
		_ = sender.Send(ctx, verify)
	}
}

// feed reads the stream to its end.
func (j *judge) feed() {
	arn := j.function.Environment["STEWARD_STREAM"]
	f, err := feed.Follow(feed.Options{
		AWS:    dynamodbstreams.Options{Region: place.Region, Credentials: credentials, HTTPClient: &http.Client{Transport: j}},
		Stream: arn, Now: time.Now, Attempts: 1,
	})
	if err != nil {
		j.t.Fatal(err)
	}
	j.answer = []func(*http.Request) (*http.Response, error){
		says(http.StatusOK, `{"StreamDescription":{"Shards":[{"ShardId":"shardId-1"}]}}`),
		says(http.StatusOK, `{"ShardIterator":"`+arn+`|1|x"}`), says(http.StatusOK, `{"Records":[]}`),
		says(http.StatusOK, `{"StreamDescription":{"Shards":[{"ShardId":"shardId-1"}]}}`),
	}
	if _, _, err := f.Changes(j.t.Context(), "", 1); err != nil || len(j.answer) > 0 {
		j.t.Errorf("%s: the stream: %v", j.function.Handler, err)
	}
}

// TestARoleThatLacksARight: the simulation finds what is missing.
func TestARoleThatLacksARight(t *testing.T) {
	f := deployment(t).Functions["accounts.create"]
	for _, c := range []iam.Call{
		{Action: "dynamodb:UpdateItem", Resource: "arn:aws:dynamodb:us-east-1:123456789012:table/main", Keys: map[string][]string{iam.LeadingKeys: {"T#x#AU#20260101#0"}}},
		{Action: "dynamodb:Scan", Resource: "arn:aws:dynamodb:us-east-1:123456789012:table/main"},
		{Action: "dynamodb:PutItem", Resource: "arn:aws:dynamodb:us-east-1:123456789012:table/other", Keys: map[string][]string{iam.LeadingKeys: {"T#x#A#x"}}},
		{Action: "dynamodb:PutItem", Resource: "arn:aws:dynamodb:us-east-1:123456789012:table/main", Keys: map[string][]string{iam.LeadingKeys: {"T#x#U#x"}}},
		{Action: "kms:GenerateDataKey", Resource: dataKey},
		{Action: "kms:Decrypt", Resource: dataKey},
		{Action: "kms:Decrypt", Resource: auditKey, Keys: map[string][]string{"kms:EncryptionContext:purpose": {"tenant-key"}}},
		{Action: "cognito-idp:AdminGetUser", Resource: "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_pool"},
	} {
		if f.Allows(c) {
			t.Errorf("accounts.create may %s", c)
		}
	}
	if c := (iam.Call{Action: "kms:Decrypt", Resource: dataKey, Keys: map[string][]string{"kms:EncryptionContext:purpose": {"tenant-key"}, "kms:EncryptionContextKeys": {"purpose", "tenant", "version"}}}); !f.Allows(c) {
		t.Errorf("accounts.create may not %s", c)
	}
}
