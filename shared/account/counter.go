package account

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
)

// Counters keep the counts of every tenant's accounts, from the change feed: a turn reads changes after its position and commits the counts
// that they change together with the position after them, so that each change counts exactly once though it may be delivered twice. The
// position's version is the guard: of two processes that take a turn at once, one commits. Recount sets right what no turn can know.
// Safe for concurrent use.
type Counters struct {
	table table.Table
	feed  table.Feed
	most  int // bytes of one shard's document
	room  int // bytes of the shards that one turn writes

	lag   time.Duration // by which the feed may show a commit later than a read from the table does
	pause func(context.Context, time.Duration) error

	mu sync.Mutex // one turn, or one owner's recount, at a time
}

// NewCounters returns the counts that lie in the table and follow its feed.
func NewCounters(t table.Table, f table.Feed) *Counters {
	return &Counters{table: t, feed: f, most: maxShard, room: maxTurn}
}

// Lagging has the counters allow for a feed of several shards that shows a commit up to so long after it is done: what they know is older by that,
// and a recount waits for it, by pause, where what it read and what the feed says differ. A nil pause is a wait by the wall clock. It is called before
// anything else.
func (c *Counters) Lagging(lag time.Duration, pause func(context.Context, time.Duration) error) *Counters {
	if c.lag, c.pause = lag, pause; pause == nil {
		c.pause = wait
	}
	return c
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Bounds of counting.
const (
	perTurn   = 1000            // changes of one turn
	someTurn  = perTurn / 4     // so many are not read twice, though they change no count
	maxShard  = 300 * 1024      // bytes of a shard; a tenant whose tallies need more is not counted
	maxTurn   = 3 << 20         // bytes of the shards that one turn writes
	pace      = time.Second / 4 // between turns: one commit for all that came meanwhile
	staleness = time.Minute     // by which what is known may be older than what was read
	feedKeeps = 20 * time.Hour  // changes are surely read that are younger
	drains    = 200             // turns before a recount, to be near the end of the feed
	tailReads = 20              // reads of the feed after a recount
	tries     = 5               // against another process
)

// counterPosition says how far the feed was read.
var counterPosition = key.Control("FEED", "accounts")

type positionDoc struct {
	After string    `json:"after"`
	At    time.Time `json:"at"`             // of the last change that was read; later when there was no other
	Again time.Time `json:"again,omitzero"` // when the feed was begun again: what is older may be in the counts twice until it is recounted
	Epoch int64     `json:"epoch"`          // grows when changes may have been missed: then all is counted again
}

// stateDoc is how far the counts of a tenant are.
type stateDoc struct {
	Epoch    int64   `json:"epoch,omitzero"` // counts are complete when it is the position's
	Full     int64   `json:"full,omitzero"`  // epoch in which the tenant had too many tallies, and was given up
	After    string  `json:"after"`          // position of the last change that is in the counts
	Versions []int64 `json:"versions"`       // of the shards' items; 0 for one that there is none of

	Recount struct { // one that is under way
		Epoch int64   `json:"epoch,omitzero"`
		Next  id.User `json:"next,omitzero"` // the last owner who was counted
	} `json:"recount,omitzero"`
}

// complete reports whether the counts are all there.
func (d *stateDoc) complete(p *positionDoc) bool {
	return d.Epoch != 0 && d.Epoch == p.Epoch && d.Full != p.Epoch && len(d.Versions) == counterShards
}

// Follow takes turns until the context ends.
func (c *Counters) Follow(ctx context.Context, now func() time.Time) error {
	for {
		changed := c.feed.Changed()
		n, err := c.Advance(ctx, now())
		if err != nil && !fault.IsKind(err, fault.Unavailable) {
			return err
		}
		if n == perTurn {
			continue
		}
		if n == 0 {
			select {
			case <-ctx.Done():
				return nil
			case <-changed:
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pace):
		}
	}
}

// Advance takes one turn and answers how many changes it has done with; 0 says that the counts are up to date.
func (c *Counters) Advance(ctx context.Context, now time.Time) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.advance(ctx, now)
}

func (c *Counters) advance(ctx context.Context, now time.Time) (int, error) {
	t, err := c.begin(ctx)
	if err != nil {
		return 0, err
	}
	changes, next, err := c.feed.Changes(ctx, t.pos.After, perTurn)
	unknown := t.pos.After != "" && fault.Is(err, "position_unknown")
	if unknown {
		changes, next, err = c.feed.Changes(ctx, "", perTurn)
	}
	if err != nil {
		return 0, err
	}
	shown := now.Add(-c.lag) // all that was committed by then
	first, last := now, shown
	if len(changes) > 0 {
		first, last = changes[0].At, c.shown(changes[len(changes)-1].At, shown)
	}
	// The first change after a position that is not too old is the commit of that position itself, at about its time. Where a feed has shards, that
	// says nothing of those which the position does not lie in.
	lost := t.version > 0 && (unknown || first.Sub(t.pos.At) > feedKeeps || c.lag > 0 && now.Sub(t.pos.At) > feedKeeps)
	if unknown {
		t.pos.Again = now.UTC()
	}
	if lost || t.version == 0 {
		t.pos.Epoch++
	}
	all, err := moves(changes)
	if err != nil {
		return 0, err
	}
	still := !slices.ContainsFunc(all, func(m move) bool { return !m.idle() })
	if still && !lost && t.version > 0 && len(changes) < someTurn {
		more, _, err := c.feed.Changes(ctx, next, 1)
		if err != nil {
			return 0, err
		}
		if len(more) == 0 {
			if last = shown; now.Sub(t.pos.At) < staleness {
				return 0, nil // a position moved for nothing is a change, too, which would never end
			}
		}
	}
	taken := all
	for {
		taken = t.fit(taken)
		ok, err := t.apply(ctx, taken)
		if err != nil {
			return 0, err
		}
		if ok || len(taken) < 2 {
			break
		}
		taken = taken[:len(taken)/2]
	}
	done := len(changes)
	if len(taken) < len(all) { // the rest is for the next turn
		done = 1 + slices.IndexFunc(changes, func(x table.Change) bool { return x.Position == taken[len(taken)-1].position })
		next, last = changes[done-1].Position, c.shown(changes[done-1].At, shown)
	}
	t.pos.After, t.pos.At = next, later(t.pos.At, last)
	err = t.commit(ctx)
	if _, moved := errors.AsType[*table.ConditionFailed](err); moved {
		return done, nil // another process took this turn
	}
	return done, err
}

// shown is up to when all is read that the feed had by the time of its last change: over a feed that lags no more than it surely shows.
func (c *Counters) shown(last, most time.Time) time.Time {
	if c.lag > 0 && last.After(most) {
		return most
	}
	return last
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b.UTC()
	}
	return a
}
