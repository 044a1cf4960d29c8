package webhooks_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/functions/webhooks"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/tenant"
	"github.com/steward-crm/steward/shared/webhook"
)

// TestUnsignedChangesNothing is entries 70 to 73, 80 to 82 of the list of bad input: what is refused before the body is read.
func TestUnsignedChangesNothing(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(created(), json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	body := string(b)
	spaced := strings.Replace(body, `{`, `{ `, 1)
	type message struct{ id, stamp, signature, body, contentType string }
	for _, row := range []struct {
		name   string
		edit   func(d *desk, m *message)
		status int
		code   string
	}{
		{"no signature", func(_ *desk, m *message) { m.signature = "" }, 401, "signature_invalid"},
		{"version alone", func(_ *desk, m *message) { m.signature = "v1," }, 401, "signature_invalid"},
		{"wrong signature", func(_ *desk, m *message) { m.signature = "v1," + strings.Repeat("A", 43) + "=" }, 401, "signature_invalid"},
		{"other version only", func(_ *desk, m *message) { m.signature = "v2" + m.signature[2:] }, 401, "signature_invalid"},
		{"no timestamp", func(_ *desk, m *message) { m.stamp = "" }, 401, "timestamp_out_of_tolerance"},
		{"timestamp is text", func(_ *desk, m *message) { m.stamp = "now" }, 401, "timestamp_out_of_tolerance"},
		{"negative timestamp", func(_ *desk, m *message) { m.stamp = "-1" }, 401, "timestamp_out_of_tolerance"},
		{"too old", func(d *desk, m *message) { d.Clock.Add(301 * time.Second) }, 401, "timestamp_out_of_tolerance"},
		{"too far ahead", func(d *desk, m *message) { d.Clock.Add(-301 * time.Second) }, 401, "timestamp_out_of_tolerance"},
		{"no id", func(_ *desk, m *message) { m.id = "" }, 400, "webhook_id_required"},
		{"id that cannot be", func(_ *desk, m *message) { m.id = "a b" }, 400, "webhook_id_invalid"},
		{"another id", func(_ *desk, m *message) { m.id = "msg_other" }, 401, "signature_invalid"},
		{"body written anew", func(_ *desk, m *message) { m.body = spaced }, 401, "signature_invalid"},
		{"secret rotated out", func(d *desk, m *message) {
			d.Platform.Webhook = func() [][]byte { return [][]byte{make([]byte, 32)} }
		}, 401, "signature_invalid"},
		{"no secret in force", func(d *desk, m *message) { d.Platform.Webhook = func() [][]byte { return nil } }, 401, "signature_invalid"},
		{"form-encoded", func(_ *desk, m *message) { m.contentType = "application/x-www-form-urlencoded" }, 415, "content_type_unsupported"},
		{"a body over 1 MB", func(_ *desk, m *message) { m.body += strings.Repeat(" ", 1<<20) }, 413, "body_too_large"},
	} {
		t.Run(row.name, func(t *testing.T) {
			d := open(t)
			m := message{"msg_1", strconv.FormatInt(d.Now().Unix(), 10), webhook.Sign("msg_1", d.Now(), []byte(body), d.Webhook()[0]), body, "application/json"}
			row.edit(d, &m)
			d.api = edgetest.Serve(t, d.Platform, webhooks.Routes(d.Platform))
			before := edgetest.Dump(t, d.Table)
			d.api.Anonymous().With(webhook.HeaderID, m.id).With(webhook.HeaderTimestamp, m.stamp).
				With(webhook.HeaderSignature, m.signature).With("Content-Type", m.contentType).
				Post("/webhooks/onboarding", m.body).Want(t, row.status, row.code)
			if edgetest.Dump(t, d.Table) != before {
				t.Fatal("the store changed")
			}
		})
	}
	open(t).api.Anonymous().Get("/webhooks/onboarding").Want(t, http.StatusMethodNotAllowed, "method_not_allowed")
}

func TestRotationOfTheSecret(t *testing.T) {
	d := open(t)
	old, next := d.Webhook()[0], []byte(strings.Repeat("n", 32))
	body := `{"type":"ping"}`
	send := func(id string, with ...[]byte) *edgetest.Answer {
		return d.api.Anonymous().With(webhook.HeaderID, id).With(webhook.HeaderTimestamp, strconv.FormatInt(d.Now().Unix(), 10)).
			With(webhook.HeaderSignature, webhook.Sign(id, d.Now(), []byte(body), with...)).Post("/webhooks/onboarding", body)
	}
	both := func() [][]byte { return [][]byte{next, old} }
	d.Platform.Webhook = both
	d.api = edgetest.Serve(t, d.Platform, webhooks.Routes(d.Platform))
	send("a", old).Want(t, http.StatusAccepted, "")
	send("b", next).Want(t, http.StatusAccepted, "")
	send("c", old, next).Want(t, http.StatusAccepted, "")
	d.Platform.Webhook = func() [][]byte { return both()[:1] }
	d.api = edgetest.Serve(t, d.Platform, webhooks.Routes(d.Platform))
	send("d", old).Want(t, http.StatusUnauthorized, "signature_invalid")
	send("e", old, next).Want(t, http.StatusAccepted, "")
}

// TestUnreadableBodies: signed, but not JSON that could be an event. There is no type, so there is no dead letter.
func TestUnreadableBodies(t *testing.T) {
	d := open(t)
	for body, want := range map[string]struct {
		status int
		code   string
	}{
		``:                          {400, "body_required"},
		`null`:                      {400, "body_not_object"},
		`[]`:                        {400, "body_not_object"},
		`{"type":`:                  {400, "json_syntax"},
		`{"type":"a"}{}`:            {400, "json_trailing_data"},
		`{"type":"a","type":"b"}`:   {400, "json_duplicate_key"},
		"{\"type\":\"\xff\"}":       {400, "invalid_utf8"},
		`{"type":"\ud800"}`:         {400, "invalid_unicode"},
		strings.Repeat(`{"a":`, 40): {400, "json_too_deep"},
		`{}`:                        {422, "required"},
		`{"type":7}`:                {422, "wrong_type"},
		`{"type":null,"data":{}}`:   {422, "wrong_type"},
		`{"TYPE":"tenant.created"}`: {422, "required"},
	} {
		before := edgetest.Dump(t, d.Table)
		if a := d.send("msg_1", body); a.Status != want.status || a.Code() != want.code {
			t.Errorf("%.40s: %d %s, want %d %s", body, a.Status, a.Code(), want.status, want.code)
		}
		if edgetest.Dump(t, d.Table) != before {
			t.Errorf("%.40s changed the store", body)
		}
	}
}

// TestWrongSchema is entries 77 and 79: every field at fault is named at once, nothing changes, and one dead letter is kept that says where
// and what, and nothing of the values.
func TestWrongSchema(t *testing.T) {
	t.Parallel()
	set := func(path string, v any) func(object) {
		return func(x object) {
			parts := strings.Split(path, "/")
			for _, p := range parts[:len(parts)-1] {
				x = x[p].(object)
			}
			if v == nil {
				delete(x, parts[len(parts)-1])
				return
			}
			x[parts[len(parts)-1]] = v
		}
	}
	bad := func(path string, v any) object { return created(set(path, v)) }
	at := func(stamp any) object { x := created(); x["timestamp"] = stamp; return x }
	for _, row := range []struct {
		name          string
		body          object
		pointer, code string
	}{
		{"slug missing", bad("slug", nil), "/data/slug", "required"},
		{"slug too short", bad("slug", "ab"), "/data/slug", "slug_invalid"},
		{"slug too long", bad("slug", strings.Repeat("a", 41)), "/data/slug", "slug_invalid"},
		{"slug with capitals", bad("slug", "Huaxia"), "/data/slug", "slug_invalid"},
		{"slug in Chinese", bad("slug", "华夏精密"), "/data/slug", "slug_invalid"},
		{"slug that begins with a hyphen", bad("slug", "-abc"), "/data/slug", "slug_invalid"},
		{"slug that ends with a hyphen", bad("slug", "abc-"), "/data/slug", "slug_invalid"},
		{"slug with a dot", bad("slug", "a.bc"), "/data/slug", "slug_invalid"},
		{"slug admin", bad("slug", "admin"), "/data/slug", "slug_reserved"},
		{"slug api", bad("slug", "api"), "/data/slug", "slug_reserved"},
		{"slug www", bad("slug", "www"), "/data/slug", "slug_reserved"},
		{"slug in disguise", bad("slug", "xn--fiqs8s"), "/data/slug", "slug_reserved"},
		{"slug xn--", bad("slug", "xn--a"), "/data/slug", "slug_reserved"},
		{"external id missing", bad("externalId", nil), "/data/externalId", "required"},
		{"external id with a hash", bad("externalId", "a#b"), "/data/externalId", "external_id_invalid"},
		{"external id too long", bad("externalId", strings.Repeat("a", 129)), "/data/externalId", "external_id_invalid"},
		{"company without a name", bad("company/name", " "), "/data/company/name", "required"},
		{"company name too long", bad("company/name", strings.Repeat("名", 201)), "/data/company/name", "too_long"},
		{"company name with an override", bad("company/name", "a\u202eb"), "/data/company/name", "forbidden_character"},
		{"company e-mail", bad("company/email", "office"), "/data/company/email", "invalid_email"},
		{"company phone", bad("company/phone", "12"), "/data/company/phone", "invalid_phone"},
		{"company address is a number", bad("company/address", 7), "/data/company/address", "address_invalid"},
		{"company address with an unknown part", bad("company/address", object{"planet": "Mars"}), "/data/company/address", "address_invalid"},
		{"company address too long", bad("company/address", strings.Repeat("路", 501)), "/data/company/address", "too_long"},
		{"company missing", bad("company", nil), "/data/company/name", "required"},
		{"company is a text", bad("company", "Huaxia"), "/data/company", "wrong_type"},
		{"administrator missing", bad("admin", nil), "/data/admin/email", "required"},
		{"administrator without a name", bad("admin/name", nil), "/data/admin/name", "required"},
		{"administrator without an e-mail", bad("admin/email", nil), "/data/admin/email", "required"},
		{"administrator's e-mail", bad("admin/email", "a@b@c"), "/data/admin/email", "invalid_email"},
		{"administrator's phone", bad("admin/phone", "0O0"), "/data/admin/phone", "invalid_phone"},
		{"unknown locale", bad("locale", "fr"), "/data/locale", "invalid_locale"},
		{"unknown plan", bad("plan", "diamond"), "/data/plan", "unknown_plan"},
		{"unknown member", bad("isAdmin", true), "/data/isAdmin", "field_not_writable"},
		{"another unknown member", bad("slugg", "x"), "/data/slugg", "unknown_field"},
		{"case variant", bad("SLUG", "x"), "/data/SLUG", "unknown_field"},
		{"wrong type", bad("plan", 1), "/data/plan", "wrong_type"},
		{"no data", object{"type": tenant.TypeCreated, "timestamp": "2026-03-02T08:59:00Z"}, "/data/slug", "required"},
		{"data is null", object{"type": tenant.TypeCreated, "timestamp": "2026-03-02T08:59:00Z", "data": nil}, "/data/slug", "required"},
		{"no timestamp", func() object { x := created(); delete(x, "timestamp"); return x }(), "/timestamp", "required"},
		{"timestamp without a zone", at("2026-03-02T08:59:00"), "/timestamp", "invalid_date"},
		{"timestamp that does not exist", at("2026-02-30T08:59:00Z"), "/timestamp", "invalid_date"},
		{"timestamp of next week", at("2026-03-09T08:59:00Z"), "/timestamp", "timestamp_in_future"},
		{"an update of nothing", event(tenant.TypeUpdated, "2026-03-02T08:59:00Z", object{}), "/data", "nothing_to_update"},
		{"an update to an unknown plan", event(tenant.TypeUpdated, "2026-03-02T08:59:00Z", object{"plan": "x"}), "/data/plan", "unknown_plan"},
		{"a suspension with more", event(tenant.TypeSuspended, "2026-03-02T08:59:00Z", object{"plan": "pro"}), "/data/plan", "unknown_field"},
	} {
		t.Run(row.name, func(t *testing.T) {
			d := open(t)
			d.send("msg_warm", `{"type":"ping"}`).Want(t, http.StatusAccepted, "") // makes the system's key
			dead := func(it table.Item) bool {
				x, _ := key.TenantOf(it.PK)
				return strings.HasPrefix(it.PK, key.ControlPartition("DEAD")) || x == tenant.System
			}
			before := edgetest.Dump(t, d.Table, dead)
			for range 2 {
				if a := d.send("msg_1", row.body); a.Status != http.StatusUnprocessableEntity {
					t.Fatalf("%d %s\n%s", a.Status, a.Code(), a.Body)
				} else {
					a.Field(t, row.pointer, row.code)
				}
			}
			if edgetest.Dump(t, d.Table, dead) != before {
				t.Fatal("a refused event changed the store")
			}
			letters, next, err := tenant.New(tenant.Needs{Table: d.Table}).DeadLetters(t.Context(), "", 10)
			if err != nil || next != "" || len(letters) != 1 || letters[0].Webhook != "msg_1" || letters[0].Type != row.body["type"] {
				t.Fatalf("%+v, %v", letters, err)
			}
			if len(letters[0].Fields) == 0 {
				t.Fatalf("%+v", letters[0])
			}
			if all := edgetest.Dump(t, d.Table); strings.Contains(all, "chen.jing") || strings.Contains(all, "13800138000") {
				t.Fatal("a dead letter holds personal data")
			}
			events := d.audit(tenant.System)
			if len(events) != 2 || events[0].Action != "webhooks.bury" {
				t.Fatalf("%+v", events)
			}
		})
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	d := open(t)
	a := d.send("msg_1", created(func(x object) {
		x["slug"], x["plan"], x["locale"] = "admin", "diamond", "fr"
		x["admin"] = object{"name": "", "email": "no", "phone": "1"}
		x["company"] = object{"name": ""}
	}))
	a.Want(t, http.StatusUnprocessableEntity, "validation_failed")
	for pointer, code := range map[string]string{
		"/data/slug": "slug_reserved", "/data/plan": "unknown_plan", "/data/locale": "invalid_locale", "/data/admin/name": "required",
		"/data/admin/email": "invalid_email", "/data/admin/phone": "invalid_phone", "/data/company/name": "required",
	} {
		a.Field(t, pointer, code)
	}
}

// TestNameOfAnUnknownMemberIsNotKept: a sender may have put anything into it.
func TestNameOfAnUnknownMemberIsNotKept(t *testing.T) {
	d := open(t)
	d.send("msg_1", created(func(x object) { x["canary@example.com"] = 1 })).Want(t, http.StatusUnprocessableEntity, "unknown_field")
	if strings.Contains(edgetest.Dump(t, d.Table), "canary") {
		t.Fatal("the dead letter holds what a sender put into a name")
	}
}

func TestDefaults(t *testing.T) {
	d := open(t)
	r := d.receipt(d.send("msg_1", created(func(x object) {
		delete(x, "locale")
		delete(x, "plan")
		x["company"] = object{"name": "Huaxia", "address": "88 Zhangjiang Road\nShanghai"}
		x["admin"] = object{"name": "Chen Jing", "email": "chen@huaxia.example.com"}
	})), http.StatusAccepted)
	d.work()
	if p := d.progress(r.ID); p.Status != "active" {
		t.Fatalf("%+v", p)
	}
	row := d.row(r.Tenant)
	if row.Plan != "standard" || row.Settings.Locale != "en" || row.Settings.Region != "CN" {
		t.Fatalf("%+v", row)
	}
}

func TestUnknownOnboarding(t *testing.T) {
	d := open(t)
	for _, o := range []string{"onb_01JD3Z4T0X8Y6QH2N5W7R9K1MB", "onb_1", "x", "tnt_01JD3Z4T0X8Y6QH2N5W7R9K1MB"} {
		d.api.Anonymous().Get("/v1/onboarding/"+o).Want(t, http.StatusNotFound, "not_found")
	}
}
