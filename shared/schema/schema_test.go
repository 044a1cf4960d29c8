package schema_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/schema"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local/localtest"
)

// TestVersions: data that is new, older or of this version is marked with it, once; newer data is refused by both, and left as it was.
func TestVersions(t *testing.T) {
	for _, row := range []struct {
		stored int // 0: nothing
		writes int64
		newer  bool
	}{{0, 1, false}, {schema.Version - 1, 2, false}, {schema.Version, 1, false}, {schema.Version + 1, 1, true}} {
		s := localtest.Open(t, time.Now)
		k := key.Control("SCHEMA", "version")
		if row.stored > 0 || row.writes > 1 {
			it := table.Item{Key: k, Doc: fmt.Appendf(nil, `{"version":%d}`, row.stored)}
			if err := s.Commit(t.Context(), "seed", table.Put(it, table.Absent)); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			for what, err := range map[string]error{"check": schema.Check(t.Context(), s), "mark": schema.Mark(t.Context(), s)} {
				if errors.Is(err, schema.ErrNewer) != row.newer || err != nil && !row.newer {
					t.Errorf("%d is stored: %s: %v", row.stored, what, err)
				}
			}
		}
		items, err := s.Get(t.Context(), k)
		if err != nil || len(items) != 1 || items[0].Version != row.writes {
			t.Errorf("%d is stored: then %+v, %v, want %d writes", row.stored, items, err, row.writes)
		}
	}
}
