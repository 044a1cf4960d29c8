package aws_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/notify"
	adapter "github.com/steward-crm/steward/shared/notify/aws"
)

var from = "desk@steward.example"

// clientsAt are clients as a main builds them, but for the address and one attempt only.
func clientsAt(url string) (*sesv2.Client, *sns.Client) {
	who := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
	})
	return sesv2.New(sesv2.Options{Region: "us-east-1", BaseEndpoint: &url, RetryMaxAttempts: 1, Credentials: who}),
		sns.New(sns.Options{Region: "us-east-1", BaseEndpoint: &url, RetryMaxAttempts: 1, Credentials: who})
}

// stub answers every call with the status and body, which are those of SES or SNS by their API references (November 2026), and keeps what
// was asked.
func stub(t *testing.T, status int, body string, o adapter.Options) (s *adapter.Sender, asked *[]string) {
	t.Helper()
	asked = new([]string)
	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		*asked = append(*asked, r.Method+" "+r.URL.Path+" "+string(b))
		if strings.HasPrefix(body, "<") {
			w.Header().Set("Content-Type", "text/xml")
		} else {
			w.Header().Set("Content-Type", "application/json")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(far.Close)
	mail, sms := clientsAt(far.URL)
	return adapter.New(mail, sms, o), asked
}

func mail(m id.Message) notify.Message {
	return notify.Message{
		ID: m, Channel: notify.Email, To: "li@example.com", Template: "verify", Locale: "en", At: time.Unix(1e9, 0),
		Words: map[string]string{"name": "李雷", "minutes": "15", "code": "31415926"},
	}
}

func sms(m id.Message) notify.Message {
	out := mail(m)
	out.Channel, out.To = notify.SMS, "+8613800138000"
	return out
}

const published = `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`

func snsError(code, words string) string {
	return `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>` + code + `</Code><Message>` + words +
		`</Message></Error><RequestId>1</RequestId></ErrorResponse>`
}

// sortedJSON is the request with the members of its body in one order.
func sortedJSON(t *testing.T, s string) string {
	t.Helper()
	head, body, _ := strings.Cut(s, "{")
	v := jsontext.Value("{" + body)
	if err := v.Canonicalize(); err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	return head + string(v)
}

// TestRequests: what is asked, byte for byte.
func TestRequests(t *testing.T) {
	o := adapter.Options{From: from, ConfigurationSet: "events", SenderID: "Steward"}
	s, asked := stub(t, 200, `{"MessageId":"1"}`, o)
	m := mail("msg_1")
	if err := s.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	subject, body, err := m.Worded()
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`POST /v2/email/outbound-emails {"FromEmailAddress":"desk@steward.example","Destination":{"ToAddresses":["li@example.com"]},`+
		`"Content":{"Simple":{"Subject":{"Data":%q,"Charset":"UTF-8"},"Body":{"Text":{"Data":%q,"Charset":"UTF-8"}}}},`+
		`"EmailTags":[{"Name":"message","Value":"msg_1"}],"ConfigurationSetName":"events"}`, subject, body)
	if len(*asked) != 1 || sortedJSON(t, (*asked)[0]) != sortedJSON(t, want) {
		t.Errorf("asked\n%s\nwant\n%s", *asked, want)
	}

	s, asked = stub(t, 200, published, o)
	if err := s.Send(t.Context(), sms("msg_2")); err != nil {
		t.Fatal(err)
	}
	_, form, _ := strings.Cut(strings.Join(*asked, ""), "POST / ")
	q, err := url.ParseQuery(form)
	if err != nil {
		t.Fatal(err)
	}
	attributes := map[string]string{}
	for i := 1; q.Has(fmt.Sprintf("MessageAttributes.entry.%d.Name", i)); i++ {
		at := fmt.Sprintf("MessageAttributes.entry.%d.", i)
		attributes[q.Get(at+"Name")] = q.Get(at+"Value.DataType") + " " + q.Get(at+"Value.StringValue")
	}
	_, body, _ = sms("").Worded()
	if q.Get("Action") != "Publish" || q.Get("PhoneNumber") != "+8613800138000" || q.Get("Message") != body || q.Has("Subject") ||
		attributes["AWS.SNS.SMS.SMSType"] != "String Transactional" || attributes["AWS.SNS.SMS.SenderID"] != "String Steward" {
		t.Errorf("asked %v", q)
	}

	s, asked = stub(t, 200, published, adapter.Options{From: from})
	if err := s.Send(t.Context(), sms("msg_3")); err != nil || strings.Contains(strings.Join(*asked, ""), "SenderID") {
		t.Errorf("a sender id that is not configured: %v", err)
	}
}

