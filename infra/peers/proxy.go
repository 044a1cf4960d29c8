package peers

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Fault is what a Proxy does to one request.
type Fault uint8

// The faults. The peer gets the request unless said otherwise.
const (
	Pass        Fault = iota // nothing
	Lost                     // the reply is dropped
	LostThrice               // the request is delivered three times, as by a client that tries on, and every reply is dropped
	Unsent                   // the peer does not get it, and the caller gets no reply
	Late                     // the peer gets it once the caller has been told that there is no reply
	Twice                    // the peer gets it twice; the second reply counts
	Delayed                  // it waits for Proxy.Delay, or until the caller gives up
	Throttled                // refused for want of capacity; the peer does not get it
	Conflicting              // refused because of another transaction; the peer does not get it
	Broken                   // refused with an internal error; the peer does not get it
	BrokenAfter              // answered with an internal error after the peer did it
	Unprocessed              // a BatchGetItem: the peer gets the first key of each table, and the others come back unprocessed
	Faults                   // how many there are
)

// Proxy stands between an SDK and a peer and does to each request what Choose says; target is the header X-Amz-Target. It is an
// http.RoundTripper for the SDK's own process, so that a test needs no port for it. What it answers itself has DynamoDB's form.
type Proxy struct {
	Next   http.RoundTripper
	Choose func(target string) Fault
	Delay  time.Duration

	late sync.WaitGroup
}

// Settle waits until the peer has got all that is Late.
func (p *Proxy) Settle() { p.late.Wait() }

// RoundTrip implements http.RoundTripper.
func (p *Proxy) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	_ = r.Body.Close()
	send := func() (*http.Response, error) {
		again := r.Clone(r.Context())
		again.Body = io.NopCloser(bytes.NewReader(body))
		return p.Next.RoundTrip(again)
	}
	target := r.Header.Get("X-Amz-Target")
	switch fault := p.Choose(target); fault {
	case Lost:
		return nil, drop(send, 1)
	case LostThrice:
		return nil, drop(send, 3)
	case Unsent:
		return nil, io.ErrUnexpectedEOF
	case Late:
		late := r.Clone(context.WithoutCancel(r.Context()))
		late.Body = io.NopCloser(bytes.NewReader(body))
		p.late.Go(func() { _ = drop(func() (*http.Response, error) { return p.Next.RoundTrip(late) }, 1) })
		return nil, io.ErrUnexpectedEOF
	case Twice:
		if out, err := send(); err == nil {
			discard(out)
		}
		return send()
	case Delayed:
		select {
		case <-time.After(p.Delay):
			return send()
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	case Throttled:
		return answer(r, http.StatusBadRequest, refusal("ProvisionedThroughputExceededException"))
	case Conflicting:
		return answer(r, http.StatusBadRequest, conflict(target, body))
	case Broken:
		return answer(r, http.StatusInternalServerError, refusal("InternalServerError"))
	case BrokenAfter:
		_ = drop(send, 1)
		return answer(r, http.StatusInternalServerError, refusal("InternalServerError"))
	case Unprocessed:
		return p.part(r, body, send)
	}
	return send()
}

// drop delivers the request n times. What it answers is never nil.
func drop(send func() (*http.Response, error), n int) error {
	for range n {
		out, err := send()
		if err != nil {
			return err
		}
		discard(out)
	}
	return io.ErrUnexpectedEOF
}

func discard(out *http.Response) {
	_, _ = io.Copy(io.Discard, out.Body)
	_ = out.Body.Close()
}

func refusal(code string) []byte {
	return fmt.Appendf(nil, `{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":"made by the fault proxy"}`, code)
}

// conflict is how DynamoDB says that another transaction holds an item: of a transaction, its last write's.
func conflict(target string, body []byte) []byte {
	if !strings.HasSuffix(target, ".TransactWriteItems") {
		return refusal("TransactionConflictException")
	}
	var in struct{ TransactItems []jsontext.Value }
	if json.Unmarshal(body, &in) != nil {
		return refusal("SerializationException")
	}
	reasons := strings.Repeat(`{"Code":"None"},`, max(0, len(in.TransactItems)-1)) + `{"Code":"TransactionConflict","Message":"Transaction is ongoing for the item"}`
	return fmt.Appendf(nil, `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","message":"made by the fault proxy","CancellationReasons":[%s]}`, reasons)
}

func answer(r *http.Request, status int, body []byte) (*http.Response, error) {
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r, ContentLength: int64(len(body)),
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: io.NopCloser(bytes.NewReader(body)),
	}, nil
}

// part hands on a BatchGetItem with the first key of each table.
func (p *Proxy) part(r *http.Request, body []byte, send func() (*http.Response, error)) (*http.Response, error) {
	type keys struct {
		Keys           []jsontext.Value
		ConsistentRead bool
	}
	var in struct{ RequestItems map[string]keys }
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".BatchGetItem") || json.Unmarshal(body, &in) != nil {
		return send()
	}
	left := map[string]keys{}
	for name, k := range in.RequestItems {
		if len(k.Keys) > 1 {
			left[name] = keys{Keys: k.Keys[1:], ConsistentRead: k.ConsistentRead}
			in.RequestItems[name] = keys{Keys: k.Keys[:1], ConsistentRead: k.ConsistentRead}
		}
	}
	less, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	part := r.Clone(r.Context())
	part.Body, part.ContentLength = io.NopCloser(bytes.NewReader(less)), int64(len(less))
	out, err := p.Next.RoundTrip(part)
	if err != nil || out.StatusCode != http.StatusOK {
		return out, err
	}
	defer func() { _ = out.Body.Close() }()
	var got map[string]jsontext.Value
	if err := json.UnmarshalRead(out.Body, &got); err != nil {
		return nil, err
	}
	if got["UnprocessedKeys"], err = json.Marshal(left); err != nil {
		return nil, err
	}
	merged, err := json.Marshal(got)
	if err != nil {
		return nil, err
	}
	return answer(r, http.StatusOK, merged)
}
