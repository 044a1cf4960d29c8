package account

import (
	"context"

	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// reader turns candidates into rows: it reads each strongly and decides on what it read, so that a lagging index can hide a row for a
// moment and never show one.
type reader struct {
	s     *Accounts
	who   *policy.Subject
	query *Query
	dense bool // nearly every candidate is a row: they are read together with their keys
	rows  []row
}

type row struct {
	account *Account
	sealed  []byte
	key     *table.Item // nil: not read yet
	place   string
}

func (s *Accounts) reader(who *policy.Subject, q *Query) *reader {
	return &reader{s: s, who: who, query: q, dense: !q.filtered()}
}

// want is how many candidates to read when so many rows are missing.
func (r *reader) want(missing int) int {
	if r.dense {
		return min(missing, table.MaxGet/2)
	}
	return table.MaxGet
}

// read adds the rows among the candidates, up to most in all.
func (r *reader) read(ctx context.Context, batch []string, most int) error {
	t := r.who.Tenant
	keys := make([]table.Key, 0, table.MaxGet)
	asked := make(map[id.Account]bool, len(batch))
	for _, place := range batch {
		a := accountIn(place)
		if asked[a] {
			continue // an index that lags has it where it was, too: the first place is the later one
		}
		asked[a] = true
		keys = append(keys, key.Account(t, a))
		if r.dense {
			keys = append(keys, key.AccountKey(t, a))
		}
	}
	items, err := r.s.table.Get(ctx, keys...)
	if err != nil {
		return err
	}
	next := func(k table.Key) *table.Item { // items come in the order of the keys
		if len(items) == 0 || items[0].Key != k {
			return nil
		}
		it := &items[0]
		items = items[1:]
		return it
	}
	for _, place := range batch {
		it := next(key.Account(t, accountIn(place)))
		var own *table.Item
		if r.dense {
			own = next(key.AccountKey(t, accountIn(place)))
		}
		if it == nil {
			continue
		}
		a, err := fromItem(*it)
		if err != nil {
			return err
		}
		if key.Newest(a.UpdatedAt, a.ID) != place {
			continue // updated since: it stands elsewhere in the order, and is met there
		}
		if err := r.s.gather(ctx, t, a); err != nil {
			return err
		}
		if !policy.Decide(r.who, policy.ModAccount, policy.View, a.resource(t)).Allowed || !r.query.admits(a) {
			continue
		}
		r.rows = append(r.rows, row{a, it.Sealed, own, place})
		if len(r.rows) == most {
			return nil
		}
	}
	return nil
}

// open gives the rows as the reader may see them, locked when the tenant's key is. A row whose key is gone was deleted for good and is left out.
func (r *reader) open(ctx context.Context) ([]Account, error) {
	out := make([]Account, 0, len(r.rows))
	if len(r.rows) == 0 {
		return out, nil
	}
	tk, err := r.s.crypt.Tenant(ctx, r.who.Tenant)
	locked := fault.IsKind(err, fault.Locked)
	if err != nil && !locked {
		return nil, err
	}
	if err := r.keys(ctx); err != nil {
		return nil, err
	}
	v := sightOf(r.who)
	for i := range r.rows {
		w := &r.rows[i]
		if w.key == nil {
			continue
		}
		var k *crypt.AccountKey
		if !locked {
			if k, err = tk.OpenAccount(w.account.ID, *w.key); err != nil {
				return nil, err
			}
		}
		if err := w.account.open(k, w.sealed); err != nil {
			return nil, err
		}
		out = append(out, *w.account.as(r.who, v))
	}
	return out, nil
}

// keys reads the keys that were not read with their accounts.
func (r *reader) keys(ctx context.Context) error {
	var missing []table.Key
	at := map[table.Key]*row{}
	for i := range r.rows {
		if w := &r.rows[i]; w.key == nil && !r.dense {
			k := key.AccountKey(r.who.Tenant, w.account.ID)
			missing, at[k] = append(missing, k), w
		}
	}
	if missing == nil {
		return nil
	}
	items, err := r.s.table.Get(ctx, missing...) // at most a page's limit
	for i := range items {
		at[items[i].Key].key = &items[i]
	}
	return err
}
