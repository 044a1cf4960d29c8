package notify

import (
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/text"
)

// Worded gives the words of the message from the catalogue: mail.<template>.subject and .text, or sms.<template>.text without a subject. A
// template that the channel does not have is Internal template_unknown, a message to nobody Invalid undeliverable.
func (m Message) Worded() (subject, body string, err error) {
	code := "sms." + m.Template + ".text"
	if m.Channel == Email {
		code = "mail." + m.Template + ".text"
		subject = text.Say(m.Locale, "mail."+m.Template+".subject", m.Words)
	}
	if !text.Known(code) {
		return "", "", fault.New(fault.Internal, "template_unknown")
	}
	if m.To == "" {
		return "", "", fault.New(fault.Invalid, "undeliverable")
	}
	return subject, text.Say(m.Locale, code, m.Words), nil
}
