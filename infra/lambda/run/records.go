package main

import (
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/infra/peers"
)

// records answers what lies in the stream, less what is moto's alone.
func (f *front) records(w http.ResponseWriter, r *http.Request, body []byte) {
	a, err := f.ask(r, body)
	if err == nil && a.status == http.StatusOK {
		var all map[string]jsontext.Value
		var records []jsontext.Value
		if err = json.Unmarshal(a.body, &all); err == nil {
			err = json.Unmarshal(all["Records"], &records)
		}
		if err == nil {
			all["Records"], err = json.Marshal(slices.DeleteFunc(records, peers.Bare))
		}
		if err == nil {
			a.body, err = json.Marshal(all)
			a.header.Del("X-Amz-Crc32")
		}
	}
	if err != nil {
		f.unanswered(w, r, err)
		return
	}
	a.send(w)
}
