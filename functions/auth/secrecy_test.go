package auth_test

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/signin/signintest"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/user"
)

// TestNothingSecretIsStoredOrLogged runs every flow and looks for what went through it: in the table, job payloads and counters included,
// and in the log.
func TestNothingSecretIsStoredOrLogged(t *testing.T) {
	w := signintest.New(t)
	const address, typo = "canary.person@acme.example", "canary.typo@acme.example"
	p := w.Invited(t, user.Draft{Name: "李雷", Email: address, Phone: "+8613800138000"})
	temporary := p.Password
	s := challenged(t, w, p, "new_password")
	answer(w, s, "newPassword", "canary-too").Want(t, http.StatusUnprocessableEntity, "password_too_short")
	w.Answer(t, p)
	canaries := []string{address, typo, "canary-too", temporary, "+8613800138000", s, p.Access, p.Refresh, signintest.First, signintest.Second, "wrong-Password-1"}
	for _, who := range []*signintest.Person{p, {Slug: "acme", Email: typo}, {Slug: "canary-slug", Email: address}} {
		try(w, home, who, "wrong-Password-1").Want(t, http.StatusUnauthorized, "credentials_invalid")
		forgot(w, who.Slug, who.Email).Want(t, http.StatusAccepted, "")
	}
	code := sent(t, w, p)
	canaries = append(canaries, code, strings.ReplaceAll(code, "-", ""))
	w.As(p).Post("/v1/me/verifications", map[string]any{"attribute": "phone"}).Want(t, http.StatusAccepted, "")
	w.Jobs(t)
	canaries = append(canaries, w.Mail(t, "+8613800138000").Code)
	look := func(when string) {
		t.Helper()
		everything := edgetest.Dump(t, w.Table) + w.Logged.String()
		if !strings.Contains(everything, string(p.ID)) {
			t.Fatal("not even the user is there: this test looks at the wrong place")
		}
		for _, c := range canaries {
			for form, text := range map[string]string{
				"is": c, "in hex": hex.EncodeToString([]byte(c)), "in base64": strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(c)), "="),
			} {
				if strings.Contains(everything, text) {
					t.Errorf("%s: %q stands there as it %s", when, c[:min(6, len(c))], form)
				}
			}
		}
	}
	look("while the codes are out")
	reset(w, home, p, code, signintest.Second).Want(t, http.StatusNoContent, "")
	w.Jobs(t)
	look("after the reset")
}

// TestManyFirstSignInsAtOnce: everybody of a new company answers the invitation in the same moment.
func TestManyFirstSignInsAtOnce(t *testing.T) {
	w := signintest.New(t)
	people := make([]*signintest.Person, 10)
	sessions := make([]string, len(people))
	for i := range people {
		people[i] = w.Invited(t, user.Draft{Name: "同事" + strconv.Itoa(i), Email: "u" + strconv.Itoa(i) + "@acme.example"})
		sessions[i] = challenged(t, w, people[i], "new_password")
	}
	codes := make([]string, len(people))
	var wg sync.WaitGroup
	for i := range people {
		wg.Go(func() { codes[i] = answer(w, sessions[i], "newPassword", signintest.First).Code() })
	}
	wg.Wait()
	if n := count(codes, ""); n != len(people) {
		t.Errorf("%d of %d went through: %q", n, len(people), codes)
	}
}

// TestTheCompanyIsNoPassword: the name of the company is personal, as the tenant's slug is.
func TestTheCompanyIsNoPassword(t *testing.T) {
	w := signintest.New(t)
	w.Commit(t, table.Put(table.Item{Key: key.Company(w.Tenant), Doc: []byte(`{"name":"Zyxolith Werke"}`)}, table.Absent))
	p := w.Invited(t, user.Draft{Name: "李雷", Email: li})
	s := challenged(t, w, p, "new_password")
	answer(w, s, "newPassword", "Zyxolith-41-vexed").Want(t, http.StatusUnprocessableEntity, "password_contextual")
	answer(w, s, "newPassword", "Vexed-otter-Acme-41").Want(t, http.StatusUnprocessableEntity, "password_contextual")
	w.Edit(t, key.Tenant(w.Tenant), func(doc map[string]any) {
		doc["settings"] = map[string]any{"passwordMinLength": 24, "passwordComposition": true}
	})
	answer(w, s, "newPassword", "quiet-otter-sixty-ladder").Want(t, http.StatusUnprocessableEntity, "password_composition")
	answer(w, s, "newPassword", signintest.First).Want(t, http.StatusUnprocessableEntity, "password_too_short")
	answer(w, s, "newPassword", "Quiet-otter-sixty-3-ladder").Want(t, http.StatusOK, "")
}

// FuzzSession: whatever a client sends as session, it is refused and nothing breaks.
func FuzzSession(f *testing.F) {
	w := signintest.New(f)
	p := w.Invited(f, user.Draft{Name: "李雷", Email: li})
	var out signintest.Outcome
	w.SignIn(p).Want(f, http.StatusOK, "").Read(f, &out)
	for _, s := range []string{out.Session, "", "A", "====", strings.Repeat("A", 400), out.Session[:40], "\u0000", "é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if s == out.Session || !utf8.ValidString(s) { // the edge refuses the latter before anybody sees it
			return
		}
		a := w.API.Anonymous().Post("/v1/auth/challenge", map[string]any{"session": s, "newPassword": signintest.First})
		if a.Status != http.StatusUnauthorized && a.Status != http.StatusUnprocessableEntity && a.Status != http.StatusBadRequest {
			t.Errorf("%d %s", a.Status, a.Code())
		}
	})
}
