package org_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/keys"
	"github.com/steward-crm/steward/shared/org"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/sealed"
)

var requirable = []string{"name", "email", "phone"}

func (w *world) settings(t testing.TB, version int64, p org.SettingsPatch) (s org.Settings, err error) {
	t.Helper()
	err = w.try(t.Context(), w.admin, func(who *policy.Subject, c *change.Set) error {
		s, err = w.org.PatchSettings(t.Context(), who, c, version, p, requirable)
		return err
	})
	return s, err
}

func TestSettings(t *testing.T) {
	w := newWorld(t)
	who, err := w.subject(t.Context(), w.admin)
	must(t, err)
	was, err := w.org.Settings(who)
	must(t, err)
	w.department(t, "", "Sales") // a change of the organisation makes no settings form stale
	now, err := w.settings(t, was.Version, org.SettingsPatch{
		Locale: patch.Of("zh-TW"), Region: patch.Of("TW"), RequiredAccountFields: patch.Of([]string{"phone", "email", "phone"}),
		ModulesOff: patch.Of([]string{"campaign"}), PasswordMinLength: patch.Of(16),
	})
	must(t, err)
	row, _ := w.row(t)
	if s := row.Settings; s.Locale != "zh-TW" || s.Region != "TW" || strings.Join(s.RequiredAccountFields, " ") != "email phone" ||
		strings.Join(s.ModulesOff, " ") != "campaign" || s.PasswordMinLength != 16 || s.PasswordComposition {
		t.Errorf("kept as %+v", s)
	}
	if now.Version != was.Version+1 {
		t.Errorf("version %d after %d", now.Version, was.Version)
	}
	who, err = w.subject(t.Context(), w.admin)
	must(t, err)
	if policy.May(who, policy.ModCampaign, policy.View) != policy.None {
		t.Error("a module that is off still gives rights")
	}
	edgetest.Unchanged(t, w.Table, func() {
		_, err := w.settings(t, was.Version, org.SettingsPatch{Locale: patch.Of("en")})
		edgetest.Refused(t, err, "version_conflict")
		_, err = w.settings(t, 0, org.SettingsPatch{Locale: patch.Of("zh-TW"), RequiredAccountFields: patch.Of([]string{"email", "phone"})})
		must(t, err)
	})
	back, err := w.settings(t, 0, org.SettingsPatch{PasswordMinLength: patch.Field[int]{Set: true, Null: true}, ModulesOff: patch.Field[[]string]{Set: true, Null: true}})
	must(t, err)
	if back.PasswordMinLength != org.MinPassword || len(back.ModulesOff) != 0 || back.Locale != "zh-TW" {
		t.Errorf("set back to %+v", back)
	}
}

func TestSettingsRefused(t *testing.T) {
	w := newWorld(t)
	edgetest.Unchanged(t, w.Table, func() {
		_, err := w.settings(t, 0, org.SettingsPatch{
			Locale: patch.Of("de"), Region: patch.Of("cn"), RequiredAccountFields: patch.Of([]string{"email", "shoeSize"}),
			ModulesOff: patch.Of([]string{"user", "campaign", "weather"}), PasswordMinLength: patch.Of(11),
		})
		edgetest.Field(t, err, "/locale", "invalid_locale")
		edgetest.Field(t, err, "/region", "invalid_region")
		edgetest.Field(t, err, "/requiredAccountFields/1", "unknown_account_field")
		edgetest.Field(t, err, "/modulesOff/0", "module_not_switchable")
		edgetest.Field(t, err, "/modulesOff/2", "unknown_module")
		edgetest.Field(t, err, "/passwordMinLength", "out_of_range")
		if n := len(fault.Of(err).Fields); n != 6 {
			t.Errorf("%d fields at fault", n)
		}
		for _, bad := range []string{"XX", "EU", "001", "China", "C"} {
			_, err := w.settings(t, 0, org.SettingsPatch{Region: patch.Of(bad)})
			edgetest.Field(t, err, "/region", "invalid_region")
		}
		_, err = w.settings(t, 0, org.SettingsPatch{PasswordMinLength: patch.Of(129)})
		edgetest.Field(t, err, "/passwordMinLength", "out_of_range")
	})
}

