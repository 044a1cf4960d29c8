package dynamo_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/dynamo"
)

// A record as a Lambda function gets it, written after AWS's developer guide (November 2026).
const (
	recordHead = `{"eventID":"c4ca4238a0b923820dcc509a6f75849b","eventName":"MODIFY","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"eu-central-1",` +
		`"eventSourceARN":"arn:aws:dynamodb:eu-central-1:123456789012:table/data/stream/2026-03-04T05:06:07.000","dynamodb":{"ApproximateCreationDateTime":1772600767.25,` +
		`"Keys":{"pk":{"S":"p"},"sk":{"S":"s"}},"SizeBytes":59,"StreamViewType":"NEW_AND_OLD_IMAGES","SequenceNumber":`
	image1 = `{"pk":{"S":"p"},"sk":{"S":"s"},"v":{"N":"1"},"doc":{"B":"eyJhIjoxfQ=="},"sealed":{"B":"AQ=="}}`
	image2 = `{"pk":{"S":"p"},"sk":{"S":"s"},"v":{"N":"2"},"ttl":{"N":"1800000000"},"e":{"S":"0123456789ab"},"g1pk":{"S":"g"},"g1sk":{"S":"1"}}`
)

func TestReadChanges(t *testing.T) {
	one := &table.Item{Key: spot, Version: 1, Doc: []byte(`{"a":1}`), Sealed: []byte{1}}
	two := &table.Item{Key: spot, Version: 2, Expires: time.Unix(1800000000, 0).UTC(), Index: map[table.Index]table.IndexKey{table.G1: {PK: "g", SK: "1"}}}
	at := time.Date(2026, 3, 4, 5, 6, 7, 250_000_000, time.UTC)
	event := `{"Records":[` +
		recordHead + `"100","NewImage":` + image1 + `}},` +
		recordHead + `"200","OldImage":` + image1 + `,"NewImage":` + image2 + `}},` +
		recordHead + `"300","OldImage":` + image2 + `},"userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"}}` +
		`]}`
	got, err := dynamo.ReadChanges([]byte(event))
	want := []table.Change{{Position: "100", At: at, After: one}, {Position: "200", At: at, Before: one, After: two}, {Position: "300", At: at, Before: two}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n got %+v\nwant %+v", err, got, want)
	}
	if list, err := dynamo.ReadChanges([]byte(`{"Records":[]}`)); err != nil || len(list) != 0 {
		t.Errorf("no records: %v, %v", list, err)
	}
}

// TestUnreadChanges: what comes before a bad record is answered, and the record named, so that a consumer can say where to go on.
func TestUnreadChanges(t *testing.T) {
	good := recordHead + `"100","NewImage":` + image1 + `}},`
	for what, c := range map[string]struct {
		event, position, code string
		changes               int
	}{
		"no JSON":             {`{"Records":`, "", "table_corrupt", 0},
		"no images":           {`{"Records":[` + good + recordHead + `"200"}}]}`, "200", "table_corrupt", 1},
		"no number":           {`{"Records":[` + good + recordHead + `"","NewImage":` + image1 + `}}]}`, "", "table_corrupt", 1},
		"keys only":           {`{"Records":[` + good + recordHead + `"200","NewImage":{"pk":{"S":"p"},"sk":{"S":"s"}}}}]}`, "200", "table_corrupt", 1},
		"an attribute's type": {`{"Records":[` + good + recordHead + `"200","NewImage":{"pk":{"S":"p"},"sk":{"S":"s"},"v":{"N":"1"},"doc":{"M":{}}}}}]}`, "200", "table_corrupt", 1},
		"a newer version's":   {`{"Records":[` + good + recordHead + `"200","OldImage":{"pk":{"S":"p"},"sk":{"S":"s"},"v":{"N":"1"},"zip":{"B":""}}}}]}`, "200", "table_unavailable", 1},
	} {
		list, err := dynamo.ReadChanges([]byte(c.event))
		u, ok := errors.AsType[*dynamo.Unread](err)
		if !ok || u.Position != c.position || len(list) != c.changes || !fault.Is(err, c.code) {
			t.Errorf("%s: %d changes, %v", what, len(list), err)
		}
	}
}
