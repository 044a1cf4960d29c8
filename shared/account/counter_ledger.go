package account

import (
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

// ledger is a shard of tallies as it is read: what a reader may view is found in it without looking at all of it.
type ledger struct {
	tallies
	within map[id.Department][]int32 // the places of a department's
	sum    tally                     // of all; without a key
}

func ledgerOf(s tallies) ledger {
	l := ledger{tallies: s, within: map[id.Department][]int32{}}
	for i := range s {
		l.sum.add(&s[i], 1)
		if d := s[i].Department; d != "" {
			l.within[d] = append(l.within[d], int32(i))
		}
	}
	return l
}

// each calls f with what the reader may view but for grants on records, as survey.each says. It looks where policy.ReachOf points, which is
// wherever policy.Decide may say yes, and asks that of each tally, except for those who view everything.
func (s *shelved) each(who *policy.Subject, apart bool, f func(c *tally, times int)) {
	reach := policy.ReachOf(who, policy.ModAccount, policy.View)
	all := policy.May(who, policy.ModAccount, policy.View) == policy.All
	switch {
	case all && !apart:
		for n := range s.shards {
			f(&s.shards[n].sum, 1)
		}
	case reach.All || len(reach.Categories) > 0: // a default or a category may open any
		for n := range s.shards {
			for i := range s.shards[n].tallies {
				if c := &s.shards[n].tallies[i]; all || allows(who, c.resource(who.Tenant)) {
					f(c, 1)
				}
			}
		}
	default:
		s.reached(who, reach, f)
	}
}

// reached calls f with what scopes open: what the owners have, then what lies in the departments and is none of theirs.
func (s *shelved) reached(who *policy.Subject, reach policy.Reach, f func(c *tally, times int)) {
	for _, u := range reach.Owners {
		mine := s.shards[counterShard(u)].of(u)
		for i := range mine {
			if allows(who, mine[i].resource(who.Tenant)) {
				f(&mine[i], 1)
			}
		}
	}
	for n := range s.shards {
		l := &s.shards[n]
		for _, d := range reach.Departments {
			for _, i := range l.within[d] {
				c := &l.tallies[i]
				if is := policy.Decide(who, policy.ModAccount, policy.View, c.resource(who.Tenant)); is.Allowed && is.Scope >= policy.Department {
					f(c, 1)
				}
			}
		}
	}
}
