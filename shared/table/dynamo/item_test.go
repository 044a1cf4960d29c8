package dynamo_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/dynamo"
)

// full has every attribute.
func full() table.Item {
	it := table.Item{
		Key: table.Key{PK: "part", SK: "sort"}, Version: 7, Expires: time.Unix(1800000000, 0).UTC(),
		Doc: []byte(`{"id":"x","n":12345678901234567890,"o":{"status":"no"}, "status":"active"}`), Sealed: []byte{0, 1, 0xFF},
		Index: map[table.Index]table.IndexKey{},
	}
	for n := table.G1; n <= table.G5; n++ {
		it.Index[n] = table.IndexKey{PK: fmt.Sprint("p", n), SK: fmt.Sprint("s", n)}
	}
	return it
}

// recorder keeps what the adapter sends, and answers with the same bytes each time.
type recorder struct {
	answer string
	sent   map[string][]byte
}

func (r *recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return nil, err
	}
	_, op, _ := strings.Cut(q.Header.Get("X-Amz-Target"), ".")
	r.sent[op] = body
	return (&stub{status: 200, say: r.answer}).RoundTrip(q)
}

// TestRequestsOnTheWire holds the requests against files: what is stored once must be read by every later version.
func TestRequestsOnTheWire(t *testing.T) {
	r := &recorder{answer: `{}`, sent: map[string][]byte{}}
	s := onStub(t, r)
	k := table.Key{Space: table.Keys, PK: "key", SK: "k"}
	bare := table.Item{Key: k, Sealed: []byte("wrapped")}
	_ = s.Commit(t.Context(), "token", table.Put(full(), table.VersionIs(6)), table.Put(bare, table.Absent),
		table.Delete(table.Key{PK: "a", SK: "b"}, table.Always), table.Delete(table.Key{PK: "a", SK: "c"}, table.Present),
		table.Check(table.Key{PK: "a", SK: "d"}, table.Equals("status", "active")), table.Check(table.Key{PK: "a", SK: "e"}, table.Always))
	_, _ = s.Get(t.Context(), k)
	_, _ = s.Get(t.Context(), k, table.Key{PK: "part", SK: "sort"})
	_, _ = s.Query(t.Context(), table.Query{Index: table.G3, PK: "p3", From: "a", To: "b", Reverse: true, Limit: 7})
	for range s.Scan(t.Context(), 1, 3) {
		break
	}
	for _, op := range []string{"TransactWriteItems", "GetItem", "BatchGetItem", "Query", "Scan"} {
		got := jsontext.Value(r.sent[op])
		if err := got.Canonicalize(); err != nil {
			t.Fatalf("%s: %v", op, err)
		}
		if err := got.Indent(jsontext.WithIndent("  ")); err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join("testdata", op+".json"))
		if err != nil || !bytes.Equal(bytes.TrimSpace(want), got) {
			t.Errorf("%s: %v\n%s", op, err, got)
		}
	}
}