// TestErrors: what is against the recipient is undeliverable; all else may pass, and the message is sent when it does.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		m             notify.Message
		status        int
		body          string
		undeliverable bool
	}{
		{mail("msg_1"), 400, `{"__type":"MessageRejected","message":"Address blacklisted."}`, true},
		{mail("msg_1"), 400, `{"__type":"BadRequestException","message":"Domain contains illegal character"}`, true},
		{mail("msg_1"), 400, `{"__type":"MessageRejected","message":"Email address is not verified. The following identities failed the check in region US-EAST-1: Desk@steward.example"}`, false},
		{mail("msg_1"), 429, `{"__type":"TooManyRequestsException","message":"Maximum sending rate exceeded."}`, false},
		{mail("msg_1"), 400, `{"__type":"LimitExceededException","message":"Daily message quota exceeded"}`, false},
		{mail("msg_1"), 400, `{"__type":"SendingPausedException","message":"Sending is paused"}`, false},
		{mail("msg_1"), 400, `{"__type":"AccountSuspendedException"}`, false},
		{mail("msg_1"), 403, `{"__type":"ExpiredTokenException","message":"expired"}`, false},
		{mail("msg_1"), 503, `<html>`, false},
		{sms("msg_1"), 400, snsError("InvalidParameter", "Invalid parameter: PhoneNumber Reason: +8613800138000 is not valid to publish to"), true},
		{sms("msg_1"), 400, snsError("OptedOut", "Phone number is opted out"), true},
		{sms("msg_1"), 400, snsError("InvalidParameter", "Invalid parameter: SenderID"), false},
		{sms("msg_1"), 400, snsError("Throttling", "Rate exceeded"), false},
		{sms("msg_1"), 403, snsError("AuthorizationError", "not authorized to perform: SNS:Publish"), false},
		{sms("msg_1"), 500, snsError("InternalError", ""), false},
		{sms("msg_1"), 503, `no XML at all`, false},
	} {
		s, asked := stub(t, c.status, c.body, adapter.Options{From: from})
		err := s.Send(t.Context(), c.m)
		kind, code := fault.Unavailable, "notify_unavailable"
		if c.undeliverable {
			kind, code = fault.Invalid, "undeliverable"
		}
		if f := fault.Of(err); f == nil || f.Kind != kind || f.Code != code {
			t.Errorf("%s %s: %v, want %s", c.m.Channel, c.body, err, code)
		}
		if c.undeliverable && strings.Contains(err.Error(), c.m.To) {
			t.Errorf("%s: the error tells the address", c.body)
		}
		if _ = s.Send(t.Context(), c.m); len(*asked) != 2 {
			t.Errorf("%s: a message that did not go out counts as sent", c.body)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	s, _ := stub(t, 200, `{"MessageId":"1"}`, adapter.Options{From: from})
	if err := s.Send(gone, mail("msg_1")); !fault.Is(err, "notify_unavailable") {
		t.Errorf("a cancelled call: %v", err)
	}
}

// TestCheck: what only the far side of a network shows.
func TestCheck(t *testing.T) {
	s, _ := stub(t, 200, `{"VerifiedForSendingStatus":false}`, adapter.Options{From: from})
	says(t, "not yet verified", s.Check(t.Context()), "verified neither")
	mail, sms := clientsAt("http://127.0.0.1:1")
	says(t, "nobody there", adapter.New(mail, sms, adapter.Options{From: from}).Check(t.Context()), "SES in us-east-1", "SNS in us-east-1", "connection refused")
}

func says(t *testing.T, what string, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("%s: accepted", what)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("%s: %q does not say %q", what, err, p)
		}
	}
}
