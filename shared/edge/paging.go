package edge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/fault"
)

// Paging, embedded in the body of a POST that answers a List, asks for its part of the list, as the query of a GET does. The cursor is bound
// to the rest of the body: how that is written (white space, the order of members) may change on the way, what it says may not. Such a POST reads
// and changes nothing, so its reply is never stored under an Idempotency-Key: asked again, it answers what is so by then.
type Paging struct {
	Limit  PageSize `json:"limit,omitzero"`
	Cursor *string  `json:"cursor,omitzero"`
	Count  bool     `json:"count,omitzero"`
}

func (p *Paging) paging() *Paging { return p }

// pager is every body that embeds Paging.
type pager interface{ paging() *Paging }

const (
	leastItems   = 1
	mostItems    = 100
	defaultItems = 50
)

func invalidPageSize() *fault.Fault {
	return fault.New(fault.Malformed, "invalid_page_size", "min", strconv.Itoa(leastItems), "max", strconv.Itoa(mostItems))
}

// pageSize reads a size as it is written in decimal, without sign or leading zero.
func pageSize(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < leastItems || n > mostItems || strconv.Itoa(n) != s {
		return 0, invalidPageSize()
	}
	return n, nil
}

// PageSize is how many items of a list to answer, 1 to 100; 0, which nobody can ask for, is the default of 50.
type PageSize int

// UnmarshalJSONFrom reads the number, or answers Malformed invalid_page_size.
func (p *PageSize) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	v, err := d.ReadValue()
	if err != nil {
		return err
	}
	n, err := pageSize(string(v))
	*p = PageSize(n)
	return err
}

// OpenAPISchema describes the number.
func (PageSize) OpenAPISchema() map[string]any {
	return map[string]any{"type": "integer", "minimum": leastItems, "maximum": mostItems, "default": defaultItems, "description": limitParam.Description}
}

// turn settles which part of the list the body asks for.
func (x *exchange) turn(ctx context.Context, p *Paging) error {
	x.page = Page{Limit: defaultItems, Count: p.Count}
	if p.Limit != 0 {
		x.page.Limit = int(p.Limit)
	}
	var err error
	if x.asked, err = digestOf(x.body); err != nil || p.Cursor == nil {
		return err
	}
	x.page.After, err = x.openCursor(ctx, *p.Cursor)
	if fault.Is(err, "invalid_cursor") {
		return fault.Of(err).With(fault.At("/cursor", "invalid_cursor"))
	}
	return err
}

// digestOf is the same for all bodies that ask for parts of one list.
func digestOf(body []byte) (string, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(body, &members); err != nil {
		return "", err
	}
	for _, own := range []string{"limit", "cursor", "count"} {
		delete(members, own)
	}
	b, err := json.Marshal(members)
	if err != nil {
		return "", err
	}
	v := jsontext.Value(b)
	if err := v.Canonicalize(); err != nil { // RFC 8785
		return "", err
	}
	sum := sha256.Sum256(v)
	return hex.EncodeToString(sum[:]), nil
}

// PagesByBody reports whether limit and cursor of the route's list stand in its body.
func (r *Route) PagesByBody() bool { return r.pages }

// Listed answers what was found, each as show gives it, and asks for the count where the caller wants it.
func Listed[T, B any](r *Request[None], found []T, next string, show func(T) B, count func() (int, error)) (*Reply[List[B]], error) {
	out := List[B]{Items: make([]B, 0, len(found))}
	for _, x := range found {
		out.Items = append(out.Items, show(x))
	}
	if r.Page.Count {
		n, err := count()
		if err != nil {
			return nil, err
		}
		out.Count = &Count{Value: n, Exact: true}
	}
	return &Reply[List[B]]{Body: out, Next: next}, nil
}
