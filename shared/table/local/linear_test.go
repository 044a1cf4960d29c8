package local_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
	"github.com/steward-crm/steward/shared/table/local/localtest"
)

// cells are all that the linearizability test stores: a few items, each with its version and a value. Version 0: not there.
type cells [3]struct {
	version int64
	value   string
}

type (
	request struct { // a Get of all cells, or a Commit
		commit bool
		writes []cellWrite
	}
	cellWrite struct {
		cell int
		op   table.Op
		cond table.Cond
		val  string
	}
	reply struct {
		read   cells // of a Get
		failed []int // of a Commit
	}
)

func (w cellWrite) write() table.Write {
	return table.Write{Op: w.op, If: w.cond, Item: table.Item{Key: cellKey(w.cell), Doc: fmt.Appendf(nil, `{"v":"%s"}`, w.val)}}
}

func cellKey(i int) table.Key { return table.Key{PK: fmt.Sprint("cell", i), SK: "s"} }

func (c *cells) holds(w cellWrite) bool {
	x := c[w.cell]
	switch w.cond.Kind {
	case table.CondAbsent:
		return x.version == 0
	case table.CondPresent:
		return x.version > 0
	case table.CondVersion:
		return x.version > 0 && x.version == w.cond.Version
	case table.CondEquals:
		return x.version > 0 && x.value == w.cond.Value
	default:
		return true
	}
}

// sequential is the table as one after the other would use it.
var sequential = porcupine.Model{
	Init: func() any { return cells{} },
	Step: func(state, input, output any) (bool, any) {
		c, in, out := state.(cells), input.(request), output.(reply)
		if !in.commit {
			return c == out.read, c
		}
		var failed []int
		for i, w := range in.writes {
			if !c.holds(w) {
				failed = append(failed, i)
			}
		}
		if !slices.Equal(failed, out.failed) {
			return false, c
		}
		if failed != nil {
			return true, c
		}
		for _, w := range in.writes {
			switch w.op {
			case table.OpPut:
				c[w.cell].version++
				c[w.cell].value = w.val
			case table.OpDelete:
				c[w.cell].version, c[w.cell].value = 0, ""
			}
		}
		return true, c
	},
}

func readCells(ctx context.Context, s table.Table) (out cells, err error) {
	items, err := s.Get(ctx, cellKey(0), cellKey(1), cellKey(2))
	for _, it := range items {
		i := int(it.PK[len("cell")] - '0')
		out[i].version = it.Version
		out[i].value = string(it.Doc[len(`{"v":"`) : len(it.Doc)-len(`"}`)])
	}
	return out, err
}

func drawCommit(r *rand.Rand, seen cells, tag string) (in request) {
	in.commit = true
	for _, cell := range r.Perm(3)[:1+r.IntN(3)] {
		w := cellWrite{cell: cell, val: tag}
		w.cond = []table.Cond{
			table.Always, table.Absent, table.Present,
			table.VersionIs(seen[cell].version), table.VersionIs(seen[cell].version), table.Equals("v", seen[cell].value),
		}[r.IntN(6)]
		w.op = []table.Op{table.OpPut, table.OpPut, table.OpPut, table.OpDelete, table.OpCheck}[r.IntN(5)]
		in.writes = append(in.writes, w)
	}
	return in
}

// history has clients use the table at once, and gives what each asked and got and when.
func history(t *testing.T, s table.Table, seed uint64) []porcupine.Operation {
	const clients, each = 6, 80
	var mu sync.Mutex
	var ops []porcupine.Operation
	var g sync.WaitGroup
	start := time.Now()
	for c := range clients {
		g.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(c)))
			var seen cells
			for i := range each {
				op := porcupine.Operation{ClientId: c, Call: int64(time.Since(start))}
				out := reply{}
				if r.IntN(3) == 0 {
					op.Input = request{}
					var err error
					if seen, err = readCells(t.Context(), s); err != nil {
						t.Error(err)
						return
					}
					out.read = seen
				} else {
					tag := fmt.Sprintf("%d-%d", c, i)
					in := drawCommit(r, seen, tag)
					op.Input = in
					failed, err := commitCells(t.Context(), s, r, fmt.Sprint(seed, tag), in)
					if err != nil {
						t.Error(err)
						return
					}
					out.failed = failed
				}
				op.Return, op.Output = int64(time.Since(start)), out
				mu.Lock()
				ops = append(ops, op)
				mu.Unlock()
			}
		})
	}
	g.Wait()
	return ops
}

// commitCells says the commit until the answer is sure: its reply may be lost, its context may end.
func commitCells(ctx context.Context, s table.Table, r *rand.Rand, token string, in request) (failed []int, err error) {
	var writes []table.Write
	for _, w := range in.writes {
		writes = append(writes, w.write())
	}
	for {
		attempt, cancel := ctx, context.CancelFunc(func() {})
		if r.IntN(5) == 0 {
			attempt, cancel = context.WithTimeout(ctx, time.Duration(r.IntN(300))*time.Microsecond)
		}
		err := s.Commit(attempt, token, writes...)
		cancel()
		if fault.IsKind(err, fault.Unavailable) {
			continue
		}
		if f, ok := errors.AsType[*table.ConditionFailed](err); ok {
			for _, w := range f.Failed {
				failed = append(failed, w.Write)
			}
			return failed, nil
		}
		return nil, err
	}
}

func lossy() *local.Faults {
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(1, 2))
	now := func(n int) bool {
		mu.Lock()
		defer mu.Unlock()
		return r.IntN(n) == 0
	}
	return &local.Faults{
		Before: func(c local.Call) error {
			if c.Op == "commit" && now(10) {
				return local.Conflict()
			}
			return nil
		},
		After: func(local.Call) error {
			if now(4) {
				return local.Lost()
			}
			return nil
		},
	}
}

// TestLinearizable has clients race with lost replies, ended contexts and repeated tokens. Some order of all answers must explain them.
func TestLinearizable(t *testing.T) {
	for seed := range uint64(5) {
		s := localtest.OpenFaulty(t, time.Now, lossy())
		if !porcupine.CheckOperations(sequential, history(t, s, seed)) {
			t.Fatalf("seed %d: no order explains the answers", seed)
		}
	}
}

// forgetful is a table whose commits have no token that anybody remembers: what moto does.
type forgetful struct {
	table.Table
	mu sync.Mutex
	n  int
}

func (f *forgetful) Commit(ctx context.Context, token string, w ...table.Write) error {
	f.mu.Lock()
	f.n++
	token = fmt.Sprint(token, "#", f.n)
	f.mu.Unlock()
	return f.Table.Commit(ctx, token, w...)
}

// stale is a table that reads what it read before.
type stale struct {
	table.Table
	mu  sync.Mutex
	was []table.Item
}

func (f *stale) Get(ctx context.Context, k ...table.Key) ([]table.Item, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	is, err := f.Table.Get(ctx, k...)
	is, f.was = f.was, is
	return is, err
}

// TestLinearizableFinds shows that the test above fails for a table that is not.
func TestLinearizableFinds(t *testing.T) {
	for what, broken := range map[string]func(table.Table) table.Table{
		"forgotten tokens": func(t table.Table) table.Table { return &forgetful{Table: t} },
		"stale reads":      func(t table.Table) table.Table { return &stale{Table: t} },
	} {
		found := false
		for seed := range uint64(5) {
			s := broken(localtest.OpenFaulty(t, time.Now, lossy()))
			found = found || !porcupine.CheckOperations(sequential, history(t, s, seed))
		}
		if !found {
			t.Errorf("%s were not found", what)
		}
	}
}
