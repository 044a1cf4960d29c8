// Package local is the notify adapter of a laptop: nothing leaves the machine, every message is kept in a readable outbox, one JSON
// document a line, newest last. The file holds addresses, codes and temporary passwords in plain, because it stands for the recipients'
// own mailboxes; its mode is 0600 and it is no part of a backup.
package local

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/notify"
)

// Kept is how many messages the outbox holds; older ones are dropped when it is opened or doubles in length.
const Kept = 1000

// Item is one message as the outbox shows it.
type Item struct {
	ID                id.Message     `json:"id"`
	Channel           notify.Channel `json:"channel"`
	To                string         `json:"to"`
	Template          string         `json:"template"`
	Locale            string         `json:"locale"`
	Subject           string         `json:"subject"`
	Text              string         `json:"text"`
	At                time.Time      `json:"at"`
	TemporaryPassword string         `json:"temporaryPassword,omitempty"`
	Code              string         `json:"code,omitempty"`
}

// Outbox keeps messages in a file. Safe for concurrent use.
type Outbox struct {
	path string

	mu    sync.Mutex
	file  *os.File
	items []Item // oldest first
	sent  map[id.Message]bool
}

// Open opens the outbox file, making it when it is missing. A last line that a crash cut short is dropped: its Send never answered.
func Open(path string) (*Outbox, error) {
	o := &Outbox{path: path, sent: map[id.Message]bool{}}
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var it Item
		if json.Unmarshal(lines.Bytes(), &it) == nil {
			o.items, o.sent[it.ID] = append(o.items, it), true
		}
	}
	if err := o.rewrite(); err != nil {
		return nil, err
	}
	return o, nil
}

// Send renders the message and appends it.
func (o *Outbox) Send(ctx context.Context, m notify.Message) error {
	if err := ctx.Err(); err != nil {
		return fault.New(fault.Unavailable, "notify_unavailable").Because(err)
	}
	it, err := render(m)
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.sent[m.ID] {
		return nil
	}
	line, err := json.Marshal(it)
	if err != nil {
		return err
	}
	if _, err := o.file.Write(append(line, '\n')); err != nil {
		return fault.New(fault.Unavailable, "notify_unavailable").Because(err)
	}
	if err := o.file.Sync(); err != nil {
		return fault.New(fault.Unavailable, "notify_unavailable").Because(err)
	}
	o.items, o.sent[m.ID] = append(o.items, it), true
	if len(o.items) > 2*Kept {
		return o.rewrite()
	}
	return nil
}

// Items gives the messages, newest first.
func (o *Outbox) Items() []Item {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := slices.Clone(o.items)
	slices.Reverse(out)
	return out
}

// Close closes the file.
func (o *Outbox) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.file.Close()
}

// rewrite leaves the newest messages in a fresh file and keeps it open for appending.
func (o *Outbox) rewrite() error {
	if n := len(o.items) - Kept; n > 0 {
		for _, it := range o.items[:n] {
			delete(o.sent, it.ID)
		}
		o.items = slices.Clone(o.items[n:])
	}
	f, err := os.CreateTemp(filepath.Dir(o.path), ".outbox-*") // mode 0600
	if err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	w := bufio.NewWriter(f)
	for _, it := range o.items {
		line, err := json.Marshal(it)
		if err == nil {
			_, err = w.Write(append(line, '\n'))
		}
		if err != nil {
			return errors.Join(fmt.Errorf("outbox: %w", err), f.Close(), os.Remove(f.Name()))
		}
	}
	if err := errors.Join(w.Flush(), f.Sync(), os.Rename(f.Name(), o.path)); err != nil {
		return errors.Join(fmt.Errorf("outbox: %w", err), f.Close())
	}
	if o.file != nil {
		_ = o.file.Close() // replaced; everything in it was synced
	}
	o.file = f
	return nil
}

// render gives the message as the outbox keeps it.
func render(m notify.Message) (Item, error) {
	subject, body, err := m.Worded()
	if err != nil {
		return Item{}, err
	}
	return Item{
		ID: m.ID, Channel: m.Channel, To: m.To, Template: m.Template, Locale: m.Locale, Subject: subject, Text: body, At: m.At.UTC(),
		TemporaryPassword: m.Words["temporaryPassword"], Code: m.Words["code"],
	}, nil
}
