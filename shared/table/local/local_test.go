package local_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/steward-crm/steward/shared/clocktest"
	"github.com/steward-crm/steward/shared/table/local/localtest"
	"github.com/steward-crm/steward/shared/table/tabletest"
)

func newClock() *clocktest.Clock { return clocktest.At(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)) }

func TestContract(t *testing.T) {
	defer goleak.VerifyNone(t)
	tabletest.Run(t, func(t *testing.T) tabletest.Store {
		c := newClock()
		s := localtest.Open(t, c.Now)
		return tabletest.Store{Table: s, Feed: s, Now: c.Now, Advance: c.Add}
	})
}
