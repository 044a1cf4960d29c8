package account

import (
	"context"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// Where the candidates of a search come from. A condition that must hold whatever else does may name an index that knows the accounts which
// fulfil it; without one, the candidates are what the reader may view.

// must calls each with the conditions that every account found fulfils, until it answers true.
func (c *clause) must(each func(*condition) bool) bool {
	switch {
	case c == nil:
	case c.join == 0:
		return each(c.condition)
	case c.join == '&':
		return slices.ContainsFunc(c.parts, func(p clause) bool { return p.must(each) })
	}
	return false
}

// all calls each with every condition.
func (c *clause) all(each func(*condition)) {
	if c == nil {
		return
	}
	if c.join == 0 {
		each(c.condition)
	}
	for i := range c.parts {
		c.parts[i].all(each)
	}
}

// look prepares the conditions on sealed fields: it takes the key, and asks the blind indexes once which accounts have the values, for every
// condition on contacts and for the first other that must hold.
func (h *hunt) look(ctx context.Context) error {
	var ask []*condition
	opened := false
	h.clause.all(func(c *condition) {
		opened = opened || c.field.opened()
		if c.field.blind != "" && c.field.ofContacts {
			ask = append(ask, c)
		}
	})
	if !opened {
		return nil
	}
	var err error
	if h.tenant, err = h.s.crypt.Tenant(ctx, h.who.Tenant); err != nil {
		return err
	}
	h.clause.must(func(c *condition) bool {
		if c.field.blind == "" || c.field.ofContacts {
			return false
		}
		ask = append(ask, c)
		return true
	})
	for _, c := range ask {
		if c.among, err = h.s.blindly(ctx, h.who.Tenant, h.tenant, c, h.bounds.most); err != nil {
			return err
		}
	}
	return nil
}

// blindly gives the accounts that the blind index has for the condition's values, nil for more than most.
func (s *Accounts) blindly(ctx context.Context, t id.Tenant, k *crypt.TenantKey, c *condition, most int) (map[id.Account]bool, error) {
	out := map[id.Account]bool{}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, v := range c.texts {
		q := table.Query{PK: key.BlindPartition(t, c.field.blind, k.Blind(c.field.blind, v)), Limit: table.MaxLimit}
		g.Go(func() error {
			for {
				p, err := s.table.Query(ctx, q)
				if err != nil {
					return err
				}
				mu.Lock()
				for _, it := range p.Items {
					out[key.BlindAccount(it.SK)] = true
				}
				n := len(out)
				mu.Unlock()
				if q.Cursor = p.Cursor; q.Cursor == "" || n > most {
					return nil
				}
			}
		})
	}
	if err := g.Wait(); err != nil || len(out) > most {
		return nil, err
	}
	return out, nil
}

// named gives candidates by an index that has the accounts of a value and keeps them in no order that a search asks for: those of an e-mail or
// phone, or, if they are no more than most, those whose name starts so. found is false when no condition names such an index.
func (h *hunt) named(ctx context.Context, most int) (candidates []string, found bool, err error) {
	h.clause.must(func(c *condition) bool {
		if c.among == nil {
			return false
		}
		for a := range c.among {
			candidates = append(candidates, string(a))
		}
		found = true
		return true
	})
	if found {
		return candidates, true, nil
	}
	h.clause.must(func(c *condition) bool {
		if c.field.name != "name" || c.op != Prefix || c.texts[0] == "" {
			return false
		}
		var admits func(*key.Entry) bool
		if admits, err = h.reachable(ctx); err != nil {
			return true
		}
		from := make([]source, max(h.who.Org.Shards, 1))
		for n := range from {
			from[n] = source{index: table.G5, pk: key.AccountsByName(h.who.Tenant, n), starts: indexName(c.texts[0]), admits: admits, room: roomOfPlaced}
		}
		candidates, found, err = h.collect(ctx, from, most)
		return true
	})
	return candidates, found, err
}

// sources gives partitions, ordered by time, that hold every account that may be found, and maybe others; narrow when they are not simply all
// accounts of the tenant.
func (h *hunt) sources(ctx context.Context) (out []source, narrow bool, err error) {
	narrow = h.clause.must(func(c *condition) bool {
		if c.op != Eq && c.op != In || len(c.texts) > fewRequests {
			return false
		}
		t := h.who.Tenant
		at := map[string]func(string) source{
			"ownerId":      func(v string) source { return ownedBy(t, id.User(v)) },
			"departmentId": func(v string) source { return placedIn(t, id.Department(v)) },
			"categoryIds":  func(v string) source { return categorisedAs(t, id.Category(v)) },
		}[c.field.name]
		if at == nil {
			return false
		}
		var admits func(*key.Entry) bool
		if admits, err = h.reachable(ctx); err != nil {
			return true
		}
		for _, v := range c.texts {
			x := at(v)
			x.admits = admits
			out = append(out, x)
		}
		return true
	})
	if narrow || err != nil {
		return out, narrow, err
	}
	out, err = h.s.plan(ctx, h.who, &Query{Limit: h.Limit})
	return out, !policy.ReachOf(h.who, policy.ModAccount, policy.View).All, err
}

// collated gives the tenant's accounts in the order of their names.
func (h *hunt) collated(ctx context.Context) ([]source, error) {
	admits, err := h.reachable(ctx)
	if err != nil {
		return nil, err
	}
	w := &walking{admits: admits, share: 1}
	if admits != nil {
		w.share = share(h.who, policy.ReachOf(h.who, policy.ModAccount, policy.View))
	}
	out := make([]source, max(h.who.Org.Shards, 1))
	each := 1 / float64(len(out))
	for n := range out {
		pk := key.CollatedAccounts(h.who.Tenant, n)
		out[n] = source{index: table.G4, pk: pk, admits: admits, walk: w, part: each, slice: each, room: roomOfTenant}
	}
	return out, nil
}

// reachable reports of an index entry whether the reader may view its account, by scope or else by a grant; where a denial may speak it says
// yes too. nil admits all: everything is reached, or by grants so much that it is not worth knowing.
func (h *hunt) reachable(ctx context.Context) (func(*key.Entry) bool, error) {
	reach := policy.ReachOf(h.who, policy.ModAccount, policy.View)
	if reach.All {
		return nil, nil
	}
	from, err := h.s.beyond(ctx, h.who, reach)
	if err != nil {
		return nil, err
	}
	granted, complete, err := h.collect(ctx, from, h.bounds.most)
	if err != nil || !complete {
		return nil, err
	}
	known := make(map[id.Account]bool, len(granted))
	for _, place := range granted {
		known[accountIn(place)] = true
	}
	return func(e *key.Entry) bool { return known[e.Account] || scoped(h.who, e) }, nil
}

// collect gives all places of the sources, unless there are more than most.
func (h *hunt) collect(ctx context.Context, from []source, most int) (places []string, complete bool, err error) {
	m, err := h.s.merge(ctx, from, false, "", min(most, table.MaxLimit))
	if err != nil {
		return nil, false, err
	}
	places, err = m.take(ctx, most+1)
	return places, len(places) <= most, err
}
