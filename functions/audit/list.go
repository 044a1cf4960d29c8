package audit

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/policy"
)

// event is an audit event on the wire. Before and after stay sealed: the names of the fields that changed say what, not to what.
type event struct {
	ID        string    `json:"id"`
	At        time.Time `json:"at"`
	Actor     string    `json:"actor"`
	Action    string    `json:"action"`
	Target    string    `json:"target,omitempty"`
	Outcome   string    `json:"outcome"`
	Code      string    `json:"code,omitempty"`
	Fields    []string  `json:"fields,omitempty"`
	Note      string    `json:"note,omitempty"`
	Source    string    `json:"source,omitempty"`
	RequestID string    `json:"requestId,omitempty"`
}

// modules are those whose field rules speak of the fields of an event, by the first word of its action.
var modules = map[string]policy.Module{"accounts": policy.ModAccount, "contacts": policy.ModContact, "users": policy.ModUser}

// named are the names of the event's fields but for those that the reader's roles hide: that an id number was changed tells that there is one.
func named(who *policy.Subject, e *audit.Event) []string {
	resource, _, _ := strings.Cut(e.Action, ".")
	m, ruled := modules[resource]
	if !ruled {
		return e.Fields
	}
	return slices.DeleteFunc(slices.Clone(e.Fields), func(name string) bool {
		return policy.DeclaredField(m, name) && who.Field(m, policy.View, name) == policy.Hidden
	})
}

func list(p *platform.Platform) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.List[event]], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.List[event]], error) {
		f := audit.Filter{
			Actor: r.Query.Get("actor"), Target: r.Query.Get("target"),
			Action: r.Query.Get("action"), Outcome: audit.Outcome(r.Query.Get("outcome")),
		}
		for name, to := range map[string]*time.Time{"from": &f.From, "to": &f.To} {
			v := r.Query.Get(name)
			if v == "" {
				continue
			}
			t, err := time.Parse(time.RFC3339Nano, v)
			if err != nil {
				return nil, fault.New(fault.Malformed, "invalid_time", "name", name)
			}
			*to = t
		}
		events, next, err := audit.Events(ctx, p.Table, r.Who.Tenant, f, r.Who.Org.CreatedAt, p.Now(), r.Page.After, r.Page.Limit)
		if err != nil {
			return nil, err
		}
		out := make([]event, len(events))
		for i, e := range events {
			out[i] = event{
				ID: string(e.ID), At: e.At, Actor: e.Actor, Action: e.Action, Target: e.Target, Outcome: string(e.Outcome),
				Code: e.Code, Fields: named(r.Who, &e), Note: e.Note, Source: e.Source, RequestID: string(e.RequestID),
			}
		}
		return &edge.Reply[edge.List[event]]{Body: edge.List[event]{Items: out}, Next: next}, nil
	}
}
