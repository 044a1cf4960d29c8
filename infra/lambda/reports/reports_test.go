package reports_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/reports"
	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/signin/signintest"
	"github.com/steward-crm/steward/shared/user"
)

// TestReports: what SES says of a user's address is noted once, with its event, when it is for good and of the address that the user has.
func TestReports(t *testing.T) {
	w := signintest.New(t)
	li := w.Active(t, "li@acme.example.com")
	var log bytes.Buffer
	p := *w.Platform
	p.Log = slog.New(slog.NewJSONHandler(&log, nil))
	h, err := reports.Handler(&lambda.Deployment{Platform: &p})
	if err != nil {
		t.Fatal(err)
	}
	store := user.New(w.Table, w.Crypt, access.New(w.Table, w.Now), job.New(w.Table, w.IDs, w.Now))
	report := func(tenant id.Tenant, u id.User, kind, address string, at time.Time) string {
		return fmt.Sprintf(`{"eventType":"Bounce","mail":{"timestamp":%[4]q,"tags":{"tenant":[%[1]q],"user":[%[2]q]}},
			"bounce":{"bounceType":%[5]q,"timestamp":%[4]q,"bouncedRecipients":[{"emailAddress":%[3]q}]}}`,
			tenant, u, address, at.Format(time.RFC3339), kind)
	}
	now := w.Now().UTC().Truncate(time.Second)
	stranger := id.New[id.User](w.IDs)
	good := report(li.Tenant, li.ID, "Permanent", "Li@acme.example.com", now)
	for _, c := range []struct {
		says   string
		bodies []string
		again  []string
		failed time.Time // since when the address is known to take no mail
		events int
	}{
		{"a full mailbox", []string{report(li.Tenant, li.ID, "Transient", li.Email, now)}, nil, time.Time{}, 0},
		{"an address that the user had once", []string{report(li.Tenant, li.ID, "Permanent", "old@acme.example.com", now)}, nil, time.Time{}, 0},
		{"a user who is gone", []string{report(li.Tenant, stranger, "Permanent", li.Email, now)}, nil, time.Time{}, 0},
		{"a mail of nobody's", []string{report("", "", "Permanent", li.Email, now)}, nil, time.Time{}, 0},
		{"a bounce, among what cannot be read", []string{"nonsense", good, "{}"}, []string{"0", "2"}, now, 1},
		{"the same again, and twice", []string{good, good}, nil, now, 1},
		{"an older one", []string{report(li.Tenant, li.ID, "Permanent", li.Email, now.Add(-time.Hour))}, nil, now, 1},
		{"a later one", []string{report(li.Tenant, li.ID, "Permanent", li.Email, now.Add(time.Hour))}, nil, now.Add(time.Hour), 2},
	} {
		var records []map[string]string
		for i, b := range c.bodies {
			records = append(records, map[string]string{"messageId": fmt.Sprint(i), "body": b})
		}
		event, err := json.Marshal(map[string]any{"Records": records})
		if err != nil {
			t.Fatal(err)
		}
		out, err := h(t.Context(), event)
		if err != nil {
			t.Fatal(err)
		}
		var a struct {
			Items []struct {
				ID string `json:"itemIdentifier"`
			} `json:"batchItemFailures"`
		}
		if err := json.Unmarshal(out, &a); err != nil {
			t.Fatal(err)
		}
		var again []string
		for _, i := range a.Items {
			again = append(again, i.ID)
		}
		u, err := store.Load(t.Context(), li.Tenant, li.ID)
		if err != nil {
			t.Fatal(err)
		}
		if events := w.Events(t, li, "users.mailFailed"); !slices.Equal(again, c.again) || !u.MailFailed.At.Equal(c.failed) || len(events) != c.events {
			t.Errorf("%s: %v come again, failed at %v, %d events; want %v, %v, %d", c.says, again, u.MailFailed.At, len(events), c.again, c.failed, c.events)
		}
	}
	if strings.Contains(strings.ToLower(log.String()), "acme.example.com") || !strings.Contains(log.String(), string(li.ID)) {
		t.Errorf("the log holds an address, or no id: %s", &log)
	}
}
