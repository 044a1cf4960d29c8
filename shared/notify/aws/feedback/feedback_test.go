package feedback_test

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/notify/aws/feedback"
)

func digest(a string) []byte { h := sha256.Sum256([]byte("key " + a)); return h[:] }

const (
	tagged  = `"mail":{"timestamp":"2026-11-20T08:00:00.000Z","messageId":"0100","destination":["li@example.com"],"tags":{"ses:operation":["SendEmail"],"message":["msg_01JD3Z4T0X8Y6QH2N5W7R9K1MB"],"tenant":["tnt_01JD3Z4T0X8Y6QH2N5W7R9K1MB"],"user":["user_01JD3Z4T0X8Y6QH2N5W7R9K1MB"]}}`
	bounce  = `{"eventType":"Bounce",` + tagged + `,"bounce":{"feedbackId":"f","bounceType":"Permanent","bounceSubType":"NoEmail","bouncedRecipients":[{"emailAddress":"li@example.com","action":"failed","status":"5.1.1"},{"emailAddress":"han@example.com"}],"timestamp":"2026-11-20T08:00:05.000Z"}}`
	full    = `{"notificationType":"Bounce",` + tagged + `,"bounce":{"bounceType":"Transient","bounceSubType":"MailboxFull","bouncedRecipients":[{"emailAddress":"li@example.com"}],"timestamp":"2026-11-20T08:00:05.000Z"}}`
	spam    = `{"eventType":"Complaint",` + tagged + `,"complaint":{"complainedRecipients":[{"emailAddress":"li@example.com"}],"complaintFeedbackType":"abuse","timestamp":"2026-11-20T09:00:00.000Z"}}`
	virus   = `{"eventType":"Reject",` + tagged + `,"reject":{"reason":"Bad content"}}`
	arrived = `{"eventType":"Delivery",` + tagged + `,"delivery":{"timestamp":"2026-11-20T08:00:05.000Z","recipients":["li@example.com"]}}`
)

// TestEvents: reports as the SES developer guide shows them (November 2026), by themselves and as SNS and EventBridge carry them.
func TestEvents(t *testing.T) {
	at := func(s string) time.Time { v, _ := time.Parse(time.RFC3339, s); return v }
	ev := func(k feedback.Kind, address, when, reason string) feedback.Event {
		return feedback.Event{Kind: k, Address: digest(address), Message: "msg_01JD3Z4T0X8Y6QH2N5W7R9K1MB", Tenant: "tnt_01JD3Z4T0X8Y6QH2N5W7R9K1MB", User: "user_01JD3Z4T0X8Y6QH2N5W7R9K1MB", At: at(when), Reason: reason}
	}
	for _, c := range []struct {
		name, report string
		want         []feedback.Event
	}{
		{"a bounce for good", bounce, []feedback.Event{
			ev(feedback.Bounced, "li@example.com", "2026-11-20T08:00:05Z", "NoEmail"), ev(feedback.Bounced, "han@example.com", "2026-11-20T08:00:05Z", "NoEmail"),
		}},
		{"a full mailbox", full, []feedback.Event{ev(feedback.Deferred, "li@example.com", "2026-11-20T08:00:05Z", "MailboxFull")}},
		{"a complaint", spam, []feedback.Event{ev(feedback.Complained, "li@example.com", "2026-11-20T09:00:00Z", "abuse")}},
		{"a rejection", virus, []feedback.Event{ev(feedback.Rejected, "li@example.com", "2026-11-20T08:00:00Z", "Bad content")}},
		{"a delivery", arrived, nil},
	} {
		quoted, err := json.Marshal(c.report)
		if err != nil {
			t.Fatal(err)
		}
		for carrier, body := range map[string]string{
			"by itself":   c.report,
			"SNS":         fmt.Sprintf(`{"Type":"Notification","MessageId":"1","TopicArn":"arn:aws:sns:us-east-1:111122223333:ses","Message":%s,"Timestamp":"2026-11-20T08:00:06.000Z","SignatureVersion":"1"}`, quoted),
			"EventBridge": `{"version":"0","id":"1","detail-type":"Email Event","source":"aws.ses","account":"111122223333","time":"2026-11-20T08:00:06Z","region":"us-east-1","resources":[],"detail":` + c.report + `}`,
		} {
			got, err := feedback.Events([]byte(body), digest)
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s, %s: %+v, %v, want %+v", c.name, carrier, got, err, c.want)
			}
		}
	}
	foreign := strings.ReplaceAll(full, "msg_01JD3Z4T0X8Y6QH2N5W7R9K1MB", "of somebody else")
	if got, err := feedback.Events([]byte(foreign), digest); err != nil || len(got) != 1 || got[0].Message != "" {
		t.Errorf("a mail of somebody else: %+v, %v", got, err)
	}
}

func TestNoReports(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":              ``,
		"no JSON":              `Bounce`,
		"no event":             `{}`,
		"a list":               `[]`,
		"a wrapped word":       `{"Type":"Notification","Message":"Successfully validated SNS topic"}`,
		"an empty EventBridge": `{"source":"aws.ses"}`,
		"a name twice":         `{"eventType":"Bounce","eventType":"Delivery"}`,
		"no time":              `{"eventType":"Bounce","bounce":{"timestamp":"yesterday"}}`,
		"too long":             `{"eventType":"Bounce","x":"` + strings.Repeat("x", 256<<10) + `"}`,
	} {
		if got, err := feedback.Events([]byte(body), digest); err == nil || got != nil {
			t.Errorf("%s: %+v", name, got)
		} else if strings.Contains(err.Error(), "@") {
			t.Errorf("%s: the error tells an address", name)
		}
	}
}

func FuzzEvents(f *testing.F) {
	for _, s := range []string{bounce, full, spam, virus, arrived} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := feedback.Events(b, digest)
		if err != nil && got != nil {
			t.Error("an error and events")
		}
		for _, e := range got {
			if len(e.Address) != sha256.Size || e.Kind == "" {
				t.Errorf("half an event: %+v", e)
			}
		}
	})
}
