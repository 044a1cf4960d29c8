package policytest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

// mismatch is a question with two answers.
type mismatch struct {
	world     *World
	question  string
	got, want any
}

func (m *mismatch) Error() string {
	return fmt.Sprintf("%s\n  the system answers %v\n  the oracle answers %v", m.question, m.got, m.want)
}

// asker puts every question about one world.
type asker struct {
	ctx context.Context
	sys System
	Oracle
	tally *Tally
}

// ask asks all there is to ask. The error is a *mismatch, or what the system failed with.
func ask(ctx context.Context, sys System, w *World, n *Tally) error {
	k := &asker{ctx, sys, Oracle{w}, n}
	n.States++
	for _, u := range w.Users {
		for _, part := range []func(id.User) error{k.checks, k.rows, k.list, k.fields, k.search} {
			if err := part(u.ID); err != nil {
				return err
			}
		}
	}
	return k.viewers()
}

// differ answers nil when got is want, and counts the question.
func (k *asker) differ(same bool, got, want any, question string, args ...any) error {
	k.tally.Questions++
	if same {
		return nil
	}
	return &mismatch{k.World, fmt.Sprintf(question, args...), got, want}
}

func (k *asker) checks(u id.User) error {
	ex, explains := k.sys.(Explainer)
	for i := range len(k.Accounts) + 1 {
		a := nowhere
		if i < len(k.Accounts) {
			a = k.Accounts[i].ID
		}
		for _, p := range pairs {
			q := Question{u, p.Module, p.Action, a}
			want := k.Check(q)
			if want.Allowed {
				k.tally.Allowed[want.Rule]++
			} else {
				k.tally.Denied[want.Rule]++
			}
			got, err := k.sys.Check(k.ctx, q)
			if err == nil && got != want.Allowed {
				err = k.differ(false, got, fmt.Sprintf("%v, by rule %d", want.Allowed, want.Rule), "check: %s", q)
			}
			k.tally.Questions++
			if err != nil {
				return err
			}
			if !explains || a == nowhere {
				continue
			}
			why, err := ex.Explain(k.ctx, q)
			if err == nil && why != want {
				err = k.differ(false, why, want, "explain: %s", q)
			}
			k.tally.Questions++
			if err != nil {
				return err
			}
		}
	}
	return k.attempts(u)
}

