package functions_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/steward-crm/steward/functions"
	"github.com/steward-crm/steward/functions/users"
	"github.com/steward-crm/steward/shared/job"
)

// TestUsersSurviveEveryDeath holds I15 through the API: wherever the process loses its store while a user is invited, locked out, taken back or
// deleted, before a commit or after it, in the request or in the job that follows, the next process and one walk of the reconciler leave row and
// identity agreed, and the request, sent again, comes to what it would have come to.
func TestUsersSurviveEveryDeath(t *testing.T) {
	h := openHouse(t)
	admin := h.onboard("acme")
	calls := func(u string) map[string]func() (int, string) {
		at := "/v1/users/" + u
		post := func(path string) func() (int, string) {
			return func() (int, string) { a := admin.client.Post(path, nil); return a.Status, a.Code() }
		}
		return map[string]func() (int, string){
			"deactivate": post(at + "/deactivate"), "reactivate": post(at + "/reactivate"), "sign out": post(at + "/sign-out"),
			"delete": func() (int, string) { a := admin.client.IfMatch("*").Delete(at); return a.Status, a.Code() },
		}
	}
	number, deaths := 0, 0
	for _, op := range []string{"invite", "deactivate", "reactivate", "sign out", "delete"} {
		for _, after := range []bool{false, true} {
			for n := 1; ; n++ {
				number++
				name := fmt.Sprint("U", number)
				email := fmt.Sprintf("u%d@acme.example.com", number)
				run := func() (int, string) {
					a := admin.client.Post("/v1/users", m{"name": name, "email": email})
					if a.Code() == "email_taken" { // it was made: the reply was lost
						return http.StatusCreated, ""
					}
					return a.Status, a.Code()
				}
				if op != "invite" {
					p := h.invite(admin, name, nil)
					do := calls(p.id)
					if op == "reactivate" || op == "delete" {
						do["deactivate"]()
						h.work()
					}
					run = do[op]
				}
				h.Clock.Add(time.Second)
				died := h.Faults.DieAt(n, after)
				run()
				if !died() {
					_, _ = h.worker.RunDue(context.WithoutCancel(t.Context()))
				}
				lived := !died()

				// Another process, when the leases of the dead one are over.
				h.record()
				h.Clock.Add(job.LeaseFor + time.Second)
				h.worker = functions.Worker(h.Platform)
				admin.again(h)
				if status, code := run(); status/100 != 2 && !(op == "delete" && status == http.StatusNotFound) {
					t.Fatalf("%s, death %d, after %v: sent again it is %d %s", op, n, after, status, code)
				}
				h.work()
				if err := users.Desk(h.Platform).Reconcile(t.Context()); err != nil {
					t.Fatal(err)
				}
				h.work() // what the walk leaves to jobs
				h.agreed(fmt.Sprintf("%s, death %d, after %v", op, n, after), admin)
				if lived {
					break
				}
				deaths++
			}
		}
	}
	if deaths < 15 {
		t.Errorf("%d deaths only: the harness does not see the commits", deaths)
	}
}

// agreed holds that every row that is not deleted has its identity, locked as the row says, and that no identity is without a row.
func (h *house) agreed(when string, admin *person) {
	h.t.Helper()
	status := map[string]string{}
	for next := "/v1/users?limit=100"; next != ""; {
		page := h.get(admin, next)
		for _, u := range page["items"].([]any) {
			status[u.(m)["id"].(string)] = u.(m)["status"].(string)
		}
		if next = ""; page["nextCursor"] != nil {
			next = "/v1/users?limit=100&cursor=" + page["nextCursor"].(string)
		}
	}
	var there []string
	for after := ""; ; {
		page, next, err := h.Identity.ListUsers(context.WithoutCancel(h.t.Context()), after)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, i := range page {
			_, u, _ := i.Name.Split()
			there = append(there, string(u))
			if s, ok := status[string(u)]; !ok || i.Enabled != (s != "inactive") {
				h.t.Errorf("%s: an identity, enabled %v, of a user who is %q", when, i.Enabled, s)
			}
		}
		if after = next; next == "" {
			break
		}
	}
	for u, s := range status {
		if !slices.Contains(there, u) {
			h.t.Errorf("%s: a user who is %s cannot sign in", when, s)
		}
	}
}
