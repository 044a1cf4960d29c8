package local_test

import (
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/steward-crm/steward/shared/table/local/localtest"
	"github.com/steward-crm/steward/shared/table/tabletest"
)

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func TestContract(t *testing.T) {
	defer goleak.VerifyNone(t)
	tabletest.Run(t, func(t *testing.T) tabletest.Store {
		c := newClock()
		s := localtest.Open(t, c.Now)
		return tabletest.Store{Table: s, Feed: s, Now: c.Now, Advance: c.Advance}
	})
}
