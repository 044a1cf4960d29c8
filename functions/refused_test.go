package functions_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
	tablelocal "github.com/steward-crm/steward/shared/table/local"
)

// TestAStoreThatFails holds I9 and I40 on every mutation: refused by the store it is 503 and nothing has changed, in the store, the outbox or at the
// identity provider; with the reply of the commit lost for good it is done once, and the same key tells so.
func TestAStoreThatFails(t *testing.T) {
	w := newWorld(t)
	asked := 0
	for _, r := range w.routes {
		body, ok := w.drafts()[r.Operation]
		if r.Method == http.MethodGet || (!ok && r.TakesBody()) || r.Access.String() == "public" || r.Access.String() == "self" || r.Operation == "audit.verify" {
			continue
		}
		asked++
		path := fill(t, r.Path, w.mine)
		if r.TakesBody() {
			body = text(t, renamed(body, "Failing "+strings.ReplaceAll(r.Operation, ".", "-")))
		}
		c := w.api.As(w.boss).IfMatch("*")
		if r.Method == http.MethodPost {
			c = w.api.As(w.boss).Once("failing")
		}
		before := w.state(t)
		w.Faults.Before = func(c tablelocal.Call) error {
			if c.Op == "commit" {
				return tablelocal.Throttled()
			}
			return nil
		}
		a := c.Do(r.Method, path, body)
		w.Faults.Before = nil
		if a.Status/100 == 2 && strings.HasSuffix(r.Operation, "activate") || a.Status/100 == 4 {
			continue // nothing to do, or refused before it came to that: no commit
		}
		if a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
			t.Errorf("%s: the store is out of reach: %d %s", r.Operation, a.Status, a.Body)
		}
		if after := w.state(t); after != before {
			t.Errorf("%s: the store refused and was changed:\n%s", r.Operation, difference(before, after))
		}
		if r.Method != http.MethodPost {
			continue
		}
		silent, commits := false, 0
		w.Faults.Before = func(c tablelocal.Call) error {
			if silent {
				return tablelocal.Throttled()
			}
			return nil
		}
		w.Faults.After = func(c tablelocal.Call) error {
			if slices.ContainsFunc(c.Writes, func(x table.Write) bool { return key.IsAuditEvent(x.Item.Key) }) {
				commits++
			}
			silent = true
			return tablelocal.Lost()
		}
		cut := c.Do(r.Method, path, body)
		silent, w.Faults.Before = false, nil
		if cut.Status != http.StatusServiceUnavailable {
			t.Errorf("%s: the reply is lost: %d %s", r.Operation, cut.Status, cut.Body)
		}
		w.Faults.After = func(c tablelocal.Call) error {
			if slices.ContainsFunc(c.Writes, func(x table.Write) bool { return key.IsAuditEvent(x.Item.Key) }) {
				commits++
			}
			return nil
		}
		again := c.Do(r.Method, path, body)
		w.Faults.After = nil
		if again.Status/100 != 2 || again.Header.Get("Idempotency-Replayed") != "true" || commits > 1 || commits == 0 && !idle[r.Operation] {
			t.Errorf("%s: asked again with the key: %d, replayed %q, %d commits\n%s", r.Operation, again.Status, again.Header.Get("Idempotency-Replayed"), commits, again.Body)
		}
	}
	if asked < 20 {
		t.Errorf("%d routes only", asked)
	}
}

// idle are the operations that have nothing to do in this world, and say so: it is where it is asked to go; it was sent a moment ago.
var idle = map[string]bool{"departments.move": true, "users.resendInvitation": true}

// TestForeignReferencesInBodies holds I1 and I2 for ids in bodies: an id of another tenant is answered as one that nobody has.
func TestForeignReferencesInBodies(t *testing.T) {
	w := newWorld(t)
	for _, row := range []struct {
		op, member, kind string
		list             bool
	}{
		{"accounts.create", "ownerId", "users", false},
		{"accounts.create", "departmentId", "departments", false},
		{"accounts.update", "departmentId", "departments", false},
		{"accounts.create", "categoryIds", "categories", true},
		{"accounts.update", "categoryIds", "categories", true},
		{"accounts.setOwner", "ownerId", "users", false},
		{"accounts.setOwner", "departmentId", "departments", false},
		{"accounts.assign", "ownerId", "users", false},
		{"accounts.assign", "accountIds", "accounts", true},
		{"team.set", "userId", "users", false},
		{"shares.set", "departmentId", "departments", false},
		{"overrides.set", "roleId", "roles", false},
		{"temporary.set", "userId", "users", false},
		{"departments.create", "parentId", "departments", false},
		{"departments.create", "headId", "users", false},
		{"departments.update", "headId", "users", false},
		{"departments.move", "parentId", "departments", false},
		{"posts.create", "departmentId", "departments", false},
		{"posts.create", "roleIds", "roles", true},
		{"posts.update", "roleIds", "roles", true},
		{"roles.create", "cloneOf", "roles", false},
		{"users.create", "departmentId", "departments", false},
		{"users.create", "postIds", "posts", true},
		{"users.create", "managerId", "users", false},
		{"users.create", "roleIds", "roles", true},
		{"users.update", "departmentId", "departments", false},
		{"users.update", "postIds", "posts", true},
		{"users.update", "managerId", "users", false},
		{"users.setRoles", "roleIds", "roles", true},
	} {
		i := slices.IndexFunc(w.routes, func(r edge.Route) bool { return r.Operation == row.op })
		r := w.routes[i]
		unknown, _ := w.unknown(row.kind)
		before := w.state(t)
		answers := map[string]string{}
		for what, v := range map[string]string{"foreign": w.foreign[row.kind], "unknown": unknown} {
			body := renamed(w.drafts()[row.op], "Refers")
			body[row.member] = v
			if row.list {
				body[row.member] = []string{v}
			}
			c := w.api.As(w.boss)
			if r.NeedsMatch() {
				c = c.IfMatch("*")
			}
			a := c.Do(r.Method, fill(t, r.Path, w.mine), body)
			if a.Status != http.StatusUnprocessableEntity {
				t.Errorf("%s with %s %s: %d %s", row.op, what, row.member, a.Status, a.Body)
			}
			answers[what] = bare(a)
		}
		if answers["foreign"] != answers["unknown"] {
			t.Errorf("%s with foreign %s: %s\nunknown: %s", row.op, row.member, answers["foreign"], answers["unknown"])
		}
		if after := w.state(t); after != before {
			t.Errorf("%s: the store changed:\n%s", row.op, difference(before, after))
		}
	}
	for _, q := range []struct{ path, kind string }{
		{"/v1/accounts?ownerId=", "users"}, {"/v1/accounts?departmentId=", "departments"}, {"/v1/audit?target=", "accounts"}, {"/v1/audit?actor=", "users"},
	} {
		var page struct {
			Items []any `json:"items"`
		}
		if w.api.As(w.boss).Get(q.path+w.foreign[q.kind]).Want(t, http.StatusOK, "").Read(t, &page); len(page.Items) != 0 {
			t.Errorf("%s of another tenant lists %v", q.path, page.Items)
		}
	}
}
