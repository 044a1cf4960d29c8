package dynamo

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/table"
)

// A condition cannot look into the doc, which is kept as the bytes that were put. So beside it stands one mark for each string among its
// top-level members: 12 letters that hold 72 bits of a hash of name and value. The marks of an item stand side by side in one attribute, and
// Equals asks whether it contains the mark. Who looks for another value with the same mark has some 2^65 tries to make, since a mark
// may be met anywhere among up to a hundred letters.
const (
	markLen   = 12
	markBytes = markLen / 4 * 3
	// markRoom is what of Item.Size's allowance for an item is not spent on the names and numbers of its attributes.
	markRoom = 2 * markLen
)

func mark(name, value string) string {
	b := make([]byte, 0, 128)
	b = append(b, name...)
	b = append(b, 0xFF) // in no UTF-8 text
	b = append(b, value...)
	h := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(h[:markBytes])
}

// marks are those of a doc that table.CheckCommit let pass, in the order of its members.
func marks(doc []byte) string {
	if len(doc) == 0 {
		return ""
	}
	var out strings.Builder
	d := jsontext.NewDecoder(bytes.NewBuffer(doc))
	_, err := d.ReadToken()
	for err == nil && d.PeekKind() == '"' {
		var t jsontext.Token
		if t, err = d.ReadToken(); err != nil {
			break
		}
		name := t.String()
		if d.PeekKind() != '"' {
			err = d.SkipValue()
			continue
		}
		if t, err = d.ReadToken(); err == nil {
			out.WriteString(mark(name, t.String()))
		}
	}
	return out.String()
}

// weight is what the item counts against the limits here: its marks are stored too.
func weight(it *table.Item, marks string) int { return it.Size() + max(0, len(marks)-markRoom) }
