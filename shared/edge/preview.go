package edge

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// Preview tells what the staged writes of a change would do: its answer is shown to whoever would make the change. It writes nothing.
type Preview func(ctx context.Context, who *policy.Subject, writes []table.Write) (any, error)

// headerPreview names, on the real call, the preview that the change was decided on.
const headerPreview = "Preview-Hash"

// previewed is the answer to preview=true.
type previewed struct {
	Hash    string `json:"hash"` // for the header Preview-Hash of the real call
	Preview any    `json:"preview"`
}

// readPreview takes in the header of the real call.
func (x *exchange) readPreview() error {
	v := x.r.Header[headerPreview]
	if len(v) == 0 {
		return nil
	}
	if x.route.Preview == nil || x.route.Foretells != "" || len(v) != 1 || len(v[0]) != sha256.Size*2 {
		return fault.New(fault.Malformed, "preview_hash_invalid")
	}
	x.foreseen = v[0]
	return nil
}

// foretell answers what the change would do instead of its own reply.
func (x *exchange) foretell(ctx context.Context) error {
	if err := x.set.Verify(ctx, x.server.Table); err != nil {
		return err
	}
	writes, err := x.set.Writes()
	if err != nil {
		return err
	}
	told, err := x.route.Preview(ctx, x.who, writes)
	if err != nil {
		return err
	}
	b, err := json.Marshal(previewed{x.premises(writes), told}, json.Deterministic(true))
	if err != nil {
		return fault.New(fault.Internal, "internal").Because(err)
	}
	x.reply = answer{status: http.StatusOK, typ: "application/json", body: b}
	return nil
}

// foresee holds a change to the preview that it was decided on: the same change, on the same roles, organisation, settings and records.
func (x *exchange) foresee() error {
	if x.foreseen == "" {
		return nil
	}
	writes, err := x.set.Writes()
	if err != nil {
		return err
	}
	moved := fault.New(fault.Conflict, "preview_stale")
	if x.premises(writes) != x.foreseen {
		return moved
	}
	root := key.Tenant(x.who.Tenant)
	if !x.set.Empty() && !slices.ContainsFunc(writes, func(w table.Write) bool { return w.Item.Key == root }) {
		x.set.Check(root, table.VersionIs(x.who.OrgVersion), moved)
	}
	return nil
}

// premises names the change and all that it was previewed on: the tenant's row, which every change of roles, organisation and settings
// raises, and the versions of what it replaces. Who asks is not part of it, so that one may preview and another decide.
func (x *exchange) premises(writes []table.Write) string {
	body := jsontext.Value(slices.Clone(x.body))
	if len(body) > 0 {
		_ = body.Canonicalize() // it was decoded, so it is JSON
	}
	parts := []string{string(x.who.Tenant), cmp.Or(x.route.Foretells, x.route.Operation), string(body), strconv.FormatInt(x.who.OrgVersion, 10)}
	for _, name := range slices.Sorted(maps.Keys(x.path)) {
		parts = append(parts, name, x.path[name])
	}
	var versions []string
	for _, w := range writes {
		if w.If.Kind == table.CondVersion {
			versions = append(versions, w.Item.PK+"\x00"+w.Item.SK+"\x00"+strconv.FormatInt(w.If.Version, 10))
		}
	}
	slices.Sort(versions)
	h := sha256.New()
	for _, p := range append(parts, versions...) {
		h.Write([]byte(strconv.Itoa(len(p)) + ":" + p))
	}
	return hex.EncodeToString(h.Sum(nil))
}
