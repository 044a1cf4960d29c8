package budget

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/steward-crm/steward/infra/bench/engine/steward"
	"github.com/steward-crm/steward/infra/bench/measure"
	"github.com/steward-crm/steward/infra/bench/oracle"
	"github.com/steward-crm/steward/infra/bench/workload"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/table/metered"
)

// memory is what counting keeps of each account. Copies show it, because the rest of the heap moves by more than one of them takes.
func (r *Rows) memory(_ context.Context, e *steward.Engine) error {
	const copies = 10
	var kept []*account.Accounts
	before := measure.Heap()
	for range copies {
		s, err := e.Another()
		if err != nil {
			return err
		}
		kept = append(kept, s)
	}
	each := (float64(measure.Heap()) - float64(before)) / copies / float64(len(r.plan.World.Accounts))
	runtime.KeepAlive(kept)
	r.most("memory of the counts, an account", fmt.Sprintf("%.0f B", each), fmt.Sprintf("%d B", memory), each <= memory)
	return nil
}

func (r *Rows) compiling(ctx context.Context, e *steward.Engine) error {
	took, _, err := measure.Timed(r.plan.Budget, func(int) error { return e.Compile(ctx, 0) })
	r.free("the director's rights and all that they stand on, read and compiled anew", measure.Short(took))
	return err
}

// changed is the role that a change is previewed of and made to: the one with the most holders.
func changed(w *workload.World) int {
	held := make([]int, len(w.Roles))
	for _, u := range w.Users {
		for _, r := range u.Roles {
			held[r]++
		}
	}
	return slices.Index(held, slices.Max(held))
}

// few is a page that is full for everybody whose lists are measured, from 10,000 accounts on.
const few = 20

// small measures first pages of few.
func (r *Rows) small(_ context.Context, e *steward.Engine) error {
	for i, who := range r.plan.People {
		var err error
		r.pages[i].small, _, err = measure.Timed(r.plan.Budget, func(int) error {
			got, err := e.FirstPage(who.User, few)
			if err == nil && !slices.Equal(got, r.plan.Visible[i][:min(few, len(r.plan.Visible[i]))]) {
				err = fmt.Errorf("the page %v is not the oracle's", got)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// byStatus measures counts by a field that no index entry has.
func (r *Rows) byStatus(_ context.Context, e *steward.Engine) error {
	for i, who := range r.plan.People {
		took, _, err := measure.Timed(r.plan.Budget, func(int) error {
			got, err := e.ByStatus(who.User)
			if err == nil && got != len(r.plan.Visible[i]) {
				err = fmt.Errorf("counted %d by status, the oracle %d", got, len(r.plan.Visible[i]))
			}
			return err
		})
		if err != nil {
			return err
		}
		r.most("counts by status, "+who.Name, measure.Short(took), "1 ms", took <= count)
	}
	return nil
}

func (r *Rows) previews(ctx context.Context, e *steward.Engine) error {
	role := changed(r.plan.World)
	users, gaining, exact, err := e.Preview(ctx, role)
	if err != nil {
		return err
	}
	took, _, err := measure.Timed(2*r.plan.Budget, func(int) error {
		_, _, _, err := e.Preview(ctx, role)
		return err
	})
	what := fmt.Sprintf("preview of the %s's view, own to department: %d hold it, %d gain accounts", r.plan.World.Roles[role].Name, users, gaining)
	r.most(what, measure.Short(took), measure.Short(previews), took <= previews && exact)
	return err
}

func (r *Rows) changing(ctx context.Context, e *steward.Engine) error {
	f, accounts, inForce, err := e.ChangeRole(ctx, changed(r.plan.World))
	measured := fmt.Sprintf("%d transaction, %d writes, %d accounts, in force: %t", f.Commits, f.Writes, accounts, inForce)
	r.most("that change, made", measured, "1 transaction, 0 accounts, in force on the next request", f.Commits == 1 && accounts == 0 && inForce)
	return err
}

// away is how far the table is for counting rounds: long enough that what is sent together is sent before the first is answered.
const away = 10 * time.Millisecond

// compared is how many pages of each group are held to the oracle, which looks at every account.
const compared = 40

// distant measures first pages in the units of DynamoDB, of people by what they see and of users drawn at random.
func (r *Rows) distant(ctx context.Context, e *steward.Engine) error {
	w, draw := r.plan.World, rand.New(rand.NewPCG(1, 2))
	chart, far := w.Chart(), e.Away(away)
	some := func(fits func(u workload.UserID) bool) []workload.UserID {
		var out []workload.UserID
		for _, u := range draw.Perm(len(w.Users)) {
			if len(out) < 200 && fits(workload.UserID(u)) {
				out = append(out, workload.UserID(u))
			}
		}
		return out
	}
	sees := func(s workload.Scope, from, to int) func(workload.UserID) bool {
		return func(u workload.UserID) bool {
			n := len(chart.Reports[u])
			return chart.Widest[u][workload.View] == s && n >= from && n <= to
		}
	}
	for _, group := range []struct {
		name  string
		users []workload.UserID
	}{
		{"200 users drawn at random", some(func(workload.UserID) bool { return true })},
		{"those who see their own", some(sees(workload.Own, 0, 1000))},
		{"managers of up to 14", some(sees(workload.Reports, 0, 14))},
		{"managers of 15 to 60", some(sees(workload.Reports, 15, 60))},
		{"those who see their department", some(sees(workload.Department, 0, 1000))},
		{"those who see a subtree", some(sees(workload.Subtree, 0, 1000))},
		{"those who see all", some(sees(workload.All, 0, 1000))},
	} {
		all := make([]metered.Figures, len(group.users))
		for i, u := range group.users {
			page, cost, err := far.Cost(ctx, u, measure.Page)
			if err != nil {
				return err
			}
			if all[i] = cost; i < compared && !slices.Equal(page, oracle.First(w, u, measure.Page)) {
				return fmt.Errorf("%s: the page of user %d is not the oracle's", group.name, u)
			}
		}
		if len(all) > 0 {
			r.cost(group.name, all)
		}
	}
	return nil
}

func (r *Rows) cost(name string, all []metered.Figures) {
	queries := at95(all, func(f *metered.Figures) float64 { return float64(f.Queries) })
	index := at95(all, func(f *metered.Figures) float64 { return f.IndexUnits })
	rounds := at95(all, func(f *metered.Figures) float64 { return float64(f.Rounds) })
	rows := at95(all, func(f *metered.Figures) float64 { return f.GetUnits })
	what := fmt.Sprintf("first page at DynamoDB, p95 of %s (%d): index", strings.TrimSpace(name), len(all))
	measured := fmt.Sprintf("%.0f requests, %.1f units; with the rows %.0f rounds", queries, index, rounds)
	r.most(what, measured, fmt.Sprintf("%d requests in one round, %d units; 2 rounds", requests, units), queries <= requests && index <= units && rounds <= 2)
	r.free("… strong reads of the rows and their keys", fmt.Sprintf("%.0f units", rows))
}

// at95 is the value that 95 of 100 do not exceed.
func at95(all []metered.Figures, of func(*metered.Figures) float64) float64 {
	x := make([]float64, len(all))
	for i := range all {
		x[i] = of(&all[i])
	}
	slices.SortFunc(x, cmp.Compare[float64])
	return x[(len(x)*95+99)/100-1]
}