func (k *asker) attempts(u id.User) error {
	at, ok := k.sys.(Attempter)
	if !ok {
		return nil
	}
	for i := range k.Accounts {
		a := k.Accounts[i].ID
		edit := Question{u, policy.ModAccount, policy.Update, a}
		add := Question{u, policy.ModContact, policy.Create, a}
		for q, want := range map[Question]bool{edit: k.Check(edit).Allowed, add: k.partOf(u, a, policy.Create)} {
			got, err := at.Attempt(k.ctx, q)
			if err == nil {
				err = k.differ(got == want, got, want, "attempt: %s", q)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// rows asks for every account and its contacts, as they are shown.
func (k *asker) rows(u id.User) error {
	if _, seen, err := k.sys.Get(k.ctx, u, nowhere); err != nil || seen {
		return orElse(err, k.differ(false, "one", "none", "get: %s asks for an account that is nowhere", short(u)))
	}
	cr, shows := k.sys.(ContactReader)
	for i := range k.Accounts {
		a := &k.Accounts[i]
		got, seen, err := k.sys.Get(k.ctx, u, a.ID)
		if err != nil {
			return err
		}
		may := k.Check(Question{u, policy.ModAccount, policy.View, a.ID}).Allowed
		if err := k.differ(seen == may, seen, may, "get: does %s see %s?", short(u), short(a.ID)); err != nil {
			return err
		}
		if seen {
			got, want := uncovered(got), k.Shown(u, a)
			if err := k.differ(maps.Equal(got, want), got, want, "get: what is %s shown of %s?", short(u), short(a.ID)); err != nil {
				return err
			}
		}
		if !shows {
			continue
		}
		list, seen, err := cr.Contacts(k.ctx, u, a.ID)
		if err != nil {
			return err
		}
		for j := range list {
			list[j] = uncovered(list[j])
		}
		want, may := k.Oracle.Contacts(u, a)
		same := seen == may && slices.EqualFunc(list, want, func(x, y Row) bool { return maps.Equal(x, y) })
		if err := k.differ(same, contactsSeen(list, seen), contactsSeen(want, may), "contacts: what is %s shown of those of %s?",
			short(u), short(a.ID)); err != nil {
			return err
		}
	}
	return nil
}

func contactsSeen(rows []Row, seen bool) any {
	if seen {
		return rows
	}
	return "none, as if there were none"
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// mostPages ends a list that never does.
const mostPages = 200

// pages reads the user's list to its end.
func (k *asker) pages(u id.User, limit int) ([]id.Account, error) {
	out := []id.Account{}
	after := ""
	for range mostPages {
		rows, next, err := k.sys.Page(k.ctx, u, after, limit)
		if err != nil {
			return nil, err
		}
		if len(rows) > limit {
			return nil, k.differ(false, len(rows), limit, "list: how many are on a page of %d for %s?", limit, short(u))
		}
		ids, err := k.listed(u, rows)
		if err != nil {
			return nil, err
		}
		out = append(out, ids...)
		if after = next; next == "" {
			return out, nil
		}
	}
	return nil, k.differ(false, "no end", len(k.Accounts), "list: %s reads page after page of %d", short(u), limit)
}

// listed gives the ids of rows, and holds what they show to the oracle.
func (k *asker) listed(u id.User, rows []Listed) ([]id.Account, error) {
	out := []id.Account{}
	for _, r := range rows {
		out = append(out, r.ID)
		a := k.Account(r.ID)
		if r.Row == nil || a == nil {
			continue
		}
		got, want := uncovered(r.Row), k.Shown(u, a)
		if err := k.differ(maps.Equal(got, want), got, want, "list: what is %s shown of %s in it?", short(u), short(r.ID)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (k *asker) list(u id.User) error {
	want := k.List(u)
	for _, limit := range []int{1, 3, 50} {
		got, err := k.pages(u, limit)
		if err != nil {
			return err
		}
		if err := k.differ(slices.Equal(got, want), shorts(got), shorts(want), "list: what does %s see, in pages of %d?", short(u), limit); err != nil {
			return err
		}
	}
	n, err := k.sys.Count(k.ctx, u)
	if err != nil {
		return err
	}
	return k.differ(n == len(want), n, len(want), "count: how many does %s see?", short(u))
}

func (k *asker) fields(u id.User) error {
	for m, fields := range fieldsOf {
		for _, f := range fields {
			for _, a := range []policy.Action{policy.View, policy.Create, policy.Update} {
				got, err := k.sys.Field(k.ctx, u, m, a, f)
				if err != nil {
					return err
				}
				want := k.Field(u, m, a, f)
				if err := k.differ(got == want, got, want, "field: what may %s do with %s.%s in %s?", short(u), m, f, a); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// filters are some that find something: what the accounts themselves are.
func (k *asker) filters() []Filter {
	var out []Filter
	for i := range k.Accounts {
		a := &k.Accounts[i]
		f := []Filter{
			{Owner: a.Owner},
			{Department: a.Department},
			{Status: a.Status, Type: a.Type},
			{ValueTier: a.ValueTier, Stage: a.Stage},
			{Owner: a.Owner, Department: a.Department, Type: a.Type},
			{NamePrefix: strings.ToUpper(a.Name[:min(len(a.Name), 3)])},
			{Email: a.Email},
		}[i%7]
		if len(a.Categories) > 0 && i%2 == 0 {
			f.Category = a.Categories[0]
		}
		if f != (Filter{}) && len(out) < 5 {
			out = append(out, f)
		}
	}
	return out
}

func (k *asker) search(u id.User) error {
	s, ok := k.sys.(Searcher)
	if !ok {
		return nil
	}
	for _, f := range k.filters() {
		rows, refused, err := s.Search(k.ctx, u, f)
		if err != nil {
			return err
		}
		want := k.Refused(u, f)
		if err := k.differ(refused == want, refused, want, "search: is %s refused %+v?", short(u), f); err != nil {
			return err
		}
		if refused {
			continue
		}
		got, err := k.listed(u, rows)
		if err != nil {
			return err
		}
		all := k.Search(u, f)
		if err := k.differ(slices.Equal(got, all), shorts(got), shorts(all), "search: what does %s find by %+v?", short(u), f); err != nil {
			return err
		}
	}
	return nil
}

func (k *asker) viewers() error {
	v, ok := k.sys.(Viewers)
	if !ok {
		return nil
	}
	for i := range k.Accounts {
		a := k.Accounts[i].ID
		got, err := v.WhoCanSee(k.ctx, a)
		if err != nil {
			return err
		}
		want := k.WhoCanSee(a)
		if err := k.differ(slices.Equal(got, want), shorts(got), shorts(want), "who can see %s?", short(a)); err != nil {
			return err
		}
	}
	return nil
}

// askLagging asks for lists that indexes nominate which have not seen the last change: they may miss something, and show nothing wrong.
func askLagging(ctx context.Context, sys System, w *World, n *Tally) error {
	k := &asker{ctx, sys, Oracle{w}, n}
	for _, u := range w.Users {
		want := k.List(u.ID)
		for _, limit := range []int{2, 50} {
			got, err := k.pages(u.ID, limit)
			if err != nil {
				return err
			}
			if err := k.differ(within(got, want), shorts(got), shorts(want), "list, while indexes lag: what does %s see, in pages of %d?",
				short(u.ID), limit); err != nil {
				return err
			}
		}
	}
	return nil
}

// within reports whether got is want with some left out.
func within(got, want []id.Account) bool {
	i := 0
	for _, a := range want {
		if i < len(got) && got[i] == a {
			i++
		}
	}
	return i == len(got)
}
