// Package aws sends mail through SES and text messages through SNS. It owns the shape of both requests and what their refusals mean; what SES
// reports afterwards is read by package feedback. It keeps no list of addresses and logs no message.
//
// Neither service knows a message sent twice. Within one process the same id is sent once, as far as the last Remembered ids reach; a process
// that dies between sending and the answer to its job sends again.
package aws

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	sestypes "github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/notify"
	"github.com/steward-crm/steward/shared/notify/aws/feedback"
)

// Remembered is how many ids of sent messages a process keeps.
const Remembered = 10_000

// Options of a sender. From is required, the others may be empty.
type Options struct {
	From             string // the address that mail is from, which SES has verified
	ConfigurationSet string // of SES, which publishes bounces and complaints
	SenderID         string // of text messages, where the country has them: 1 to 11 letters and digits
}

// Sender sends messages. Safe for concurrent use.
type Sender struct {
	mail   *sesv2.Client
	sms    *sns.Client
	o      Options
	sent   *lru.Cache[id.Message, struct{}]
	flight singleflight.Group
}

var _ notify.Notify = (*Sender)(nil)

// New returns a sender.
func New(mail *sesv2.Client, sms *sns.Client, o Options) *Sender {
	sent, err := lru.New[id.Message, struct{}](Remembered)
	if err != nil {
		panic("notify: " + err.Error()) // only for a size below one
	}
	return &Sender{mail: mail, sms: sms, o: o, sent: sent}
}

// Send answers as the port says. The same id at the same time is one sending, and all who asked get its answer.
func (s *Sender) Send(ctx context.Context, m notify.Message) error {
	subject, body, err := m.Worded()
	if err != nil {
		return err
	}
	_, err, _ = s.flight.Do(string(m.ID), func() (any, error) {
		if s.sent.Contains(m.ID) {
			return nil, nil
		}
		send := s.sendSMS
		if m.Channel == notify.Email {
			send = s.sendMail
		}
		if err := send(ctx, m, subject, body); err != nil {
			return nil, err
		}
		s.sent.Add(m.ID, struct{}{})
		return nil, nil
	})
	return err
}

func (s *Sender) sendMail(ctx context.Context, m notify.Message, subject, body string) error {
	in := &sesv2.SendEmailInput{
		FromEmailAddress: &s.o.From,
		Destination:      &sestypes.Destination{ToAddresses: []string{m.To}},
		Content: &sestypes.EmailContent{Simple: &sestypes.Message{
			Subject: utf8(subject),
			Body:    &sestypes.Body{Text: utf8(body)},
		}},
	}
	for _, tag := range [][2]string{{feedback.TagMessage, string(m.ID)}, {feedback.TagTenant, string(m.Tenant)}, {feedback.TagUser, string(m.User)}} {
		if tag[1] != "" { // SES refuses an empty one
			in.EmailTags = append(in.EmailTags, sestypes.MessageTag{Name: &tag[0], Value: &tag[1]})
		}
	}
	if s.o.ConfigurationSet != "" {
		in.ConfigurationSetName = &s.o.ConfigurationSet
	}
	_, err := s.mail.SendEmail(ctx, in)
	return s.foldMail(err)
}

func utf8(s string) *sestypes.Content {
	return &sestypes.Content{Data: &s, Charset: aws.String("UTF-8")}
}

func (s *Sender) sendSMS(ctx context.Context, m notify.Message, _, body string) error {
	word := func(v string) snstypes.MessageAttributeValue {
		return snstypes.MessageAttributeValue{DataType: aws.String("String"), StringValue: &v}
	}
	in := &sns.PublishInput{PhoneNumber: &m.To, Message: &body, MessageAttributes: map[string]snstypes.MessageAttributeValue{
		"AWS.SNS.SMS.SMSType": word("Transactional"),
	}}
	if s.o.SenderID != "" {
		in.MessageAttributes["AWS.SNS.SMS.SenderID"] = word(s.o.SenderID)
	}
	_, err := s.sms.Publish(ctx, in)
	return foldSMS(err)
}

// foldMail: what SES says against the recipient is undeliverable. It says the same against a sender that it has not verified, and that is
// nothing against the recipient: it names the address, and the message waits until the sender is mended.
func (s *Sender) foldMail(err error) error {
	code, words := said(err)
	switch {
	case err == nil:
		return nil
	case (code == "MessageRejected" || code == "BadRequestException") && !strings.Contains(strings.ToLower(words), strings.ToLower(s.o.From)):
		return fault.New(fault.Invalid, "undeliverable").Because(errors.New("SES: " + code)) // its words hold the address
	}
	return unavailable(err)
}

func foldSMS(err error) error {
	code, words := said(err)
	switch {
	case err == nil:
		return nil
	case code == "OptedOut", (code == "InvalidParameter" || code == "ParameterValueInvalid") && strings.Contains(words, "PhoneNumber"):
		return fault.New(fault.Invalid, "undeliverable").Because(errors.New("SNS: " + code)) // its words hold the number
	}
	return unavailable(err)
}

func said(err error) (code, words string) {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode(), e.ErrorMessage()
	}
	return "", ""
}

func unavailable(err error) error {
	return fault.New(fault.Unavailable, "notify_unavailable").Because(err)
}

// Check asks SES for the sender and the configuration set, and SNS whether it answers at all, and gives one error that names all that is
// wrong. For the start of a process, and for who deploys.
func (s *Sender) Check(ctx context.Context) error {
	region := s.mail.Options().Region
	var wrong []error
	if err := s.checkFrom(ctx, region); err != nil {
		wrong = append(wrong, err)
	}
	if name := s.o.ConfigurationSet; name != "" {
		if _, err := s.mail.GetConfigurationSet(ctx, &sesv2.GetConfigurationSetInput{ConfigurationSetName: &name}); err != nil {
			wrong = append(wrong, fmt.Errorf("configuration set %s in %s: %w", name, region, err))
		}
	}
	if _, err := s.sms.GetSMSAttributes(ctx, &sns.GetSMSAttributesInput{}); err != nil {
		wrong = append(wrong, fmt.Errorf("SNS in %s: %w", s.sms.Options().Region, err))
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("notify: %w", errors.Join(wrong...))
}

// checkFrom: SES verifies an address by itself or by its domain.
func (s *Sender) checkFrom(ctx context.Context, region string) error {
	_, domain, ok := strings.Cut(s.o.From, "@")
	if !ok {
		return fmt.Errorf("%q is no address to send from", s.o.From)
	}
	for _, identity := range []string{s.o.From, domain} {
		out, err := s.mail.GetEmailIdentity(ctx, &sesv2.GetEmailIdentityInput{EmailIdentity: &identity})
		if code, _ := said(err); code == "NotFoundException" {
			continue
		}
		if err != nil {
			return fmt.Errorf("SES in %s: %w", region, err)
		}
		if out.VerifiedForSendingStatus {
			return nil
		}
	}
	return fmt.Errorf("SES in %s has verified neither %s nor %s", region, s.o.From, domain)
}
