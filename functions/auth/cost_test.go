package auth_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/steward-crm/steward/shared/signin/signintest"
	"github.com/steward-crm/steward/shared/table/metered"
)

// TestCostOfSigningIn holds infra/docs/cost.md as functions.TestCosts does.
func TestCostOfSigningIn(t *testing.T) {
	page, err := os.ReadFile("../../infra/docs/cost.md")
	if err != nil {
		t.Fatal(err)
	}
	w := signintest.New(t)
	p := *w.Platform
	p.Table = metered.New(w.Table)
	v := w.Over(t, &p)
	who := v.Active(t, "li.lei@example.com")
	v.SignIn(who).Want(t, http.StatusOK, "") // the process has served before
	ctx, cost := metered.Count(t.Context())
	body := map[string]any{"tenant": who.Slug, "email": who.Email, "password": who.Password}
	v.API.Anonymous().Within(ctx).Post("/v1/auth/sign-in", body).Want(t, http.StatusOK, "")
	f := cost.Figures()
	row := fmt.Sprintf("| `auth.signIn` | %d | %g | %d |", f.Requests(), f.ReadUnits(), f.WriteUnits)
	if !strings.Contains(string(page), row) {
		t.Errorf("infra/docs/cost.md should say %s", row)
	}
}
