package edge_test

import (
	"net/http"
	"testing"
)

func TestAThingsLife(t *testing.T) {
	w := newWorld(t)
	boss := w.api.As(w.boss)
	made := boss.Post("/v1/things", map[string]any{"name": "lamp"}).Want(t, http.StatusCreated, "")
	var th thing
	made.Read(t, &th)
	if made.ETag() != `"1"` || made.Header.Get("Location") != "/v1/things/"+string(th.ID) {
		t.Fatalf("headers %v", made.Header)
	}
	path := "/v1/things/" + string(th.ID)
	boss.Get(path).Want(t, http.StatusOK, "")
	boss.Patch(path, map[string]any{"name": "torch"}).Want(t, http.StatusPreconditionRequired, "if_match_required")
	changed := boss.IfMatch(made.ETag()).Patch(path, map[string]any{"name": "torch"}).Want(t, http.StatusOK, "")
	if changed.ETag() != `"2"` {
		t.Fatalf("ETag %s after the change", changed.ETag())
	}
	stale := boss.IfMatch(made.ETag()).Patch(path, map[string]any{"name": "lamp"}).Want(t, http.StatusPreconditionFailed, "version_conflict")
	if stale.Problem().Version != 2 {
		t.Fatalf("the stale answer names version %d", stale.Problem().Version)
	}
}
