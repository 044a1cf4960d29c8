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

// Streams is Client for moto's DynamoDB Streams: it leaves out what is Bare.
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
	if all["Records"], err = json.Marshal(slices.DeleteFunc(records, Bare)); err != nil {
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

// Bare reports whether the record of a stream is moto's alone: an update that makes an item is two records there, the first of the keys without any
// attribute, which DynamoDB's never lack.
func Bare(record jsontext.Value) bool {
	var r struct {
		DynamoDB struct{ Keys, NewImage map[string]jsontext.Value } `json:"dynamodb"`
	}
	err := json.Unmarshal(record, &r)
	return err == nil && len(r.DynamoDB.NewImage) > 0 && len(r.DynamoDB.NewImage) == len(r.DynamoDB.Keys)
}
