package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
)

// counterRound says how far the recount of all tenants is.
var counterRound = key.Control("FEED", "accounts-round")

// roundDoc is a round over all tenants.
type roundDoc struct {
	Begun time.Time `json:"begun"`
	After id.Tenant `json:"after,omitzero"` // the last tenant that was recounted
	Done  bool      `json:"done,omitzero"`
}

// roundEvery is how long after the beginning of one round the next begins.
const roundEvery = time.Hour

// Work does what there is to do within the context's time, for a process that is started again and again: it takes turns until the counts are up
// to date, and then goes on with the hourly recount of all tenants where the process before it stopped. That the time ends is no error, for all
// that was done stays done. A tenant that cannot be recounted does not keep the others from it; the errors come together.
func (c *Counters) Work(ctx context.Context, now func() time.Time) error {
	err := c.work(ctx, now)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (c *Counters) work(ctx context.Context, now func() time.Time) error {
	for {
		n, err := c.Advance(ctx, now())
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
	}
	d, version, err := c.roundAt(ctx)
	if err != nil {
		return err
	}
	if d.Done && now().Sub(d.Begun) < roundEvery {
		return nil
	}
	if d.Done || version == 0 {
		d = roundDoc{Begun: now().UTC()}
	}
	var failed []error
	q := table.Query{Index: table.G1, PK: key.Tenants("").PK, From: string(d.After), Limit: table.MaxLimit}
	for {
		p, err := c.table.Query(ctx, q)
		if err != nil {
			return err
		}
		for _, it := range p.Items {
			x, ok := key.TenantOf(it.PK)
			if !ok || x == d.After {
				continue
			}
			err := c.recountAll(ctx, x, now)
			if ctx.Err() != nil {
				return err
			}
			failed = append(failed, err)
			d.After = x
			if version, err = c.note(ctx, &d, version); err != nil {
				return errors.Join(append(failed, err)...)
			}
		}
		if q.Cursor = p.Cursor; q.Cursor == "" {
			break
		}
	}
	d.After, d.Done = "", true
	_, err = c.note(ctx, &d, version)
	return errors.Join(append(failed, err)...)
}

// roundAt reads how far the round is.
func (c *Counters) roundAt(ctx context.Context) (d roundDoc, version int64, err error) {
	items, err := c.table.Get(ctx, counterRound)
	if err != nil || len(items) == 0 {
		return d, 0, err
	}
	if err := json.Unmarshal(items[0].Doc, &d); err != nil {
		return d, 0, fault.New(fault.Internal, "internal").Because(err)
	}
	return d, items[0].Version, nil
}

// note writes it, unless another process goes on with the round: then this one is busy no more.
func (c *Counters) note(ctx context.Context, d *roundDoc, version int64) (int64, error) {
	b, err := json.Marshal(d)
	if err != nil {
		return 0, err
	}
	cond := table.Absent
	if version > 0 {
		cond = table.VersionIs(version)
	}
	token := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%s", counterRound.SK, version, b))
	err = c.table.Commit(ctx, hex.EncodeToString(token[:16]), table.Put(table.Item{Key: counterRound, Doc: b}, cond))
	if _, moved := errors.AsType[*table.ConditionFailed](err); moved {
		return 0, busy()
	}
	return version + 1, err
}