// TestStoredItems reads items as they may lie in the table.
func TestStoredItems(t *testing.T) {
	whole := full()
	const head = `{"Item":{"pk":{"S":"part"},"sk":{"S":"sort"},"v":{"N":"7"}`
	for _, c := range []struct {
		what, answer string
		want         *table.Item
		kind         fault.Kind
		code         string
	}{
		{"nothing", `{}`, nil, 0, ""},
		{"bare", head + `}}`, &table.Item{Key: whole.Key, Version: 7}, 0, ""},
		{"with marks", head + `,"e":{"S":"abc"}}}`, &table.Item{Key: whole.Key, Version: 7}, 0, ""},
		{
			"full", head + `,"ttl":{"N":"1800000000"},"doc":{"B":"eyJpZCI6IngiLCJuIjoxMjM0NTY3ODkwMTIzNDU2Nzg5MCwibyI6eyJzdGF0dXMiOiJubyJ9LCAic3RhdHVzIjoiYWN0aXZlIn0="},"sealed":{"B":"AAH/"},` +
				`"g1pk":{"S":"p1"},"g1sk":{"S":"s1"},"g2pk":{"S":"p2"},"g2sk":{"S":"s2"},"g3pk":{"S":"p3"},"g3sk":{"S":"s3"},"g4pk":{"S":"p4"},"g4sk":{"S":"s4"},"g5pk":{"S":"p5"},"g5sk":{"S":"s5"}}}`,
			&whole, 0, "",
		},
		{"of a newer version", head + `,"zip":{"B":"AAH/"}}}`, nil, fault.Unavailable, "table_unavailable"},
		{"a sixth index", head + `,"g6pk":{"S":"p"},"g6sk":{"S":"s"}}}`, nil, fault.Unavailable, "table_unavailable"},
		{"without version", `{"Item":{"pk":{"S":"part"},"sk":{"S":"sort"}}}`, nil, fault.Internal, "table_corrupt"},
		{"version 0", `{"Item":{"pk":{"S":"part"},"sk":{"S":"sort"},"v":{"N":"0"}}}`, nil, fault.Internal, "table_corrupt"},
		{"half a version", `{"Item":{"pk":{"S":"part"},"sk":{"S":"sort"},"v":{"N":"1.5"}}}`, nil, fault.Internal, "table_corrupt"},
		{"without key", `{"Item":{"pk":{"S":"part"},"v":{"N":"1"}}}`, nil, fault.Internal, "table_corrupt"},
		{"a doc of text", head + `,"doc":{"S":"{}"}}}`, nil, fault.Internal, "table_corrupt"},
		{"a text that should be sealed", head + `,"sealed":{"S":"x"}}}`, nil, fault.Internal, "table_corrupt"},
		{"an expiry in text", head + `,"ttl":{"S":"1800000000"}}}`, nil, fault.Internal, "table_corrupt"},
		{"half a place in an index", head + `,"g1pk":{"S":"p"}}}`, nil, fault.Internal, "table_corrupt"},
		{"a place of numbers", head + `,"g1pk":{"N":"1"},"g1sk":{"S":"s"}}}`, nil, fault.Internal, "table_corrupt"},
	} {
		items, err := onStub(t, &recorder{answer: c.answer, sent: map[string][]byte{}}).Get(t.Context(), whole.Key)
		switch {
		case c.code != "":
			if !fault.Is(err, c.code) || !fault.IsKind(err, c.kind) {
				t.Errorf("%s: %v", c.what, err)
			}
		case err != nil:
			t.Errorf("%s: %v", c.what, err)
		case c.want == nil && len(items) != 0, c.want != nil && (len(items) != 1 || !reflect.DeepEqual(items[0], *c.want)):
			t.Errorf("%s: %+v, want %+v", c.what, items, c.want)
		}
	}
}

// TestMarksCountToo: what only the marks of its doc make too large is refused before it is sent, with its size.
func TestMarksCountToo(t *testing.T) {
	s, _ := openStrict(t, newClock().Now, nil)
	doc := []byte(`{"a":"1","b":"2","c":"3","d":"4","e":"5","f":"6"}`)
	it := table.Item{Key: spot, Doc: doc}
	it.Sealed = make([]byte, table.MaxItem-it.Size())
	if err := s.Commit(t.Context(), "t", table.Put(it, table.Always)); !fault.Is(err, "record_too_large") {
		t.Errorf("six marks and 400 KB: %v", err)
	}
	var writes []table.Write
	for i := range 50 {
		it := table.Item{Key: table.Key{PK: "p", SK: fmt.Sprintf("%02d", i)}, Doc: doc}
		it.Sealed = make([]byte, table.MaxCommit/50-it.Size())
		writes = append(writes, table.Put(it, table.Always))
	}
	if err := s.Commit(t.Context(), "t", writes...); !fault.Is(err, "commit_too_large") {
		t.Errorf("300 marks and 4 MB: %v", err)
	}
}

// TestTokensOfTwoDeployments: one account of AWS may hold several.
func TestTokensOfTwoDeployments(t *testing.T) {
	sent := map[string]bool{}
	for _, o := range []dynamo.Options{{Data: "d", Keys: "k"}, {Data: "e", Keys: "k"}} {
		for _, token := range []string{"t", "u", strings.Repeat("t", table.MaxToken)} {
			r := &recorder{answer: `{}`, sent: map[string][]byte{}}
			o.AWS, o.Now, o.Pause = client("http://peer.test", r), newClock().Now, atOnce
			if err := open(t, o).Commit(t.Context(), token, table.Delete(spot, table.Always)); err != nil {
				t.Fatal(err)
			}
			_, rest, _ := strings.Cut(string(r.sent["TransactWriteItems"]), `"ClientRequestToken":"`)
			own, _, _ := strings.Cut(rest, `"`)
			if len(own) != 36 || sent[own] {
				t.Errorf("token %q of table %s goes out as %q", token, o.Data, own)
			}
			sent[own] = true
		}
	}
}
