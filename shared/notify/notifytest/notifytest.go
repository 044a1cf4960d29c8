// Package notifytest is the contract of notify.Notify: every adapter passes it.
package notifytest

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/notify"
)

// Sent is one message as the far side got it.
type Sent struct{ To, Subject, Text string }

// Subject is an adapter under test and a look at its far side, oldest first.
type Subject struct {
	Notify notify.Notify
	Sent   func() []Sent
}

// Run holds the adapter that open returns against the contract. open gives a fresh one with an empty far side.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	ctx := context.Background()
	mail := func(mid id.Message) notify.Message {
		return notify.Message{
			ID: mid, Channel: notify.Email, To: "li@example.com", Template: "invitation", Locale: "zh-CN", At: time.Unix(1e9, 0),
			Words: map[string]string{"name": "李雷", "tenant": "acme", "temporaryPassword": "Tmp-9f3k-22ab-x"},
		}
	}
	t.Run("a mail is worded in its language and carries its words", func(t *testing.T) {
		s := open(t)
		if err := s.Notify.Send(ctx, mail("msg_1")); err != nil {
			t.Fatal(err)
		}
		got := s.Sent()
		if len(got) != 1 || got[0].To != "li@example.com" || got[0].Subject == "" || !strings.Contains(got[0].Text, "Tmp-9f3k-22ab-x") {
			t.Fatalf("sent %d messages; the words or the address are missing", len(got))
		}
		if strings.Contains(got[0].Text, "{") {
			t.Fatal("a blank of the template was left open")
		}
	})
	t.Run("the same id is sent once", func(t *testing.T) {
		s := open(t)
		for range 3 {
			if err := s.Notify.Send(ctx, mail("msg_1")); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(s.Sent()); n != 1 {
			t.Fatalf("sent %d times", n)
		}
	})
	t.Run("a text message has no subject", func(t *testing.T) {
		s := open(t)
		err := s.Notify.Send(ctx, notify.Message{
			ID: "msg_1", Channel: notify.SMS, To: "+8613800138000", Template: "verify", Locale: "zh-TW", At: time.Unix(1e9, 0),
			Words: map[string]string{"name": "韓梅梅", "minutes": "15", "code": "31415926"},
		})
		if err != nil {
			t.Fatal(err)
		}
		got := s.Sent()
		if len(got) != 1 || got[0].To != "+8613800138000" || got[0].Subject != "" || !strings.Contains(got[0].Text, "韓梅梅") || !strings.Contains(got[0].Text, "31415926") {
			t.Fatalf("sent %d messages; the words or the number are missing", len(got))
		}
	})
	t.Run("the same id at once is sent once", func(t *testing.T) {
		s := open(t)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := s.Notify.Send(ctx, mail("msg_1")); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := len(s.Sent()); n != 1 {
			t.Fatalf("sent %d times", n)
		}
	})
	t.Run("no address is undeliverable", func(t *testing.T) {
		s := open(t)
		m := mail("msg_1")
		m.To = ""
		if err := s.Notify.Send(ctx, m); !fault.Is(err, "undeliverable") {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("an unknown template sends nothing", func(t *testing.T) {
		s := open(t)
		m := mail("msg_1")
		m.Template = "no-such"
		if err := s.Notify.Send(ctx, m); !fault.Is(err, "template_unknown") {
			t.Fatalf("got %v", err)
		}
		if len(s.Sent()) != 0 {
			t.Fatal("something was sent")
		}
	})
}
