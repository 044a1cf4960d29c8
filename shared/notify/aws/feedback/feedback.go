// Package feedback reads what SES reports of mails that were sent: bounces, complaints, refusals. It owns the form of the reports and the names of
// the tags by which a mail says whose it is. It links no client of AWS, sends nothing, and keeps no address.
package feedback

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/id"
)

// Kind is what became of a mail at one address.
type Kind string

// The kinds.
const (
	Bounced    Kind = "bounced"    // for good: the address takes no mail
	Deferred   Kind = "deferred"   // for now: a full mailbox, a server that does not answer
	Complained Kind = "complained" // the person called it spam
	Rejected   Kind = "rejected"   // SES refused to carry it: it found a virus
)

// Event is what SES reports of a mail at one address. The address itself is not in it, only the caller's digest of it.
type Event struct {
	Kind    Kind
	Address []byte     // digest
	Message id.Message // "" for a mail that was not sent from here
	Tenant  id.Tenant  // whose user it was for; "" when the mail does not say
	User    id.User
	At      time.Time
	Reason  string // SES's word for it, such as NoEmail or abuse
}

// The names of a mail's tags, which hold ids, so that a report tells which message it is of and whose.
const (
	TagMessage = "message"
	TagTenant  = "tenant"
	TagUser    = "user"
)

// maxReport is more than SNS and EventBridge carry, in bytes.
const maxReport = 256 << 10

type report struct {
	Event        string `json:"eventType"`
	Notification string `json:"notificationType"` // what SES's older feedback has in place of eventType
	Mail         struct {
		Destination []string            `json:"destination"`
		Tags        map[string][]string `json:"tags"`
		Timestamp   time.Time           `json:"timestamp"`
	} `json:"mail"`
	Bounce struct {
		Type       string      `json:"bounceType"`
		SubType    string      `json:"bounceSubType"`
		Timestamp  time.Time   `json:"timestamp"`
		Recipients []recipient `json:"bouncedRecipients"`
	} `json:"bounce"`
	Complaint struct {
		Type       string      `json:"complaintFeedbackType"`
		Timestamp  time.Time   `json:"timestamp"`
		Recipients []recipient `json:"complainedRecipients"`
	} `json:"complaint"`
	Reject struct {
		Reason string `json:"reason"`
	} `json:"reject"`
}

type recipient struct {
	Address string `json:"emailAddress"`
}

// Events reads what SES reports, as it stands in a notification of SNS, an event of EventBridge or by itself. digest is a keyed digest of an
// address, so that whoever gets the events learns no address that they did not have. Reports of what went well give no events. Who may
// call is not judged here: a queue that only SES's topic or rule writes to settles it.
func Events(body []byte, digest func(address string) []byte) ([]Event, error) {
	if len(body) > maxReport {
		return nil, errors.New("notify: a report of SES is too long to be one")
	}
	r, err := unwrap(body)
	if err != nil {
		return nil, fmt.Errorf("notify: not a report of SES: %w", err)
	}
	about := Event{ // "" for a tag of somebody else's
		Message: tagged[id.Message](&r, TagMessage), Tenant: tagged[id.Tenant](&r, TagTenant), User: tagged[id.User](&r, TagUser),
	}
	var out []Event
	add := func(k Kind, at time.Time, reason string, addresses ...string) {
		for _, a := range addresses {
			e := about
			e.Kind, e.Address, e.At, e.Reason = k, digest(a), at.UTC(), reason
			out = append(out, e)
		}
	}
	switch r.Event + r.Notification {
	case "Bounce":
		kind := Deferred
		if r.Bounce.Type == "Permanent" {
			kind = Bounced
		}
		add(kind, r.Bounce.Timestamp, r.Bounce.SubType, addresses(r.Bounce.Recipients)...)
	case "Complaint":
		add(Complained, r.Complaint.Timestamp, r.Complaint.Type, addresses(r.Complaint.Recipients)...)
	case "Reject":
		add(Rejected, r.Mail.Timestamp, r.Reject.Reason, r.Mail.Destination...)
	case "":
		return nil, errors.New("notify: not a report of SES: it names no event")
	}
	return out, nil
}

// tagged is the id that the mail's tag holds.
func tagged[T id.Kind](r *report, tag string) (x T) {
	if values := r.Mail.Tags[tag]; len(values) == 1 {
		x, _ = id.Parse[T](values[0])
	}
	return x
}

// unwrap takes the report out of what SNS or EventBridge put around it.
func unwrap(body []byte) (report, error) {
	var r report
	var wrap struct {
		Type    string         `json:"Type"`
		Message string         `json:"Message"`
		Source  string         `json:"source"`
		Detail  jsontext.Value `json:"detail"`
	}
	if err := json.Unmarshal(body, &wrap); err != nil {
		return r, err
	}
	switch {
	case wrap.Type == "Notification":
		body = []byte(wrap.Message)
	case wrap.Source == "aws.ses":
		body = wrap.Detail
	}
	return r, json.Unmarshal(body, &r)
}

func addresses(list []recipient) []string {
	out := make([]string, len(list))
	for i, r := range list {
		out[i] = r.Address
	}
	return out
}
