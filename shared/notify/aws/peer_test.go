//go:build peers

package aws_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/infra/peers"
	adapter "github.com/steward-crm/steward/shared/notify/aws"
	"github.com/steward-crm/steward/shared/notify/notifytest"
)

func TestContractOnMoto(t *testing.T) {
	moto := peers.Moto(t)
	notifytest.Run(t, func(t *testing.T) notifytest.Subject {
		empty(t, moto)
		mail, sms := onMoto(moto)
		if _, err := mail.CreateEmailIdentity(t.Context(), &sesv2.CreateEmailIdentityInput{EmailIdentity: &from}); err != nil {
			t.Fatal(err)
		}
		return notifytest.Subject{Notify: adapter.New(mail, sms, adapter.Options{From: from, SenderID: "Steward"}), Sent: func() []notifytest.Sent {
			return sent(t, moto)
		}}
	})
}

func TestCheckOnMoto(t *testing.T) {
	moto := peers.Moto(t)
	mail, sms := onMoto(moto)
	says(t, "nothing verified", adapter.New(mail, sms, adapter.Options{From: from, ConfigurationSet: "events"}).Check(t.Context()),
		"verified neither desk@steward.example nor steward.example", "configuration set events in us-east-1")
	says(t, "no address", adapter.New(mail, sms, adapter.Options{}).Check(t.Context()), "no address to send from")
}

// onMoto are clients that bear an answer of moto that breaks off.
func onMoto(moto string) (*sesv2.Client, *sns.Client) {
	mail, sms := clientsAt(moto)
	m, s := mail.Options(), sms.Options()
	m.HTTPClient, s.HTTPClient = peers.Client(), peers.Client()
	return sesv2.New(m), sns.New(s)
}

func empty(t *testing.T, moto string) {
	t.Helper()
	r, err := http.Post(moto+"/moto-api/reset", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
}

// sent reads moto's own memory, which is as far as its messages go.
func sent(t *testing.T, moto string) []notifytest.Sent {
	t.Helper()
	r, err := http.Get(moto + "/moto-api/data.json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	var data struct {
		Mail struct {
			Messages []struct {
				Subject string `json:"subject"`
				Body    string `json:"body"`
				To      struct {
					Addresses []string `json:"ToAddresses"`
				} `json:"destinations"`
			} `json:"Message"`
		} `json:"ses"`
		Texts struct {
			Messages []struct {
				Number string `json:"phone_number"`
				Text   string `json:"message"`
			} `json:"SMS"`
		} `json:"sns"`
	}
	if err := json.Unmarshal(b, &data); err != nil {
		t.Fatalf("%v in %.2000s", err, b)
	}
	var out []notifytest.Sent
	for _, m := range data.Mail.Messages {
		for _, to := range m.To.Addresses {
			out = append(out, notifytest.Sent{To: to, Subject: m.Subject, Text: m.Body})
		}
	}
	for _, m := range data.Texts.Messages {
		out = append(out, notifytest.Sent{To: m.Number, Text: m.Text})
	}
	return out
}
