package metered

import (
	"context"
	"errors"
	"sync"

	"github.com/steward-crm/steward/shared/table"
)

// DynamoDB bills reads by 4 KB and writes by 1 KB; a transaction writes twice, to prepare and to commit (2026-11):
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
const (
	readUnit      = 4 * 1024
	writeUnit     = 1024
	transactional = 2
)

// Cost adds up what the requests of a context cost. Count makes it. It is safe for concurrent use.
type Cost struct {
	above *Cost // what the context counted for already

	mu       sync.Mutex
	figures  Figures
	answered int // the last round of which a request was answered
}

// Figures are a Cost at one moment. A request that failed counts among the requests and costs nothing else; a commit whose conditions did
// not hold costs what it would have written, as a conditional write does at DynamoDB.
type Figures struct {
	Gets    int // requests
	Queries int
	Commits int
	Scans   int // calls of Scan; what one reads is not counted, and it is part of no round
	Rounds  int // how often the work waited: a request belongs to the round after the last that was answered when it started

	Keys   int // asked for by Get
	Rows   int // items answered by Get and Query
	Writes int // of commits: puts, deletes and checks

	// Read units, strongly consistent but for IndexUnits. Each item of a Get counts by itself, a missing one as the smallest; the items of
	// a page of a Query count together.
	GetUnits   float64
	QueryUnits float64 // of the base
	IndexUnits float64 // eventually consistent: half a unit for each 4 KB

	// Write units. A Delete or a Check counts as the smallest item. A Put counts one more for each index that the item appears in: an entry
	// that stays costs none at DynamoDB, one that moves costs two.
	WriteUnits int
}

// Requests is how many requests there were, without scans.
func (f Figures) Requests() int { return f.Gets + f.Queries + f.Commits }

// ReadUnits is the sum of the read units.
func (f Figures) ReadUnits() float64 { return f.GetUnits + f.QueryUnits + f.IndexUnits }

type counting struct{}

// Count gives a context whose requests, and those of contexts made from it, add to the Cost. One Cost within another adds to both.
func Count(ctx context.Context) (context.Context, *Cost) {
	above, _ := ctx.Value(counting{}).(*Cost)
	c := &Cost{above: above}
	return context.WithValue(ctx, counting{}, c), c
}

// Figures gives what was counted so far. A request counts when it is answered; its round, when it starts.
func (c *Cost) Figures() Figures {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.figures
}

// request is one in flight, as one Cost sees it.
type request struct {
	cost  *Cost
	round int
	above *request // the same as the Cost above sees it
}

// begin opens a request in the context's Cost and those above it; nil is a request that nobody counts.
func begin(ctx context.Context) (first *request) {
	c, _ := ctx.Value(counting{}).(*Cost)
	for at := &first; c != nil; c = c.above {
		c.mu.Lock()
		*at = &request{cost: c, round: c.answered + 1}
		c.figures.Rounds = max(c.figures.Rounds, c.answered+1)
		c.mu.Unlock()
		at = &(*at).above
	}
	return first
}

func (r *request) end(add func(*Figures)) {
	for ; r != nil; r = r.above {
		r.cost.mu.Lock()
		r.cost.answered = max(r.cost.answered, r.round)
		add(&r.cost.figures)
		r.cost.mu.Unlock()
	}
}

func addScan(ctx context.Context) {
	c, _ := ctx.Value(counting{}).(*Cost)
	for ; c != nil; c = c.above {
		c.mu.Lock()
		c.figures.Scans++
		c.mu.Unlock()
	}
}

func (f *Figures) addGet(keys int, items []table.Item) {
	f.Keys += keys
	f.Rows += len(items)
	f.GetUnits += float64(keys - len(items))
	for i := range items {
		f.GetUnits += float64(units(items[i].Size(), readUnit))
	}
}

func (f *Figures) addQuery(n table.Index, items []table.Item) {
	f.Rows += len(items)
	size := 0
	for i := range items {
		size += items[i].Size()
	}
	if u := float64(units(size, readUnit)); n == table.Base {
		f.QueryUnits += u
	} else {
		f.IndexUnits += u / 2
	}
}

func (f *Figures) addCommit(writes []table.Write) {
	f.Writes += len(writes)
	for i := range writes {
		size := 0
		if w := &writes[i]; w.Op == table.OpPut {
			size = w.Item.Size()
			f.WriteUnits += len(w.Item.Index)
		}
		f.WriteUnits += transactional * units(size, writeUnit)
	}
}

// tried reports whether a commit with this answer came as far as its conditions.
func tried(err error) bool {
	_, failed := errors.AsType[*table.ConditionFailed](err)
	return err == nil || failed
}

// units is how many units of the size hold the bytes; the smallest is one.
func units(bytes, size int) int { return max(1, (bytes+size-1)/size) }
