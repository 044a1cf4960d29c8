package audit

import (
	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/fault"
)

// Sealer is the key that before and after are sealed under: the target's own if it has one, else the tenant's.
type Sealer interface {
	Seal(p crypt.Place, plain []byte) ([]byte, error)
	Digest(plain []byte) []byte
}

// Place is where before and after of a target's events are sealed to.
func Place(target string) crypt.Place {
	return crypt.Place{Record: target, Item: "AUDIT", Path: "change", Schema: 1}
}

// images is what an event seals.
type images struct {
	Before any `json:"before"`
	After  any `json:"after"`
}

// Images gives the event what its target was before and is after, sealed to its Place, with a keyed digest: JSON {"before":…,"after":…} of the
// whole or of what changed, null where there was or is nothing. Target must be set.
func (e *Event) Images(k Sealer, before, after any) error {
	b, err := json.Marshal(images{before, after}, json.Deterministic(true))
	if err != nil {
		return fault.New(fault.Internal, "internal").Because(err)
	}
	e.Digest = k.Digest(b)
	e.Sealed, err = k.Seal(Place(e.Target), b)
	return err
}
