package policy_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

// TestTruthTables holds the tables in testdata against every question that policy answers: Decide, Explain, May, Field, Require, RequireAny and
// ReachOf must all agree with each row, and so must the oracle. R03, R04, R05, R06, R08, R11, R12, A17, A22, A25, A28.
func TestTruthTables(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	if len(files) < 8 {
		t.Fatalf("only %d tables", len(files))
	}
	for _, file := range files {
		w, rows := readWorld(t, file)
		if len(rows) == 0 {
			t.Errorf("%s asks nothing", file)
		}
		for _, r := range rows {
			if err := w.holds(r.words); err != nil {
				t.Errorf("%s:%d: %s: %v", file, r.line, strings.Join(r.words, " "), err)
			}
		}
	}
}

func (w *world) holds(q []string) error {
	switch {
	case q[0] == "may" && len(q) == 6:
		s := w.subject(id.User(q[1]))
		if got := policy.May(s, policy.Module(q[3]), policy.Action(q[2])).String(); got != q[5] {
			return fmt.Errorf("May: %s", got)
		}
	case q[0] == "field" && len(q) == 7:
		s := w.subject(id.User(q[1]))
		m, a := policy.Module(q[3]), policy.Action(q[2])
		if got := s.Field(m, a, q[4]); string(got) != q[6] {
			return fmt.Errorf("Field: %s", got)
		}
		if got := w.oracleField(s.User, m, a, q[4]); string(got) != q[6] {
			return fmt.Errorf("oracle: %s", got)
		}
	case len(q) >= 7 && (q[1] == "allow" || q[1] == "deny"):
		res, ok := w.records[q[4]]
		if !ok {
			return fmt.Errorf("no record %s", q[4])
		}
		return w.decides(id.User(q[0]), policy.Module(q[3]), policy.Action(q[2]), res, q[1] == "allow", q[len(q)-1])
	default:
		return fmt.Errorf("not understood")
	}
	return nil
}

// decides holds every answer about one resource against the verdict; by is the scope of an allow or the rule of a deny.
func (w *world) decides(u id.User, m policy.Module, a policy.Action, r policy.Resource, allow bool, by string) error {
	s := w.subject(u)
	d := policy.Decide(s, m, a, r)
	if reason := reasonOf(d, r); d.Allowed != allow || reason != by {
		return fmt.Errorf("Decide: %+v", d)
	}
	if got := w.oracle(u, m, a, r); got != allow {
		return fmt.Errorf("oracle: %v", got)
	}
	if err := agree(s, m, a, r); err != nil {
		return err
	}
	return w.explained(s, policy.Question{Module: m, Action: a, On: &r}, d)
}

// reasonOf is how a table names what decided: the rule of a denial; the scope, the default, the category or the kind of grant that allows.
func reasonOf(d policy.Decision, r policy.Resource) string {
	switch {
	case !d.Allowed:
		return fmt.Sprint(d.Rule)
	case d.Floor:
		return "default"
	case d.Category != "":
		return string(d.Category)
	case d.Grant > 0:
		return string(r.Grants[d.Grant-1].Kind)
	}
	return d.Scope.String()
}

// agree holds the other questions to what Decide says.
func agree(s *policy.Subject, m policy.Module, a policy.Action, r policy.Resource) error {
	d := policy.Decide(s, m, a, r)
	may := policy.May(s, m, a)
	switch err := policy.RequireAny(s, m, a); {
	case (err == nil) != (may != policy.None):
		return fmt.Errorf("RequireAny %v, May %s", err, may)
	case d.Allowed && may == policy.None:
		return fmt.Errorf("allowed, and May gives none")
	case d.Allowed != policy.Allows(s, policy.PermissionOf(m, a), &r):
		return fmt.Errorf("allowed %t, and Allows differs", d.Allowed)
	}
	if err := nominated(s, m, a, r, d.Allowed); err != nil {
		return err
	}
	sees := policy.Decide(s, m, policy.View, r).Allowed
	err := policy.Require(s, m, a, r)
	switch {
	case d.Allowed && err != nil, !d.Allowed && err == nil:
		return fmt.Errorf("Require: %v, allowed: %v", err, d.Allowed)
	case !d.Allowed && !sees && a != policy.Create && !fault.Is(err, "not_found"):
		return fmt.Errorf("Require names what may not be seen: %v", err)
	case !d.Allowed && sees && !fault.Is(err, "permission_denied"):
		return fmt.Errorf("Require: %v", err)
	}
	return nil
}

// nominated holds that what a list reads is enough and says enough: the reach has the record when it is allowed, the single grants that open
// and close it say with the scopes what Decide says, and where nothing but scopes speaks the reach is exact.
func nominated(s *policy.Subject, m policy.Module, a policy.Action, r policy.Resource, allowed bool) error {
	if r.Tenant != s.Tenant {
		return nil
	}
	reach := policy.ReachOf(s, m, a)
	opens, closes, granted := false, false, false
	for i := range r.Grants {
		g := &r.Grants[i]
		opens, closes = opens || policy.Opens(s, m, a, g), closes || policy.Closes(s, m, a, g)
		granted = granted || slices.Contains(reach.Grantees, g.To)
		if policy.Closes(s, m, a, g) && reach.Grantees != nil && !slices.Contains(reach.Denying, g.To) {
			return fmt.Errorf("%s closes, and ReachOf does not say that it denies", g.To)
		}
		if policy.Opens(s, m, a, g) && g.Kind == policy.KindTemporary && !slices.Contains(reach.Overflowed, g.To) {
			return fmt.Errorf("%s overflows, and ReachOf does not say so", g.To)
		}
	}
	bare := r
	bare.Grants = nil
	if got := !closes && (opens || policy.Decide(s, m, a, bare).Allowed); got != allowed {
		return fmt.Errorf("grants one by one: opens %v, closes %v; allowed: %v", opens, closes, allowed)
	}
	scoped := reach.All || r.Owner != "" && slices.Contains(reach.Owners, r.Owner) || r.Department != "" && slices.Contains(reach.Departments, r.Department)
	within := scoped || granted || slices.ContainsFunc(r.Categories, func(c id.Category) bool { return slices.Contains(reach.Categories, c) })
	if allowed && !within {
		return fmt.Errorf("ReachOf does not have it, allowed: %v", allowed)
	}
	plain := len(r.Grants)+len(r.Categories) == 0 && len(s.Org.Settings.Defaults) == 0
	if plain && scoped != allowed {
		return fmt.Errorf("ReachOf has it: %v, allowed: %v", scoped, allowed)
	}
	return nil
}
