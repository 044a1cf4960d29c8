package account

import (
	"encoding/hex"

	"github.com/steward-crm/steward/shared/collation"
)

// weightBytes bounds the weight of a name: names that agree so far are ordered by id.
const weightBytes = 96

// weight is where a name stands among others, in every tenant in the same order, because an index has one: compare the texts.
func weight(name string) string {
	var key [weightBytes + 2]byte // a little more, before it is cut
	return hex.EncodeToString(collation.Append(key[:0], name, weightBytes))
}
