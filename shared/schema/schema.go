// Package schema numbers how keys and documents lie in the table, and keeps code away from data that a newer one wrote: it would read what
// it does not understand, and write what the newer one cannot trust. It knows no document but its own.
package schema

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
)

// Version is how this code reads and writes. It goes up with a change that older code must not meet, and never down.
const Version = 2

// ErrNewer says that the data was written by code of a higher Version.
var ErrNewer = errors.New("the data was written by a newer version of Steward")

// at is what a function reads while it starts: it pays for the connection, too.
var at = key.Control("SCHEMA", "version")

type doc struct {
	Version int `json:"version"`
}

// Check reads once, and answers ErrNewer for data that this code must leave alone. A table that says nothing is of Version 1 or empty.
func Check(ctx context.Context, t table.Table) error {
	_, _, err := read(ctx, t)
	return err
}

// Mark has the table say this Version unless it says so or ErrNewer. It is called where a deployment begins to write by this code, and again
// as often as one likes.
func Mark(ctx context.Context, t table.Table) error {
	have, version, err := read(ctx, t)
	if err != nil || have == Version {
		return err
	}
	b, err := json.Marshal(doc{Version})
	if err != nil {
		return err
	}
	cond := table.Absent
	if version > 0 {
		cond = table.VersionIs(version)
	}
	err = t.Commit(ctx, fmt.Sprintf("schema-%d-%d", Version, version), table.Put(table.Item{Key: at, Doc: b}, cond))
	if _, raced := errors.AsType[*table.ConditionFailed](err); raced {
		return Check(ctx, t)
	}
	return err
}

func read(ctx context.Context, t table.Table) (have int, version int64, err error) {
	items, err := t.Get(ctx, at)
	if err != nil || len(items) == 0 {
		return 0, 0, err
	}
	var d doc
	if err := json.Unmarshal(items[0].Doc, &d); err != nil {
		return 0, 0, fault.New(fault.Internal, "internal").Because(err)
	}
	if d.Version > Version {
		return 0, 0, fmt.Errorf("%w: its schema is %d, this version reads up to %d", ErrNewer, d.Version, Version)
	}
	return d.Version, items[0].Version, nil
}
