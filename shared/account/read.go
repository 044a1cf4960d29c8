package account

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// reader turns candidates into rows: it reads each strongly and decides on what it read, so that a lagging index can hide a row for a
// moment and never show one.
type reader struct {
	s      *Accounts
	who    *policy.Subject
	place  func(*Account) string                     // where an account stands in the order; nil: candidates come in none
	admits func(context.Context, *row) (bool, error) // of what the reader may view
	dense  bool                                      // nearly every candidate is a row
	keyed  bool                                      // candidates are read together with their keys
	rows   []row
}

type row struct {
	account *Account
	sealed  []byte
	key     *table.Item // nil: there is none, or it was not asked for
	asked   bool        // for the key
	place   string
}

func (s *Accounts) reader(who *policy.Subject, q *Query) *reader {
	return &reader{
		s: s, who: who, dense: !q.filtered(), keyed: !q.filtered(), place: newest,
		admits: func(_ context.Context, w *row) (bool, error) { return q.admits(w.account), nil },
	}
}

// newest is the place of an account in the order of lists.
func newest(a *Account) string { return key.Newest(a.UpdatedAt, a.ID) }

// want is how many candidates to read when so many rows are missing.
func (r *reader) want(missing int) int {
	switch {
	case r.dense:
		return min(missing, table.MaxGet)
	case r.keyed:
		return table.MaxGet / 2
	}
	return table.MaxGet
}

// read adds the rows among the candidates, up to most in all. The last row tells that there is another page, and is not opened: where nearly every
// candidate is a row, the key of the one that would be it is not asked for.
func (r *reader) read(ctx context.Context, batch []string, most int) error {
	t := r.who.Tenant
	keys := make([]table.Key, 0, 2*len(batch))
	found := make(map[table.Key]*table.Item, 2*len(batch))
	spare := -1
	if r.dense && len(r.rows)+len(batch) == most {
		spare = len(batch) - 1
	}
	for i, place := range batch { // where one index lags behind another, an account may stand at two places
		k := key.Account(t, accountIn(place))
		if _, twice := found[k]; twice {
			continue
		}
		found[k] = nil
		keys = append(keys, k)
		if r.keyed && i != spare {
			keys = append(keys, key.AccountKey(t, accountIn(place)))
		}
	}
	parts, err := r.s.get(ctx, keys)
	if err != nil {
		return err
	}
	for _, items := range parts {
		for i := range items {
			found[items[i].Key] = &items[i]
		}
	}
	for i, place := range batch {
		it, own := found[key.Account(t, accountIn(place))], found[key.AccountKey(t, accountIn(place))]
		if it == nil {
			continue
		}
		a, err := fromItem(*it)
		if err != nil {
			return err
		}
		if r.place != nil && r.place(a) != place {
			continue // updated since: it stands elsewhere in the order, and is met there
		}
		if err := r.s.gather(ctx, t, a); err != nil {
			return err
		}
		if !a.viewable(r.who) {
			continue
		}
		w := row{a, it.Sealed, own, r.keyed && i != spare, place}
		if ok, err := r.admits(ctx, &w); err != nil {
			return err
		} else if !ok {
			continue
		}
		r.rows = append(r.rows, w)
		if len(r.rows) == most {
			return nil
		}
	}
	return nil
}

// get reads any number of keys, as many requests side by side as it takes.
func (s *Accounts) get(ctx context.Context, keys []table.Key) ([][]table.Item, error) {
	if len(keys) <= table.MaxGet {
		items, err := s.table.Get(ctx, keys...)
		return [][]table.Item{items}, err
	}
	out := make([][]table.Item, (len(keys)+table.MaxGet-1)/table.MaxGet)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	n := 0
	for part := range slices.Chunk(keys, table.MaxGet) {
		at := &out[n]
		g.Go(func() (err error) {
			*at, err = s.table.Get(ctx, part...)
			return err
		})
		n++
	}
	return out, g.Wait()
}

// page reads rows up to the limit from the merge, and answers the position of the next page, "" at the end. Where most candidates were read
// and the page is still short, it ends there.
func (r *reader) page(ctx context.Context, m *merge, limit, most int) (next string, err error) {
	read := 0
	for {
		batch, err := m.take(ctx, min(r.want(limit+1-len(r.rows)), most-read))
		if err != nil || len(batch) == 0 {
			return "", err
		}
		if err := r.read(ctx, batch, limit+1); err != nil {
			return "", err
		}
		read += len(batch)
		if len(r.rows) > limit {
			r.rows = r.rows[:limit]
			return r.rows[limit-1].place, nil
		}
		if read >= most {
			return batch[len(batch)-1], nil
		}
	}
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
		if w := &r.rows[i]; !w.asked {
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
