package dynamo

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/table"
)

// Unread is an error of ReadChanges: the record at Position cannot be read. What is behind it in its shard has to wait for it.
type Unread struct {
	Position string // sequence number; "" when the event itself cannot be read
	cause    error
}

// NotRead makes an Unread of a fault.
func NotRead(position string, cause error) *Unread { return &Unread{position, cause} }

func (u *Unread) Error() string {
	return fmt.Sprintf("dynamo: stream record %q: %v", u.Position, u.cause)
}

// Unwrap gives the cause, a fault.
func (u *Unread) Unwrap() error { return u.cause }

// ReadChanges reads the Data table's stream records, in the form in which a Lambda function gets them and DynamoDB's GetRecords answers
// them: {"Records": […]}. Position is the sequence number, and At what DynamoDB says about the time, to the second or finer. On *Unread, the
// changes before that record are answered too. An expired item that DynamoDB took away is a change like any other deletion.
func ReadChanges(event []byte) ([]table.Change, error) {
	var e struct {
		Records []record `json:"Records"`
	}
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, NotRead("", corrupt(err))
	}
	out := make([]table.Change, 0, len(e.Records))
	for i := range e.Records {
		c, err := e.Records[i].change()
		if err != nil {
			return out, NotRead(e.Records[i].DynamoDB.Number, err)
		}
		out = append(out, c)
	}
	return out, nil
}

type record struct {
	DynamoDB struct {
		At     float64              `json:"ApproximateCreationDateTime"`
		Number string               `json:"SequenceNumber"`
		Old    map[string]Attribute `json:"OldImage"`
		New    map[string]Attribute `json:"NewImage"`
	} `json:"dynamodb"`
}

// Attribute is the wire form of one attribute, as far as this package writes it.
type Attribute struct {
	S *string `json:"S"`
	N *string `json:"N"`
	B *[]byte `json:"B"`
}

func (r *record) change() (table.Change, error) {
	d := &r.DynamoDB
	return ReadChange(d.Number, time.UnixMilli(int64(math.Round(d.At*1000))), d.Old, d.New)
}

// ReadChange reads one record of the Data table's stream, taken apart. Its error is a fault.
func ReadChange(number string, at time.Time, before, after map[string]Attribute) (c table.Change, err error) {
	c.Position, c.At = number, at.UTC()
	if c.Before, err = image(before); err != nil {
		return c, err
	}
	if c.After, err = image(after); err != nil {
		return c, err
	}
	if c.Position == "" || c.Before == nil && c.After == nil {
		return c, corrupt(errors.New("dynamo: a record without number or images: does the stream hold both?"))
	}
	return c, nil
}

func image(m map[string]Attribute) (*table.Item, error) {
	if len(m) == 0 {
		return nil, nil
	}
	out := make(attributes, len(m))
	for name, a := range m {
		switch {
		case a.S != nil:
			out[name] = str(*a.S)
		case a.N != nil:
			out[name] = &types.AttributeValueMemberN{Value: *a.N}
		case a.B != nil:
			out[name] = &types.AttributeValueMemberB{Value: *a.B}
		default:
			out[name] = nil
		}
	}
	it := &table.Item{}
	if err := readItem(it, table.Data, out); err != nil {
		return nil, err
	}
	return it, nil
}
