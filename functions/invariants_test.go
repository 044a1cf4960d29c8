package functions_test

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
)

// silent reports whether the step is no act of note: tokens are exchanged, a code is sent, a first sign-in asks for a password.
func silent(s step) bool {
	return slices.Contains([]string{"auth.refresh", "auth.forgotPassword", "me.startVerification"}, s.op) ||
		s.op == "auth.signIn" && bytes.Contains(s.answer.Body, []byte(`"challenge"`))
}

// actByItself reports whether the operation is of note though it changes nothing: a sign-in, a look at what is masked.
func actByItself(op string) bool {
	return strings.HasPrefix(op, "auth.") || strings.HasPrefix(op, "me.") || strings.HasSuffix(op, ".reveal")
}

// onlyAsks reports whether the operation changes nothing, whatever its method.
func onlyAsks(r *edge.Route) bool {
	return r.Method == http.MethodGet || r.Foretells != "" || r.PagesByBody() || slices.Contains([]string{"permissions.check", "permissions.explain", "audit.verify"}, r.Operation)
}

// TestEveryMutationHasItsEvent holds I16's first half and E04: whatever a request changes is one commit that carries its events, who asked, as
// what and in which request; no event comes without a change; each is read back by GET /v1/audit by those who may; and what lies in an
// event, or is answered of it, holds no secret and no value. What jobs change has its event too.
func TestEveryMutationHasItsEvent(t *testing.T) {
	h := openHouse(t)
	admin := h.onboard("acme")
	done := map[string]bool{}
	var steps []step
	h.day(admin, func(s step) { done[s.op] = true; steps = append(steps, s) })

	for _, r := range h.routes { // a new operation cannot escape
		if !onlyAsks(&r) && r.Operation != "webhooks.onboarding" && !done[r.Operation] {
			t.Errorf("the day does not do %s", r.Operation)
		}
	}
	for _, s := range steps {
		requestID := s.answer.Header.Get("X-Request-Id")
		var events []audit.Event
		for _, c := range s.commit {
			e := eventsOf(t, c)
			if changes(c) > 0 && len(e) == 0 {
				t.Errorf("%s: a change without an event", s.op)
			}
			if len(c) == len(e) && !actByItself(s.op) {
				t.Errorf("%s: an event without a change", s.op)
			}
			events = append(events, e...)
		}
		if len(events) == 0 && !silent(s) {
			t.Errorf("%s: no event", s.op)
		}
		for _, e := range events {
			if string(e.RequestID) != requestID || e.Tenant != admin.tenant || e.Outcome != audit.Done || e.At.IsZero() || e.Source != "192.0.2.1" || e.Action == "" || e.Target == "" {
				t.Errorf("%s: the event is %+v", s.op, e)
			}
			if s.who != "" && e.Actor != s.who {
				t.Errorf("%s: done by %s, recorded as by %s", s.op, s.who, e.Actor)
			}
			if !strings.HasPrefix(s.op, "auth.") && !strings.HasPrefix(s.op, "me.") && len(e.Digest) == 0 {
				t.Errorf("%s: nothing says what was before and after", s.op)
			}
		}
	}
	for _, c := range h.since(0) {
		if e := eventsOf(t, c); changes(c) > 0 && len(e) == 0 {
			t.Errorf("a commit without an event: %s", c[0].Item.PK)
		}
	}

	// All of it is answered to who may read the audit, and to nobody else.
	admin.again(h)
	told := map[string]string{}
	var all bytes.Buffer
	for next := "/v1/audit?limit=100"; next != ""; {
		a := admin.client.Get(next).Want(t, http.StatusOK, "")
		all.Write(a.Body)
		var page struct {
			Items []struct {
				RequestID string `json:"requestId"`
				Action    string `json:"action"`
			} `json:"items"`
			Next string `json:"nextCursor"`
		}
		a.Read(t, &page)
		for _, e := range page.Items {
			told[e.RequestID] += " " + e.Action
		}
		if next = ""; page.Next != "" {
			next = "/v1/audit?limit=100&cursor=" + page.Next
		}
	}
	for _, s := range steps {
		if got := told[s.answer.Header.Get("X-Request-Id")]; got == "" && !silent(s) {
			t.Errorf("%s: GET /v1/audit does not know it", s.op)
		}
	}
	clerk := h.invite(admin, "Clerk", m{"roleIds": []string{h.template(admin, "standard_user")}})
	clerk.client.Get("/v1/audit").Want(t, http.StatusForbidden, "permission_denied")

	for _, secret := range secretsOf(h, steps) {
		if bytes.Contains(all.Bytes(), []byte(secret)) {
			t.Errorf("GET /v1/audit answers %.12q…", secret)
		}
		for it, err := range h.Table.Scan(t.Context(), 0, 1) {
			if err != nil {
				t.Fatal(err)
			}
			if key.IsAuditEvent(it.Key) && (bytes.Contains(it.Doc, []byte(secret)) || bytes.Contains(it.Sealed, []byte(secret))) {
				t.Errorf("%.12q… lies in an event", secret)
			}
		}
		if strings.Contains(h.Logged.String(), secret) {
			t.Errorf("%.12q… lies in the log", secret)
		}
	}
}

// secretsOf are the values that no event and no log line may hold: what was typed, sent, or handed out.
func secretsOf(h *house, steps []step) []string {
	all := []string{firstPassword, "Brisk-Maple-18-kettle", "Amber-Falcon-27-anchor", "canary", "Canary", "+86139", "139 1234"}
	for _, it := range h.Outbox.Items() {
		for _, s := range []string{it.TemporaryPassword, it.Code} {
			if s != "" {
				all = append(all, s)
			}
		}
	}
	for _, s := range steps {
		var doc m
		if len(s.answer.Body) == 0 {
			continue
		}
		s.answer.Read(h.t, &doc)
		for _, name := range []string{"accessToken", "refreshToken", "session", "secret"} {
			if v, ok := doc[name].(string); ok {
				all = append(all, v)
			}
		}
	}
	return all
}

func eventsOf(t *testing.T, c []table.Write) (out []audit.Event) {
	t.Helper()
	for _, w := range c {
		if w.Op == table.OpPut && key.IsAuditEvent(w.Item.Key) {
			e, err := audit.FromItem(w.Item)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, e)
		}
	}
	return out
}

// changes counts what the commit does to what people made.
func changes(c []table.Write) (n int) {
	for _, w := range c {
		if w.Op != table.OpCheck && resource(w.Item) {
			n++
		}
	}
	return n
}
