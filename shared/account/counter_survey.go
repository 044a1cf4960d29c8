package account

import (
	"context"
	"slices"
	"time"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

// survey is what a reader may view, counted: tallies that decisions without grants on records allow, and the accounts that those grants add
// or take away.
type survey struct {
	who     *policy.Subject
	tallies *standing // nil: nothing was surveyed, for the reason
	fixes   []fix
	asOf    time.Time // zero: now
	why     Why       // "": all is in it; else there is at least what is in it
}

// fix is one account that a grant on it adds, or takes away: times is 1 or -1.
type fix struct {
	*tally
	times int
}

// one is an account of which nothing is asked but that it is one.
var one = &tally{n: 1}

// each calls f with every tally that counts, and how often it does. Unless they are to come apart, several may come as one that is their sum and
// says nothing of owner, department or categories.
func (v *survey) each(apart bool, f func(c *tally, times int)) {
	if v == nil || v.tallies == nil {
		return
	}
	t := v.who.Tenant
	v.tallies.each(v.who, apart, f)
	for i := range v.tallies.pending {
		m := &v.tallies.pending[i]
		if m.idle() {
			continue
		}
		if m.before != nil && allows(v.who, m.before.resource(t)) {
			f(m.before, -1)
		}
		if m.after != nil && allows(v.who, m.after.resource(t)) {
			f(m.after, 1)
		}
	}
	for _, x := range v.fixes {
		f(x.tally, x.times)
	}
}

// answers reports whether a count of n is to go by the survey: when it is of now, or of more accounts than are quickly looked up.
func (v *survey) answers(n, few int) bool {
	return v != nil && v.tallies != nil && (v.why == "" && v.asOf.IsZero() || n >= few)
}

// reason is why a count that did not go by the survey may end short.
func (v *survey) reason() Why {
	if v == nil || v.why == "" {
		return CountersBehind
	}
	return v.why
}

func allows(who *policy.Subject, r policy.Resource) bool {
	return policy.Allows(who, viewAccount, &r)
}

// survey surveys for the reader; whole says that of each account that grants add or take away its tally is asked for, and not only that it is
// one. nil when the counters are not there. Index entries say whom grants concern: while the counters are of now, a change of an account
// with grants between reading the two makes it begin again.
func (s *Accounts) survey(ctx context.Context, who *policy.Subject, whole bool) (*survey, error) {
	for range tries {
		n, err := s.counts(ctx, who.Tenant)
		if err != nil || n == nil {
			return nil, err
		}
		v := &survey{who: who, tallies: n, asOf: n.asOf}
		g, err := s.concerns(ctx, who)
		if err != nil {
			return nil, err
		}
		if g == nil {
			return &survey{who: who, why: TooManyGrants}, nil
		}
		if g.more {
			v.why = TooManyGrants
		}
		if v.fixes, err = s.fixes(ctx, who, g, whole); err != nil {
			return nil, err
		}
		if !n.asOf.IsZero() {
			return v, nil
		}
		still, err := s.still(ctx, n, who.Tenant)
		if err != nil || still {
			return v, err
		}
	}
	return nil, nil
}

// still reports whether no account with grants has changed since the counts were read.
func (s *Accounts) still(ctx context.Context, n *standing, t id.Tenant) (bool, error) {
	changes, _, err := s.feed.Changes(ctx, n.end, perTurn)
	if err != nil {
		return false, err
	}
	all, err := moves(changes)
	return err == nil && len(changes) < perTurn && !slices.ContainsFunc(all, func(m move) bool { return m.tenant == t && m.granted }), err
}
