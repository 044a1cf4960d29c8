package edge

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/fault"
)

// A cursor is the position that a list's handler named, with the time until which it is accepted, sealed under the tenant's key. The
// user, the operation, its path, its query and what its body asks for are bound as additional data: anywhere else the cursor does not
// open. The page's size may change on the way.
//
// While the tenant's key is disabled there are no cursors: a list that one page holds is answered, one that has more is Locked
// key_unavailable. A page without its nextCursor would say that nothing follows; and no other key will do, because positions hold names
// that roles may hide.
const maxCursor = 2048

func (x *exchange) cursorPlace() crypt.Place {
	return crypt.Place{
		Record: string(x.who.User),
		Item:   x.route.Operation,
		Path:   "cursor " + x.r.URL.EscapedPath() + "?" + x.query.Encode() + x.asked,
		Schema: 1,
	}
}

func (x *exchange) sealCursor(ctx context.Context, next string) (string, error) {
	tk, err := x.server.Crypt.Tenant(ctx, x.who.Tenant)
	if err != nil {
		return "", err
	}
	plain := binary.BigEndian.AppendUint64(nil, uint64(x.begun.Add(x.server.Limits.CursorLife).Unix()))
	sealed, err := tk.Seal(x.cursorPlace(), append(plain, next...))
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// openCursor answers Malformed invalid_cursor for whatever is not a cursor of this user and query in its time.
func (x *exchange) openCursor(ctx context.Context, cursor string) (string, error) {
	invalid := fault.New(fault.Malformed, "invalid_cursor")
	if x.who == nil || cursor == "" || len(cursor) > maxCursor {
		return "", invalid
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil {
		return "", invalid
	}
	tk, err := x.server.Crypt.Tenant(ctx, x.who.Tenant)
	if err != nil {
		return "", err
	}
	plain, err := tk.Open(x.cursorPlace(), sealed)
	if err != nil || len(plain) < 9 {
		return "", invalid
	}
	if x.begun.After(time.Unix(int64(binary.BigEndian.Uint64(plain)), 0)) {
		return "", invalid
	}
	return string(plain[8:]), nil
}
