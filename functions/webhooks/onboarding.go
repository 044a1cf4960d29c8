package webhooks

import (
	"context"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/tenant"
	"github.com/steward-crm/steward/shared/webhook"
)

// envelope is the body of a webhook.
type envelope[T any] struct {
	Type      string `json:"type"`
	Timestamp stamp  `json:"timestamp"`
	Data      *T     `json:"data"`
}

// stamp is a time as RFC 3339 writes it, zone and all; any other is Invalid invalid_date.
type stamp time.Time

// UnmarshalText reads the time.
func (s *stamp) UnmarshalText(b []byte) error {
	at, err := time.Parse(time.RFC3339Nano, string(b))
	if err != nil {
		return fault.New(fault.Invalid, "invalid_date")
	}
	*s = stamp(at)
	return nil
}

// onboarding receives an event of the SaaS: signature, then id, then type, then content. A new event is answered 202, one that was
// received before 200 with the same body.
func onboarding(p *platform.Platform, s *tenant.Store) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[tenant.Receipt], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[tenant.Receipt], error) {
		webhookID, err := webhook.Verify(r.Header.Get, r.Body, p.Now(), p.Webhook()...)
		if err != nil {
			return nil, err
		}
		d := tenant.Delivery{ID: webhookID, Body: r.Body}
		receipt, again, err := s.Delivered(ctx, d)
		if err != nil {
			return nil, err
		}
		if again {
			return answer(receipt, http.StatusOK), nil
		}
		typ, err := typeOf(r.Body)
		if err != nil {
			return nil, err
		}
		if !tenant.Known(typ) {
			receipt, err := s.Ignore(ctx, r.Change, d)
			return answer(receipt, http.StatusAccepted), err
		}
		e, err := read(typ, r.Body)
		if err == nil {
			receipt, again, err = s.Receive(ctx, r.Change, d, e)
		}
		if fault.IsKind(err, fault.Invalid) {
			return nil, bury(ctx, p, s, r, d, typ, err)
		}
		if err != nil {
			return nil, err
		}
		if again {
			return answer(receipt, http.StatusOK), nil
		}
		return answer(receipt, http.StatusAccepted), nil
	}
}

func answer(r tenant.Receipt, status int) *edge.Reply[tenant.Receipt] {
	return &edge.Reply[tenant.Receipt]{Body: r, Status: status}
}

// bury keeps a dead letter of a webhook that is refused, in a commit of its own, because edge commits nothing for a refusal. The letter
// has the webhook's id, so it is one however often the webhook comes.
func bury(ctx context.Context, p *platform.Platform, s *tenant.Store, r *edge.Request[edge.None], d tenant.Delivery, typ string, why error) error {
	err := change.Run(ctx, p.Table, r.Change.Who, p.IDs, p.Now, func(c *change.Set) error { return s.Bury(ctx, c, d, typ, why) })
	if err != nil {
		return err
	}
	return why
}

// typeOf reads the type alone: what else an event says is judged only when the type is one of ours.
func typeOf(body []byte) (string, error) {
	var members map[string]jsontext.Value
	if err := edge.Decode(body, &members); err != nil {
		return "", err
	}
	raw, ok := members["type"]
	if !ok {
		return "", fault.Fields(fault.At("/type", "required"))
	}
	var typ string
	if err := json.Unmarshal(raw, &typ); err != nil || raw.Kind() != '"' {
		return "", fault.Fields(fault.At("/type", "wrong_type", "expected", "string"))
	}
	return typ, nil
}

// read decodes an event of a known type. Everything that does not fit is Invalid: the sender meant something that we do not understand.
func read(typ string, body []byte) (e tenant.Event, err error) {
	e.Type = typ
	switch typ {
	case tenant.TypeCreated:
		e.Timestamp, e.Created, err = data[tenant.Created](body)
	case tenant.TypeUpdated:
		e.Timestamp, e.Updated, err = data[tenant.Updated](body)
	default:
		e.Timestamp, e.Status, err = data[tenant.Status](body)
	}
	return e, err
}

func data[T any](body []byte) (time.Time, *T, error) {
	var e envelope[T]
	if err := edge.Decode(body, &e); err != nil {
		f := *fault.Of(err)
		if f.Kind == fault.Malformed {
			f.Kind = fault.Invalid
		}
		return time.Time{}, nil, &f
	}
	if e.Data == nil {
		e.Data = new(T)
	}
	return time.Time(e.Timestamp), e.Data, nil
}
