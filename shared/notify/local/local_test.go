package local_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/steward-crm/steward/shared/notify"
	"github.com/steward-crm/steward/shared/notify/local"
	"github.com/steward-crm/steward/shared/notify/notifytest"
)

func TestContract(t *testing.T) {
	notifytest.Run(t, func(t *testing.T) notifytest.Subject {
		o := open(t, filepath.Join(t.TempDir(), "outbox.jsonl"))
		return notifytest.Subject{Notify: o, Sent: func() []notifytest.Sent {
			var out []notifytest.Sent
			for _, it := range slices.Backward(o.Items()) {
				out = append(out, notifytest.Sent{To: it.To, Subject: it.Subject, Text: it.Text})
			}
			return out
		}}
	})
}

func TestOutboxSurvivesARestartAndACutLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outbox.jsonl")
	o := open(t, path)
	m := notify.Message{ID: "msg_1", Channel: notify.Email, To: "a@example.com", Template: "invitation", Locale: "en"}
	if err := o.Send(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"id":"msg_2","chan`); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	again := open(t, path)
	if err := again.Send(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	if got := again.Items(); len(got) != 1 || got[0].ID != "msg_1" {
		t.Fatalf("%d items after the restart; want the one that was sent", len(got))
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v; want 0600", fi.Mode(), err)
	}
}

func open(t *testing.T, path string) *local.Outbox {
	t.Helper()
	o, err := local.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	return o
}
