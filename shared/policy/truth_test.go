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

// TestTruthTables holds the tables in testdata against every question that policy answers: Decide, May, Field, Require, RequireAny and ReachOf
// must all agree with each row, and so must the oracle. R03, R04, R05, R06, R08, R11, R12.
func TestTruthTables(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	if len(files) < 4 {
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
	reason := d.Scope.String()
	if !d.Allowed {
		reason = fmt.Sprint(d.Rule)
	}
	if d.Allowed != allow || reason != by {
		return fmt.Errorf("Decide: %+v", d)
	}
	if got := w.oracle(u, m, a, r); got != allow {
		return fmt.Errorf("oracle: %v", got)
	}
	return agree(s, m, a, r)
}

// agree holds the other questions to what Decide says.
func agree(s *policy.Subject, m policy.Module, a policy.Action, r policy.Resource) error {
	allowed := policy.Decide(s, m, a, r).Allowed
	may := policy.May(s, m, a)
	switch err := policy.RequireAny(s, m, a); {
	case (err == nil) != (may != policy.None):
		return fmt.Errorf("RequireAny %v, May %s", err, may)
	case allowed && may == policy.None:
		return fmt.Errorf("allowed, and May gives none")
	}
	if got := within(policy.ReachOf(s, m, a), r); r.Tenant == s.Tenant && got != allowed {
		return fmt.Errorf("ReachOf has it: %v, allowed: %v", got, allowed)
	}
	sees := policy.Decide(s, m, policy.View, r).Allowed
	err := policy.Require(s, m, a, r)
	switch {
	case allowed && err != nil, !allowed && err == nil:
		return fmt.Errorf("Require: %v, allowed: %v", err, allowed)
	case !allowed && !sees && a != policy.Create && !fault.Is(err, "not_found"):
		return fmt.Errorf("Require names what may not be seen: %v", err)
	case !allowed && sees && !fault.Is(err, "permission_denied"):
		return fmt.Errorf("Require: %v", err)
	}
	return nil
}

// within is what a list does with a reach.
func within(reach policy.Reach, r policy.Resource) bool {
	return reach.All || r.Owner != "" && slices.Contains(reach.Owners, r.Owner) || r.Department != "" && slices.Contains(reach.Departments, r.Department)
}
