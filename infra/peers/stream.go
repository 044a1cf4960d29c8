package peers

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Streams is Client for moto's DynamoDB Streams: it leaves out the first of the two records that moto writes for an update which makes an item.
// That one has no attribute but the keys, which DynamoDB's never lack.
func Streams() *http.Client { return &http.Client{Transport: full{}} }

type full struct{}

func (full) RoundTrip(r *http.Request) (*http.Response, error) {
	out, err := again{}.RoundTrip(r)
	if err != nil || !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetRecords") || out.StatusCode != http.StatusOK {
		return out, err
	}
	var all map[string]jsontext.Value
	var records []jsontext.Value
	if err := json.UnmarshalRead(out.Body, &all); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(all["Records"], &records); err != nil {
		return nil, err
	}
	if all["Records"], err = json.Marshal(slices.DeleteFunc(records, bare)); err != nil {
		return nil, err
	}
	b, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	out.Header.Del("X-Amz-Crc32")
	return out, nil
}

func bare(record jsontext.Value) bool {
	var r struct {
		DynamoDB struct{ Keys, NewImage map[string]jsontext.Value } `json:"dynamodb"`
	}
	err := json.Unmarshal(record, &r)
	return err == nil && len(r.DynamoDB.NewImage) > 0 && len(r.DynamoDB.NewImage) == len(r.DynamoDB.Keys)
}
