package edge

import (
	"context"
	"log/slog"
	"slices"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/policy"
)

// log writes the one line of the request: ids, codes and numbers, nothing that the client sent. What went wrong inside is told when the
// fault is ours.
func (x *exchange) log(ctx context.Context, w written, err error) {
	level, code := slog.LevelInfo, ""
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs, slog.String("requestId", string(x.id)))
	if x.route != nil {
		attrs = append(attrs, slog.String("operation", x.route.Operation))
	}
	attrs = append(attrs, slog.Int("status", w.status))
	if err != nil {
		f := fault.Of(err)
		if code = f.Code; x.cut {
			attrs = append(attrs, slog.Bool("cut", true))
		} else if f.Kind == fault.Internal || f.Kind == fault.Unavailable || f.Kind == fault.Locked {
			level = slog.LevelError
			attrs = append(attrs, slog.String("error", err.Error()))
		}
		attrs = append(attrs, slog.String("code", code))
	}
	attrs = append(attrs, slog.Duration("duration", x.server.Now().Sub(x.begun)), slog.Int("bytes", w.bytes))
	if w.err != nil && !x.cut {
		attrs = append(attrs, slog.Bool("cut", true))
	}
	if x.who != nil {
		attrs = append(attrs, slog.String("tenant", string(x.who.Tenant)), slog.String("user", string(x.who.User)))
	}
	x.server.Log.LogAttrs(ctx, level, "request", attrs...)
}

// watched are the modules in which reading without a right is worth a record.
var watched = []policy.Module{"audit", "role", "user", "tenant"}

// denied records a denial of note: someone known asked for a change, or for what watched modules hold, and may not. The record is a
// commit of its own, beside no change. A user who keeps asking is recorded at a bounded rate, so that denials cannot flood the audit.
func (x *exchange) denied(ctx context.Context, err error) {
	if x.who == nil || !fault.IsKind(err, fault.Denied) {
		return
	}
	if x.mutates() {
		if x.r.URL.Query().Get(dryParam.Name) == "true" { // it may have been denied before the query was judged
			return
		}
	} else if !slices.Contains(watched, x.route.Access.module) {
		return
	}
	if x.server.denials.take(string(x.who.Tenant)+string(x.who.User), x.begun) != nil {
		return
	}
	set := change.New(x.who.Principal, x.server.IDs, x.server.Now())
	set.Record(audit.Event{Outcome: audit.Denied, Code: fault.Of(err).Code, Target: x.target()})
	if err := set.Commit(context.WithoutCancel(ctx), x.server.Table); err != nil {
		x.server.Log.ErrorContext(ctx, "denial not recorded", "requestId", x.id, "error", err.Error())
	}
}
