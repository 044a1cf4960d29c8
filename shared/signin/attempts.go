package signin

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// The pace of attempts. Attempts are counted for each pair of an account (which need not exist) and a source, so nobody can lock somebody
// out from elsewhere; and failures for each source over all accounts, so nobody tries one password at everybody. A source from which the
// account signed in lately is not held back by what others do from there.
const (
	FreeAttempts  = 5                   // of a pair, before there are pauses
	FirstPause    = 2 * time.Second     // doubles with each further attempt
	LongestPause  = 15 * time.Minute    //
	Forgotten     = time.Hour           // without an attempt, and the pair begins anew
	GoodFor       = 30 * 24 * time.Hour // a source that signed in is known for this long
	SourceBurst   = 30                  // failures of one source, over all accounts
	SourceRefill  = 20 * time.Second    // gives one of them back
	sourcesKept   = 10_000              //
	counterTries  = 16                  // to write a counter that others write too
	partAttempts  = "ATT"
	pairPasswords = "password"
	pairCodes     = "reset"
)

// pair is the stored counter of attempts of one account from one source.
type pair struct {
	Count int       `json:"count"`
	Begun time.Time `json:"begun"` // of the first that Count counts
	Last  time.Time `json:"last"`
	Until time.Time `json:"until"` // the pause
	Good  time.Time `json:"good"`  // last success
}

func (p *pair) known(now time.Time) bool { return !p.Good.IsZero() && now.Before(p.Good.Add(GoodFor)) }

// begin counts one attempt more, or anew after a while.
func (p *pair) begin(now time.Time) {
	if now.Sub(p.Last) >= Forgotten {
		p.Count, p.Begun = 0, now
	}
	p.Count, p.Last = p.Count+1, now
	if over := p.Count - FreeAttempts; over > 0 {
		p.Until = now.Add(min(FirstPause<<min(over-1, 20), LongestPause))
	}
}

// attempt is one that was counted and awaits its verdict.
type attempt struct {
	desk   *Desk
	key    table.Key
	source string
	at     time.Time // when it was counted
	taken  bool      // from the source's failures, once
}

// network is what counts as one source: an IPv4 address, or the /64 that one IPv6 customer has to themselves (RFC 6177).
func network(source string) string {
	a, err := netip.ParseAddr(source)
	if err != nil {
		return source
	}
	if a = a.Unmap(); a.Is4() {
		return a.String()
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return source
	}
	return p.String()
}

func counterKey(k *secretKeys, purpose, account, source string) table.Key {
	return key.Control(partAttempts+"#"+k.digest(purpose, account, source), partAttempts)
}

// take spends one of the source's failures in advance, once an attempt, and says how long the source has to wait when there is none.
func (a *attempt) take(now time.Time) time.Duration {
	if a.taken {
		return 0
	}
	wait := a.desk.sources.take(a.source, now)
	a.taken = wait == 0
	return wait
}

func (a *attempt) giveBack() {
	if a.taken {
		a.taken = false
		a.desk.sources.giveBack(a.source)
	}
}

// attempt counts an attempt before anything is judged, so that a hundred at once are a hundred. Exhausted too_many_attempts, with the
// time to wait, when the pair or the source has to pause.
func (d *Desk) attempt(ctx context.Context, purpose, account, source string) (*attempt, error) {
	k, err := d.keys(ctx)
	if err != nil {
		return nil, err
	}
	source = network(source)
	a := &attempt{desk: d, key: counterKey(k, purpose, account, source), source: source}
	err = a.write(ctx, nil, func(p *pair, now time.Time) error {
		if now.Before(p.Until) {
			return paused(p.Until.Sub(now))
		}
		if wait := a.take(now); wait > 0 && !p.known(now) {
			return paused(wait)
		}
		p.begin(now)
		a.at = now
		return nil
	})
	return a, err
}

// failed leaves the attempt counted: the pause runs from the verdict. The event, when there is one, rides in the same commit; when the
// tenant is not known there is none, and the commit is still made, because its time would tell.
func (a *attempt) failed(ctx context.Context, who principal.Principal, e *audit.Event) error {
	return a.write(ctx, func(c *change.Set) {
		c.Who = who
		if e != nil {
			c.Record(*e)
		}
	}, func(p *pair, now time.Time) error {
		if now.Before(p.Until) {
			p.Until = p.Until.Add(now.Sub(a.at))
		}
		p.Last = now
		return nil
	})
}