// TestSettingsRaced holds I19: two changes of different settings at once are both kept.
func TestSettingsRaced(t *testing.T) {
	w := newWorld(t)
	var all sync.WaitGroup
	for _, p := range []org.SettingsPatch{
		{Locale: patch.Of("zh-CN")}, {Region: patch.Of("TW")}, {PasswordMinLength: patch.Of(20)},
	} {
		all.Go(func() {
			if _, err := w.settings(t, 0, p); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	row, _ := w.row(t)
	if s := row.Settings; s.Locale != "zh-CN" || s.Region != "TW" || s.PasswordMinLength != 20 {
		t.Errorf("one change was lost: %+v", s)
	}
}

// TestCompany holds O01, and that the company's addresses are sealed.
func TestCompany(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	who, err := w.subject(ctx, w.admin)
	must(t, err)
	_, err = w.org.Company(ctx, who)
	edgetest.Refused(t, err, "not_found")
	put := func(d org.Company) error {
		return w.system(ctx, func(c *change.Set) error { _, err := w.org.PutCompany(ctx, c, w.tenant, d); return err })
	}
	first := org.Company{Name: " Acme ", Address: "1 Main St\nTaipei", Phone: "+886 2 2345 6789", Email: "Info@Canary.example"}
	must(t, put(first))
	edgetest.Unchanged(t, w.Table, func() { must(t, put(first)) }) // the step of onboarding ran again
	got, err := w.org.Company(ctx, who)
	must(t, err)
	if got.Name != "Acme" || got.Address != "1 Main St\nTaipei" || got.Phone != "+886223456789" || got.Email != "Info@canary.example" || got.Version != 1 {
		t.Errorf("kept as %+v", got)
	}
	set := func(version int64, d org.Company) error {
		return w.try(ctx, w.admin, func(who *policy.Subject, c *change.Set) error {
			_, err := w.org.SetCompany(ctx, who, c, version, d)
			return err
		})
	}

	must(t, w.Master.SetState(keys.Data, keys.Disabled))
	w.Clock.Add(crypt.MaxAge)
	if locked, err := w.org.Company(ctx, who); err != nil || locked.Name != got.Name || locked.Address != got.Address || locked.Version != got.Version ||
		locked.Phone != sealed.Locked || locked.Email != sealed.Locked {
		t.Errorf("without the key the company is %+v, %v", locked, err)
	}
	edgetest.Unchanged(t, w.Table, func() {
		edgetest.Refused(t, set(1, org.Company{Name: "New"}), "key_unavailable")
		edgetest.Refused(t, set(1, org.Company{Name: "Acme"}), "key_unavailable")
	})
	must(t, w.Master.SetState(keys.Data, keys.Enabled))
	if again, err := w.org.Company(ctx, who); err != nil || again != got {
		t.Errorf("with the key again the company is %+v, %v", again, err)
	}

	must(t, set(1, org.Company{Name: "Acme", Phone: "010-62345678"})) // read in the tenant's region
	if got, err = w.org.Company(ctx, who); err != nil || got.Phone != "+861062345678" || got.Email != "" || got.Address != "" || got.Version != 2 {
		t.Errorf("replaced by %+v, %v", got, err)
	}
	edgetest.Unchanged(t, w.Table, func() {
		edgetest.Refused(t, set(1, org.Company{Name: "New"}), "version_conflict")
		err := set(0, org.Company{Name: " ", Address: "a\u0000b", Phone: "12", Email: "x"})
		edgetest.Field(t, err, "/name", "required")
		edgetest.Field(t, err, "/address", "forbidden_character")
		edgetest.Field(t, err, "/phone", "invalid_phone")
		edgetest.Field(t, err, "/email", "invalid_email")
	})
	dump := strings.ToLower(edgetest.Dump(t, w.Table))
	for _, s := range []string{"canary", "223456789", "62345678"} {
		if strings.Contains(dump, s) {
			t.Errorf("%s lies in the store in plain", s)
		}
	}
}
