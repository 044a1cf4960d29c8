package dynamo_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/dynamo"
)

// canned answers with the same bytes at once, so that what is measured is what this process does.
type canned []byte

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: 200, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Request: r,
		Body: io.NopCloser(bytes.NewReader(c)), ContentLength: int64(len(c)),
	}, nil
}

// typical is a customer as Steward stores it: 14 members, 300 sealed bytes, four indexes.
func typical(i int) row {
	text := func(s string) value { return value{S: &s} }
	bin := func(b []byte) value { return value{B: &b} }
	n, sealed := "3", bytes.Repeat([]byte{byte(i)}, 300)
	r := row{
		"pk": text(fmt.Sprintf("t#01J9ZZZZZZZZZZZZZZZZZZZZ%02d#A", i)), "sk": text(fmt.Sprint("A#", i)), "v": {N: &n}, "sealed": bin(sealed), "e": text(fmt.Sprintf("%0168d", i)),
		"doc": bin(fmt.Appendf(nil, `{"id":"acct_01J9ZZZZZZZZZZZZZZZZZZZZ%02d","tenantId":"tnt_01J9ZZZZZZZZZZZZZZZZZZZZZZ","status":"active","name":"Acme %d","type":"enterprise","valueTier":"high",`+
			`"stage":"buying","ownerId":"user_01J9ZZZZZZZZZZZZZZZZZZZZZZ","departmentId":"dept_01J9ZZZZZZZZZZZZZZZZZZZZZZ","protection":"standard","createdAt":"2026-03-04T05:06:07Z",`+
			`"createdBy":"user_01J9ZZZZZZZZZZZZZZZZZZZZZZ","updatedAt":"2026-03-04T05:06:07Z","primaryId":"cont_01J9ZZZZZZZZZZZZZZZZZZZZZZ"}`, i, i)),
	}
	for x := 1; x <= 4; x++ {
		r[fmt.Sprintf("g%dpk", x)], r[fmt.Sprintf("g%dsk", x)] = text(fmt.Sprintf("t#01J9ZZZZZZZZZZZZZZZZZZZZZZ#%d", x)), text(fmt.Sprintf("2026-03-04T05:06:07Z#%d", i))
	}
	return r
}

// compare reports our time on the processor against that of the SDK alone, the garbage of each with it. The two take turns, each as often
// the first, so that a busy machine slows both alike.
func compare(b *testing.B, calls int, ours, bare func() error) {
	b.Helper()
	var took [2]time.Duration
	sides := []func() error{ours, bare}
	for n := 0; b.Loop(); n++ {
		for i := range sides {
			side := (n + i) % 2
			start := cpuTime(b)
			for range calls {
				if err := sides[side](); err != nil {
					b.Fatal(err)
				}
			}
			runtime.GC()
			took[side] += cpuTime(b) - start
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(took[0])/float64(b.N*calls), "cpu-ns/ours")
	b.ReportMetric(float64(took[1])/float64(b.N*calls), "cpu-ns/sdk")
	b.ReportMetric(float64(took[0])/float64(took[1]), "x-sdk")
}

// cpuTime is what this process has used, on all processors.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkDecode reads one item and a page of 100 through the adapter, and the same bytes with the same request through the SDK alone,
// which leaves them as its own values. The limit is 1.1.
func BenchmarkDecode(b *testing.B) {
	rows := make([]row, 100)
	for i := range rows {
		rows[i] = typical(i)
	}
	one, err := json.Marshal(map[string]any{"Item": rows[0]})
	if err != nil {
		b.Fatal(err)
	}
	page, err := json.Marshal(map[string]any{"Items": rows, "Count": len(rows), "ScannedCount": len(rows)})
	if err != nil {
		b.Fatal(err)
	}
	both := func(answer []byte) (*dynamo.Store, *dynamodb.Client) {
		o := client("http://peer.test", canned(answer))
		s := open(b, dynamo.Options{AWS: o, Data: "d", Keys: "k", Now: time.Now})
		o.Retryer = aws.NopRetryer{}
		return s, dynamodb.New(o)
	}
	s := func(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
	b.Run("GetItem", func(b *testing.B) {
		store, sdk := both(one)
		compare(b, 200, func() error { _, err := store.Get(b.Context(), spot); return err }, func() error {
			_, err := sdk.GetItem(b.Context(), &dynamodb.GetItemInput{
				TableName: aws.String("d"), ConsistentRead: aws.Bool(true), Key: map[string]types.AttributeValue{"pk": s("p"), "sk": s("s")},
			})
			return err
		})
	})
	b.Run("Query100", func(b *testing.B) {
		store, sdk := both(page)
		compare(b, 10, func() error { _, err := store.Query(b.Context(), table.Query{PK: "p"}); return err }, func() error {
			_, err := sdk.Query(b.Context(), &dynamodb.QueryInput{
				TableName: aws.String("d"), ConsistentRead: aws.Bool(true), Limit: aws.Int32(100), ScanIndexForward: aws.Bool(true),
				KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: map[string]types.AttributeValue{":p": s("p")},
			})
			return err
		})
	})
}
