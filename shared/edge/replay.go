package edge

import (
	"context"
	"errors"
	"sync"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/once"
	"github.com/steward-crm/steward/shared/table"
)

// register knows the idempotent requests that this process is working on.
type register struct {
	mu sync.Mutex
	on map[string]struct{}
}

func (g *register) enter(id string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, on := g.on[id]; on {
		return false
	}
	if g.on == nil {
		g.on = map[string]struct{}{}
	}
	g.on[id] = struct{}{}
	return true
}

func (g *register) leave(id string) {
	if id == "" {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.on, id)
}

const replyType = "Content-Type"

// replay answers with the stored reply of this very request, if there is one.
func (x *exchange) replay(ctx context.Context) (bool, error) {
	req := x.once()
	stored, sealed, err := req.Find(ctx, x.server.Table)
	if err != nil || stored == nil {
		return false, err
	}
	tk, err := x.server.Crypt.Tenant(ctx, x.who.Tenant)
	if err != nil {
		return false, err
	}
	var body []byte
	if len(sealed) > 0 {
		if body, err = tk.Open(x.replyPlace(req), sealed); err != nil {
			return false, err
		}
	}
	x.reply = answer{status: stored.Status, header: map[string]string{"Idempotency-Replayed": "true"}, body: body}
	for k, v := range stored.Headers {
		if k == replyType {
			x.reply.typ = v
			continue
		}
		x.reply.header[k] = v
	}
	return true, nil
}

// remember stages the reply with the change that it speaks of. A reply that speaks of no change is stored by itself: the key has its one
// reply all the same.
func (x *exchange) remember(ctx context.Context) error {
	req := x.once()
	tk, err := x.server.Crypt.Tenant(ctx, x.who.Tenant)
	if err != nil {
		return err
	}
	var sealed []byte
	if len(x.reply.body) > 0 {
		if sealed, err = tk.Seal(x.replyPlace(req), x.reply.body); err != nil {
			return err
		}
	}
	w, err := req.Write(once.Reply{Status: x.reply.status, Headers: x.reply.kept()}, sealed, x.server.Now())
	if err != nil {
		return err
	}
	if !x.set.Empty() {
		x.set.Put(w.Item, w.If, nil)
		return nil
	}
	if w.Item.Size() > table.MaxItem {
		return nil // a big answer that changed nothing can be made again
	}
	err = x.server.Table.Commit(ctx, x.server.IDs.ULID(), w)
	if _, lost := errors.AsType[*table.ConditionFailed](err); lost {
		return change.ErrMoved
	}
	return err
}

func (x *exchange) replyPlace(req once.Request) crypt.Place {
	return crypt.Place{Record: string(x.who.User), Item: req.ID(), Path: "reply", Schema: 1}
}

// kept are the headers of the answer that a replay repeats.
func (a *answer) kept() map[string]string {
	h := map[string]string{}
	for k, v := range a.header {
		h[k] = v
	}
	if a.version != 0 {
		h["ETag"] = etag(a.version)
	}
	if a.location != "" {
		h["Location"] = a.location
	}
	if a.typ != "" {
		h[replyType] = a.typ
	}
	return h
}
