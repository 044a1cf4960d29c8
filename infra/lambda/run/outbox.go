package main

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/text"
)

// message is one that was sent, in the form of the local process's outbox.
type message struct {
	Channel           string    `json:"channel"`
	To                string    `json:"to"`
	Template          string    `json:"template"`
	Locale            string    `json:"locale"`
	Subject           string    `json:"subject,omitempty"`
	Text              string    `json:"text"`
	At                time.Time `json:"at"`
	TemporaryPassword string    `json:"temporaryPassword,omitempty"`
	Code              string    `json:"code,omitempty"`
}

// worded is a template in one language, as what it becomes.
type worded struct {
	channel, template, locale string
	form                      *regexp.Regexp
}

var blank = regexp.MustCompile(`\\\{([a-zA-Z]+)\\\}`)

// templates are all that the catalogue has.
var templates = sync.OnceValue(func() (all []worded) {
	for code, in := range text.Codes() {
		channel, rest, _ := strings.Cut(code, ".")
		template, ok := strings.CutSuffix(rest, ".text")
		if channel = map[string]string{"mail": "email", "sms": "sms"}[channel]; !ok || channel == "" {
			continue
		}
		for locale, words := range in {
			seen := map[string]bool{}
			form := blank.ReplaceAllStringFunc(regexp.QuoteMeta(words), func(s string) string {
				name := blank.FindStringSubmatch(s)[1]
				if seen[name] {
					return `.*?`
				}
				seen[name] = true
				return `(?P<` + name + `>.*?)`
			})
			all = append(all, worded{channel, template, locale, regexp.MustCompile(`(?s)^` + form + `$`)})
		}
	}
	return all
})

// read finds out which template the message is, and what stands in its blanks.
func read(m message) message {
	for _, t := range templates() {
		found := t.form.FindStringSubmatch(m.Text)
		if t.channel != m.Channel || found == nil {
			continue
		}
		m.Template, m.Locale = t.template, t.locale
		for i, name := range t.form.SubexpNames() {
			switch name {
			case "temporaryPassword":
				m.TemporaryPassword = found[i]
			case "code":
				m.Code = found[i]
			}
		}
		return m
	}
	return m
}

func (f *front) keepMail(body []byte) error {
	type words struct{ Data string }
	var in struct {
		Destination struct{ ToAddresses []string }
		Content     struct {
			Simple struct {
				Subject words
				Body    struct{ Text words }
			}
		}
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return err
	}
	m := in.Content.Simple
	f.keep("email", in.Destination.ToAddresses, m.Subject.Data, m.Body.Text.Data)
	return nil
}

func (f *front) keepText(body []byte) error {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return err
	}
	if form.Get("Action") == "Publish" && form.Get("PhoneNumber") != "" {
		f.keep("sms", []string{form.Get("PhoneNumber")}, "", form.Get("Message"))
	}
	return nil
}

func (f *front) keep(channel string, to []string, subject, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range to {
		f.sent = append(f.sent, read(message{Channel: channel, To: a, Subject: subject, Text: text, At: time.Now().UTC()}))
	}
}

// outbox answers what was sent, newest first, as the local process does.
func (f *front) outbox(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	items := slices.Clone(f.sent)
	f.mu.Unlock()
	slices.Reverse(items)
	if items == nil {
		items = []message{}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.MarshalWrite(w, map[string][]message{"items": items}) // the client went away; there is nobody to tell
}
