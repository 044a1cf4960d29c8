package edge_test

import (
	"bytes"
	"net/url"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/text"
)

// FuzzDecode holds of any bytes: they are read or refused, a refusal has a code with a text and no value of the body in its arguments, and
// what is read survives being written and read again.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"name":"a"}`, `{"name":null}`, `{"age":1e400}`, `{"parts":[{"title":"x","count":3}]}`, `{"address":null}`, `[]`, `{"a":1,"a":2}`,
		`{"custom":[[[[null,9007199254740993]]]]}`, `{"born":"2026-01-01T00:00:00Z"}`, `{"name":"\ud800"}`, "{\"name\":\"\xff\"}", `{"labels":{"x":"y"}} {}`,
		`{"small":-129,"share":-0.0}`, `{"isAdmin":true}`, `{"NAME":1}`, "\ufeff{}", `{"name":"\u0000"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var d draft
		err := edge.Decode(bytes.Clone(body), &d)
		if err != nil {
			fl := fault.Of(err)
			if fl.Kind != fault.Malformed && fl.Kind != fault.Invalid {
				t.Fatalf("refused as %d %v", fl.Kind, err)
			}
			if !text.Known(fl.Code) {
				t.Fatalf("no text for %s", fl.Code)
			}
			for _, x := range fl.Fields {
				if !text.Known(x.Code) || len(x.Pointer) > 210 {
					t.Fatalf("%s at %d bytes of pointer", x.Code, len(x.Pointer))
				}
			}
			return
		}
		if !jsontext.Value(body).IsValid() {
			t.Fatal("what is no JSON was read")
		}
		once, err := json.Marshal(d, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		var again draft
		if err := edge.Decode(once, &again); err != nil {
			t.Fatalf("read %s, wrote %s: %v", body, once, err)
		}
		twice, err := json.Marshal(again, json.Deterministic(true))
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("wrote %s, then %s", once, twice)
		}
	})
}

// FuzzRequest holds of any path, query and headers that the answer is one of edge's own: a panic, a 500 or a change of the store is none.
func FuzzRequest(f *testing.F) {
	f.Add("/v1/things", "limit=5", "application/json", `"1"`, "zh", "k")
	f.Add("/v1/things/%2e%2e", "cursor=AAAA&q=%ff", "*/*;q=0", `W/"1"`, ";;;", "\xff")
	f.Add("//", "%", ",", `"`, "xx;q=2", "")
	w := newWorld(f)
	before := edgetest.Dump(f, w.Table)
	f.Fuzz(func(t *testing.T, path, query, accept, match, language, key string) {
		u := url.URL{Path: "/" + path, RawQuery: query}
		if _, err := url.ParseRequestURI(u.RequestURI()); err != nil || !printable(u.RequestURI()) {
			return
		}
		c := w.api.As(w.boss).WithExactly("Accept", accept).WithExactly("If-Match", match).WithExactly("Accept-Language", language).WithExactly("Idempotency-Key", key)
		for _, a := range []*edgetest.Answer{c.Get(u.RequestURI()), c.Patch(u.RequestURI(), `{}`), c.Delete(u.RequestURI()), c.Post(u.RequestURI(), `{"name":""}`)} {
			if a.Status == 0 || a.Status >= 500 {
				t.Fatalf("%q: answered %d %s", u.RequestURI(), a.Status, a.Body)
			}
		}
		if edgetest.Dump(t, w.Table, edgetest.DeniedEvent) != before {
			t.Fatalf("%q changed the store", u.RequestURI())
		}
	})
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}
