package main

import (
	"testing"

	"github.com/steward-crm/steward/functions"
	"github.com/steward-crm/steward/infra/stacks/deployed"
	"github.com/steward-crm/steward/shared/notify"
	"github.com/steward-crm/steward/shared/platform"
)

// TestOutbox: every message that Steward words is recognised in every language, with what the outbox shows of it.
func TestOutbox(t *testing.T) {
	for _, c := range []struct {
		channel  notify.Channel
		template string
	}{{notify.Email, "invitation"}, {notify.Email, "reset"}, {notify.Email, "verify"}, {notify.SMS, "verify"}} {
		for _, locale := range []string{"en", "zh-CN", "zh-TW"} {
			m := notify.Message{Channel: c.channel, To: "a@example.com", Template: c.template, Locale: locale, Words: map[string]string{
				"name": "Ann {Lee}", "tenant": "lotus", "temporaryPassword": "Xkd4-mtw7", "code": "123456", "minutes": "30", "days": "7", "hours": "2",
			}}
			subject, body, err := m.Worded()
			if err != nil {
				t.Fatal(err)
			}
			got := read(message{Channel: string(c.channel), To: m.To, Subject: subject, Text: body})
			if got.Template != c.template || got.Locale != locale {
				t.Errorf("%s %s %s is read as %s %s", c.channel, c.template, locale, got.Template, got.Locale)
			}
			if secret := got.TemporaryPassword + got.Code; secret != "Xkd4-mtw7" && secret != "123456" {
				t.Errorf("%s %s: it holds %q", c.template, locale, secret)
			}
		}
	}
}

// TestRoutes: each route of the stacks leads to the function of its operation, a fixed segment before a parameter, and nothing else leads anywhere.
func TestRoutes(t *testing.T) {
	stacks, err := deployed.Read("../../..", (&deployment{}).values())
	if err != nil {
		t.Fatal(err)
	}
	g := newGateway(stacks.Routes, nil)
	for _, r := range functions.All(&platform.Platform{}) {
		if got := g.find(r.Method, r.Path); got != r.Operation || stacks.Functions[got].Binary == "" {
			t.Errorf("%s %s leads to %q", r.Method, r.Path, got)
		}
	}
	for path, want := range map[string]string{
		"/v1/roles/templates": "roles.templates", "/v1/roles/role_1": "roles.get", "/v1/roles/": "", "/v1/roles//": "", "/V1/roles": "", "/": "", "/v1/roles/a/b": "",
	} {
		if got := g.find("GET", path); got != want {
			t.Errorf("%s leads to %q, want %q", path, got, want)
		}
	}
	if got := g.find("HEAD", "/healthz"); got != "" {
		t.Errorf("HEAD leads to %q", got)
	}
}
