// Package notify is the port that carries mail and text messages to people: SES and SNS on AWS, a readable outbox on a laptop. It
// is told which template in which language and with what words; every adapter sends what Worded makes of that. At-least-once: a message
// with an id that was sent before is not sent again by the same adapter.
package notify

import (
	"context"
	"time"

	"github.com/steward-crm/steward/shared/id"
)

// Channel is the way a message takes.
type Channel string

// The channels.
const (
	Email Channel = "email"
	SMS   Channel = "sms"
)

// Message is one mail or text message. To and Words hold personal data and secrets: adapters log neither.
type Message struct {
	ID       id.Message        // idempotency: the same id is sent once
	Tenant   id.Tenant         // with User: whom it is for, so that a report of what became of it finds its way back
	User     id.User           //
	Channel  Channel           //
	To       string            // an e-mail address, or a phone number in E.164
	Template string            // a name in text's mail catalogue, such as invitation
	Locale   string            // zh-CN, zh-TW or en
	Words    map[string]string // the template's blanks; "temporaryPassword" and "code" are shown by the local outbox as fields
	At       time.Time         // when it was made
}

// Notify sends messages. A channel that is down is a fault of kind Unavailable, code notify_unavailable; an address that can never
// be served is kind Invalid, code undeliverable; a template that does not exist is kind Internal.
type Notify interface {
	Send(ctx context.Context, m Message) error
}
