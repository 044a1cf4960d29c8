// Package clocktest is the time of tests: a clock that stands still until it is moved.
package clocktest

import (
	"sync"
	"time"
)

// Clock stands still until it is moved. Safe for concurrent use.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// At returns a clock that shows the time.
func At(t time.Time) *Clock { return &Clock{at: t} }

// Now gives the time of the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Add moves the clock.
func (c *Clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}