// succeeded stages the pair's fresh start.
func (a *attempt) succeeded(c *change.Set) error {
	it, err := counter(a.key, pair{Begun: c.Now, Last: c.Now, Good: c.Now})
	if err != nil {
		return err
	}
	c.Put(it, table.Always, nil)
	c.After(func(context.Context) error { a.giveBack(); return nil })
	return nil
}

// undo takes the attempt back: the secret was right, and something else was in the way.
func (a *attempt) undo(ctx context.Context) error {
	a.giveBack()
	return a.write(ctx, nil, func(p *pair, _ time.Time) error {
		p.Count = max(p.Count-1, 0)
		if p.Count <= FreeAttempts {
			p.Until = time.Time{}
		}
		return nil
	})
}

// write changes the counter as it stands now.
func (a *attempt) write(ctx context.Context, with func(*change.Set), edit func(*pair, time.Time) error) error {
	d := a.desk
	for range counterTries {
		items, err := d.Table.Get(ctx, a.key)
		if err != nil {
			return err
		}
		var p pair
		cond := table.Absent
		if len(items) == 1 {
			if err := json.Unmarshal(items[0].Doc, &p); err != nil {
				return fault.New(fault.Internal, "internal").Because(err)
			}
			cond = table.VersionIs(items[0].Version)
		}
		c := change.New(principal.Principal{}, d.IDs, d.Now())
		if err := edit(&p, c.Now); err != nil {
			return err
		}
		it, err := counter(a.key, p)
		if err != nil {
			return err
		}
		c.Put(it, cond, nil)
		if with != nil {
			with(c)
		}
		if err := d.write(ctx, c); !errors.Is(err, change.ErrMoved) {
			return err
		}
	}
	return fault.New(fault.Unavailable, "busy").After(time.Second)
}

// write commits what may hold no event: counters are the desk's own book-keeping, and no tenant's data.
func (d *Desk) write(ctx context.Context, c *change.Set) error {
	writes, err := c.Writes()
	if err != nil {
		return err
	}
	err = d.Table.Commit(ctx, d.IDs.ULID(), writes...)
	if _, moved := errors.AsType[*table.ConditionFailed](err); moved {
		return change.ErrMoved
	}
	return err
}

func counter(k table.Key, p pair) (table.Item, error) {
	doc, err := json.Marshal(p)
	if err != nil {
		return table.Item{}, fault.New(fault.Internal, "internal").Because(err)
	}
	keep := Forgotten
	if !p.Good.IsZero() {
		keep = GoodFor
	}
	return table.Item{Key: k, Doc: doc, Expires: p.Last.Add(keep)}, nil
}

func paused(wait time.Duration) error {
	return fault.New(fault.Exhausted, "too_many_attempts").After(max(wait.Round(time.Second), time.Second))
}

// sources holds the failures of each source, in this process only: on Lambda every process has its own, so there the limit is a brake and
// the pairs in the table are the rule.
type sources struct {
	mu   sync.Mutex
	kept *lru.Cache[string, *bucket]
}

type bucket struct {
	left float64
	at   time.Time
}

func newSources() *sources {
	kept, err := lru.New[string, *bucket](sourcesKept)
	if err != nil {
		panic(err) // the size is a constant above zero
	}
	return &sources{kept: kept}
}

// take spends one failure in advance, or says how long the source has to wait.
func (s *sources) take(source string, now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.kept.Get(source)
	if !ok {
		b = &bucket{left: SourceBurst, at: now}
		s.kept.Add(source, b)
	}
	if gone := now.Sub(b.at); gone > 0 {
		b.left, b.at = min(SourceBurst, b.left+gone.Seconds()/SourceRefill.Seconds()), now
	}
	if b.left < 1 {
		return time.Duration((1 - b.left) * float64(SourceRefill))
	}
	b.left--
	return 0
}

// giveBack returns what a success did not need.
func (s *sources) giveBack(source string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, ok := s.kept.Get(source); ok {
		b.left = min(SourceBurst, b.left+1)
	}
}

func asConditionFailed(err error) (*table.ConditionFailed, bool) {
	return errors.AsType[*table.ConditionFailed](err)
}
