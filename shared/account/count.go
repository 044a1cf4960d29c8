package account

import (
	"context"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// count counts by the indexes alone where no filter needs more than they say, else by reading.
func (s *Accounts) count(ctx context.Context, who *policy.Subject, q *Query) (Count, error) {
	from, err := s.plan(ctx, who, q)
	if err != nil {
		return Count{}, err
	}
	m, err := s.merge(ctx, from, false, "", 1000)
	if err != nil {
		return Count{}, err
	}
	if !q.filtered() {
		return s.countEntries(ctx, who, m)
	}
	r := s.reader(who, q)
	for read := 0; read < maxRead; {
		batch, err := m.take(ctx, table.MaxGet)
		if err != nil {
			return Count{}, err
		}
		if len(batch) == 0 {
			return Count{Value: len(r.rows), Exact: true}, nil
		}
		if err := r.read(ctx, batch, maxRead); err != nil {
			return Count{}, err
		}
		read += len(batch)
	}
	return Count{Value: len(r.rows)}, nil
}

// countEntries counts index entries, less those that a grant denies.
func (s *Accounts) countEntries(ctx context.Context, who *policy.Subject, m *merge) (Count, error) {
	denied, err := s.denied(ctx, who)
	if err != nil {
		return Count{}, err
	}
	n := 0
	for {
		batch, err := m.take(ctx, table.MaxLimit)
		if err != nil {
			return Count{}, err
		}
		for _, place := range batch {
			if !denied[accountIn(place)] {
				n++
			}
		}
		if len(batch) == 0 {
			return Count{Value: n, Exact: true}, nil
		}
		if n > maxCount {
			return Count{Value: maxCount}, nil
		}
	}
}

// denied are the accounts whose view some grant switches off for the reader, whether or not anything else lets them see those.
func (s *Accounts) denied(ctx context.Context, who *policy.Subject) (map[id.Account]bool, error) {
	out := map[id.Account]bool{}
	reach := policy.ReachOf(who, policy.ModAccount, policy.View)
	for _, to := range reach.Denying {
		note := func(e *key.Entry) {
			if g := marked(to, e.Marks); policy.Closes(who, policy.ModAccount, policy.View, &g) {
				out[e.Account] = true
			}
		}
		for _, pk := range []string{key.GranteeAccounts(who.Tenant, string(to)), key.OverflowAccounts(who.Tenant, string(to))} {
			if err := s.entries(ctx, pk, note); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// entries calls each with every entry of the partition of G2.
func (s *Accounts) entries(ctx context.Context, pk string, each func(*key.Entry)) error {
	q := table.Query{Index: table.G2, PK: pk, Limit: table.MaxLimit}
	for {
		p, err := s.table.Query(ctx, q)
		if err != nil {
			return err
		}
		for i := range p.Items {
			if e, ok := key.EntryOf(p.Items[i].At.SK); ok {
				each(&e)
			}
		}
		if q.Cursor = p.Cursor; q.Cursor == "" {
			return nil
		}
	}
}
