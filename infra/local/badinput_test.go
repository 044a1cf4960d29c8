package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// bad is one request that must be refused, and leave the store as it was.
type bad struct {
	entry  string // of the list of bad input
	call   string // "POST /v1/accounts"
	body   string // $VARIABLES are filled in; "" is none
	header string // "Name: value", one a line
	as     string // "" is the administrator
	status int
	code   string
	field  string // pointer that the answer names, if any
}

// TestBadInput sends what bad input there is over HTTP and demands its status, its code and an unchanged store. What only a lower layer can show
// (a raw socket, a forged token, requests in flight) is tested in edge; webhooks in functions/webhooks; the configuration in config_test.go.
func TestBadInput(t *testing.T) {
	s := badInputStory(t)
	for _, row := range badInput() {
		t.Run(row.entry+" "+row.code, func(t *testing.T) {
			s.ts = &testRunner{t, s.ts.(*testRunner).env}
			s.snapshot(nil)
			s.as([]string{"admin"})
			if row.as != "" {
				s.as([]string{row.as})
			}
			for line := range strings.Lines(row.header) {
				name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
				s.setHeader([]string{name, value})
			}
			method, path, _ := strings.Cut(row.call, " ")
			args := []string{method, s.expand(path)}
			if row.body != "" {
				args = append(args, row.body)
			}
			s.call(args)
			s.wantStatus([]string{fmt.Sprint(row.status), row.code})
			if row.field != "" && !strings.Contains(string(s.body), fmt.Sprintf("%q", row.field)) {
				t.Errorf("the answer does not name %s: %s", row.field, s.body)
			}
			for _, echo := range []string{"EvilValue", "nobody@@", "12345x"} {
				if strings.Contains(row.body, echo) && strings.Contains(string(s.body), echo) {
					t.Errorf("the answer echoes %s: %s", echo, s.body)
				}
			}
			s.unchanged(nil)
		})
	}
}

func badInput() []bad {
	const create = "POST /v1/accounts"
	var rows []bad
	add := func(r bad) { rows = append(rows, r) }
	account := func(entry, body string, status int, code, field string) {
		add(bad{entry: entry, call: create, body: body, status: status, code: code, field: field})
	}
	with := func(member string) string {
		return `{"name":"A","email":"a@example.com","phone":"13800138000",` + member + `}`
	}

	// The body.
	add(bad{entry: "1", call: create, header: "Content-Type: application/json", status: 400, code: "body_required"})
	for _, b := range []string{"null", "[]", `"text"`, "1", "true"} {
		account("2-3", b, 400, "body_not_object", "")
	}
	account("4", `{"name":`, 400, "json_syntax", "")
	account("4", `{name:1}`, 400, "json_syntax", "")
	account("5", `{"name":"A"} {"name":"B"}`, 400, "json_trailing_data", "")
	account("6", `{"name":"A","name":"B"}`, 400, "json_duplicate_key", "/name")
	account("7", with(`"phnoe":"EvilValue"`), 400, "unknown_field", "/phnoe")
	account("8", `{"NAME":"EvilValue"}`, 400, "unknown_field", "/NAME")
	account("8", `{"ſtage":"loyal"}`, 400, "unknown_field", "")
	for _, name := range []string{"isAdmin", "tenantId", "verified", "createdAt", "version"} {
		account("9", with(`"`+name+`":true`), 400, "field_not_writable", "/"+name)
	}
	account("10", "{\"name\":\"\xff\"}", 400, "invalid_utf8", "")
	account("11", `{"name":"\ud800"}`, 400, "invalid_unicode", "")
	for _, r := range []string{`\u0000`, `\u0007`, `\u0085`, `\u202e`, `\u200b`} {
		account("12", strings.Replace(with(`"stage":"loyal"`), `"A"`, `"Evil`+r+`Value"`, 1), 422, "forbidden_character", "/name")
	}
	account("13", strings.Repeat(`{"custom":`, 9000)+"1"+strings.Repeat("}", 9000), 400, "json_too_deep", "")
	account("14", `{"name":"`+strings.Repeat("x", 1<<20)+`"}`, 413, "body_too_large", "")
	for _, n := range []string{"1e400", "9223372036854775808", "-9223372036854775809"} {
		add(bad{
			entry: "15", call: "PATCH /v1/settings", body: `{"passwordMinLength":` + n + `}`, header: "If-Match: $settings",
			status: 422, code: "number_out_of_range", field: "/passwordMinLength",
		})
	}
	add(bad{
		entry: "15", call: "PATCH /v1/settings", body: `{"passwordMinLength":"12"}`, header: "If-Match: $settings",
		status: 422, code: "wrong_type", field: "/passwordMinLength",
	})
	account("16", with(`"website":12`), 422, "wrong_type", "/website")

	// Headers, method and path.
	head := func(entry, header string, status int, code string) {
		add(bad{entry: entry, call: create, body: with(`"stage":"loyal"`), header: header, status: status, code: code})
	}
	head("17", "Content-Type: text/plain", 415, "content_type_unsupported")
	head("17", "Content-Type: application/json; charset=gbk", 415, "content_type_unsupported")
	head("18", "Content-Encoding: gzip", 415, "content_encoding_unsupported")
	head("19", "Accept: image/png", 406, "not_acceptable")
	add(bad{entry: "21", call: "GET /v1/accounts/$other", header: "X-HTTP-Method-Override: DELETE", status: 404, code: "not_found"})
	add(bad{entry: "22", call: "BREW /v1/accounts", status: 405, code: "method_not_allowed"})
	add(bad{entry: "22", call: "DELETE /v1/accounts", status: 405, code: "method_not_allowed"})
	add(bad{entry: "23", call: "GET /v1/nowhere", status: 404, code: "not_found"})
	add(bad{entry: "24", call: "GET /v1/accounts/$other", status: 404, code: "not_found"})
	for _, id := range []string{"..%2Fadmin", "%23", "%00", strings.Repeat("a", 300), "acct_1", "user_01JD3Z4T0X8Y6QH2N5W7R9K1MB", "acct_01jd3z4t0x8y6qh2n5w7r9k1mb"} {
		add(bad{entry: "25", call: "GET /v1/accounts/" + id, status: 404, code: "not_found"})
	}
	for _, h := range []string{"X-Tenant-Id: $tenant_b", "X-User-Id: $user_b", "X-Forwarded-User: admin"} {
		add(bad{entry: "26", call: "GET /v1/accounts/$other", header: h, status: 404, code: "not_found"})
	}
	for _, n := range []string{"0", "-1", "1000000000", "abc", "", "1.5", "101"} {
		add(bad{entry: "27", call: "GET /v1/accounts?limit=" + n, status: 400, code: "invalid_page_size"})
	}
	for _, c := range []string{"abc", "$cursor_b", "x$cursor", "${cursor}x"} {
		add(bad{entry: "28", call: "GET /v1/accounts?limit=1&cursor=" + c, status: 400, code: "invalid_cursor"})
	}
	add(bad{entry: "28", call: "GET /v1/users?limit=1&cursor=$cursor", status: 400, code: "invalid_cursor"})
	add(bad{entry: "28", call: "GET /v1/accounts?limit=1&cursor=$cursor", as: "li", status: 400, code: "invalid_cursor"})
	add(bad{entry: "29", call: "GET /v1/accounts?sort=idNumber", status: 400, code: "unknown_parameter"})
	add(bad{entry: "31", call: "PATCH /v1/accounts/$acct", body: `{"stage":"loyal"}`, status: 428, code: "if_match_required"})
	add(bad{entry: "32", call: "PATCH /v1/accounts/$acct", body: `{"stage":"loyal"}`, header: `If-Match: "999"`, status: 412, code: "version_conflict"})
	add(bad{entry: "32", call: "PATCH /v1/accounts/$acct", body: `{"stage":"loyal"}`, header: `If-Match: W/"1"`, status: 412, code: "version_conflict"})
	head("33", "Idempotency-Key: "+strings.Repeat("k", 256), 400, "invalid_idempotency_key")
	head("33", "Idempotency-Key: schlüssel", 400, "invalid_idempotency_key")
	head("34", "Idempotency-Key: used", 422, "idempotency_mismatch")

	// E-mail and phone, at the two doors where they are typed.
	local65 := strings.Repeat("l", 65)
	for _, e := range []string{
		"nobody", "nobody@@example.com", "a b@example.com", "a@b@example.com", `a\r\nBcc:x@example.com`, "Li <li@example.com>", `\"a b\"@example.com`,
		"a@[127.0.0.1]", "a@localhost", "a@example.com.", local65 + "@example.com", "a@" + strings.Repeat("abcdefgh.", 31) + "com",
		"a@" + strings.Repeat("l", 64) + ".com", "a@-example.com",
	} {
		account("37", fmt.Sprintf(`{"name":"A","phone":"13800138000","email":"%s"}`, e), 422, "invalid_email", "/email")
		add(bad{entry: "37", call: "POST /v1/users", body: fmt.Sprintf(`{"name":"A","email":"%s"}`, e), status: 422, code: "invalid_email", field: "/email"})
	}
	for _, e := range []string{"a@example.\u212aom", "ａ@example.com", "a@exam\u200bple.com", "a@example\u3002com"} {
		account("38", fmt.Sprintf(`{"name":"A","phone":"13800138000","email":"%s"}`, e), 422, "email_ambiguous", "/email")
	}
	account("39", `{"name":"A","phone":"13800138000","email":"adm\u0131n@example.com"}`, 422, "email_non_ascii_local", "/email")
	add(bad{entry: "40", call: "POST /v1/users", body: `{"name":"A","email":"LI@acme.example.com"}`, status: 409, code: "email_taken"})
	for _, p := range []struct{ phone, code string }{
		{"12345", "invalid_phone"}, {"138O0138000", "invalid_phone"}, {strings.Repeat("1", 300), "invalid_phone"}, {"13800138000 ext 5", "phone_extension_unsupported"},
	} {
		account("42", fmt.Sprintf(`{"name":"A","email":"a@example.com","phone":"%s"}`, p.phone), 422, p.code, "/phone")
	}

	// Users.
	user := func(entry, member string, status int, code, field string) {
		add(bad{entry: entry, call: "POST /v1/users", body: `{"name":"N","email":"n@example.com",` + member + `}`, status: status, code: code, field: field})
	}
	user("52", `"departmentId":"dept_01JD3Z4T0X8Y6QH2N5W7R9K1MB"`, 422, "unknown_department", "/departmentId")
	user("52", `"departmentId":"$dept_b"`, 422, "unknown_department", "/departmentId")
	user("51", `"managerId":"$user_b"`, 422, "unknown_manager", "/managerId")
	add(bad{entry: "51", call: "PATCH /v1/users/$li", body: `{"managerId":"$li"}`, header: "If-Match: $li_tag", status: 422, code: "manager_cycle"})
	add(bad{entry: "48", call: "DELETE /v1/users/$gone", header: "If-Match: $gone_tag", status: 409, code: "user_owns_accounts"})
	add(bad{entry: "50", call: "POST /v1/users/$admin_id/deactivate", status: 403, code: "self_change_forbidden"})
	add(bad{entry: "50", call: "DELETE /v1/users/$admin_id", header: "If-Match: $admin_tag", status: 403, code: "self_change_forbidden"})
	add(bad{entry: "54", call: "GET /v1/me", as: "gone", status: 401, code: "account_inactive"})
	for _, token := range []string{"none", "a.b.c", strings.Repeat("x", 9<<10)} {
		add(bad{entry: "53", call: "GET /v1/me", as: "nobody", header: "Authorization: Bearer " + token, status: 401, code: "token_invalid"})
	}
	add(bad{entry: "53", call: "GET /v1/me", as: "nobody", header: "Authorization: Bearer $admin_refresh", status: 401, code: "token_invalid"})

	// Roles.
	add(bad{entry: "55", call: "POST /v1/roles", body: `{"name":"R","level":"standard","grants":[{"module":"account","action":"fly","scope":"all"}]}`, status: 422, code: "unknown_permission"})
	add(bad{entry: "55", call: "POST /v1/roles", body: `{"name":"R","level":"standard","grants":[{"module":"account","action":"view","scope":"galaxy"}]}`, status: 422, code: "unknown_permission"})
	add(bad{entry: "58", call: "PATCH /v1/roles/$standard", body: `{"name":"Mine"}`, header: `If-Match: "1"`, status: 409, code: "role_read_only"})

	// Accounts.
	account("63", with(`"ownerId":"$user_b"`), 422, "invalid_owner", "/ownerId")
	account("63", with(`"ownerId":"$gone"`), 409, "owner_not_active", "")
	account("65", `{"name":"","email":"a@example.com","phone":"13800138000"}`, 422, "required", "/name")
	account("65", `{"name":"  \u3000 ","email":"a@example.com","phone":"13800138000"}`, 422, "required", "/name")
	account("65", `{"name":"`+strings.Repeat("名", 201)+`","email":"a@example.com","phone":"13800138000"}`, 422, "too_long", "/name")
	account("65", `{"name":"Z`+strings.Repeat("\u0301", 200)+`","email":"a@example.com","phone":"13800138000"}`, 422, "too_many_marks", "/name")
	account("67", with(`"contacts":[{"name":"a","primary":true},{"name":"b","primary":true}]`), 422, "one_primary", "")
	account("A23", with(`"valueTier":"EvilValue"`), 422, "not_one_of", "/valueTier")
	account("A27", with(`"protection":"vault"`), 422, "protection_unsupported", "/protection")
	return rows
}

// badInputStory is a tenant with a user who left (and owns an account), a colleague, and another tenant.
func badInputStory(t *testing.T) *story {
	t.Helper()
	s, err := newStory(config{addr: "127.0.0.1:0", data: filepath.Join(t.TempDir(), "data")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.process.stop() })
	s.ts = &testRunner{t, map[string]string{}}
	do := func(status int, method, path, body string) {
		t.Helper()
		args := []string{method, s.expand(path)}
		if body != "" {
			args = append(args, body)
		}
		s.call(args)
		s.wantStatus([]string{fmt.Sprint(status)})
	}
	account := `{"name":"A","email":"a@example.com","phone":"13800138000"}`

	s.onboard([]string{"other"})
	s.ts.Setenv("tenant_b", s.ts.Getenv("tenant"))
	s.ts.Setenv("user_b", s.ts.Getenv("admin_id"))
	do(201, http.MethodPost, "/v1/accounts", account)
	s.save([]string{"other", "id"})
	do(201, http.MethodPost, "/v1/accounts", account)
	do(200, http.MethodGet, "/v1/accounts?limit=1", "")
	s.save([]string{"cursor_b", "nextCursor"})
	do(201, http.MethodPost, "/v1/departments", `{"name":"D"}`)
	s.save([]string{"dept_b", "id"})

	s.onboard([]string{"acme"})
	do(200, http.MethodGet, "/v1/roles?limit=100", "")
	for i := range 8 {
		if s.member(fmt.Sprintf("items.%d.template", i)) == "standard_user" {
			s.save([]string{"standard", fmt.Sprintf("items.%d.id", i)})
		}
	}
	for _, name := range []string{"li", "gone"} {
		do(201, http.MethodPost, "/v1/users", `{"name":"`+name+`","email":"`+name+`@acme.example.com","roleIds":["$standard"]}`)
		s.save([]string{name, "id"})
		s.enter([]string{name, name + "@acme.example.com"})
	}
	s.as([]string{"gone"})
	do(201, http.MethodPost, "/v1/accounts", account)
	s.as([]string{"admin"})
	s.setHeader([]string{"Idempotency-Key", "used"})
	do(201, http.MethodPost, "/v1/accounts", account)
	s.save([]string{"acct", "id"})
	do(200, http.MethodPost, "/v1/users/$gone/deactivate", "")
	for _, name := range []string{"li", "gone"} {
		do(200, http.MethodGet, "/v1/users/$"+name, "")
		s.save([]string{name + "_tag", "header.ETag"})
	}
	do(200, http.MethodGet, "/v1/users/$admin_id", "")
	s.save([]string{"admin_tag", "header.ETag"})
	do(200, http.MethodGet, "/v1/settings", "")
	s.save([]string{"settings", "header.ETag"})
	do(200, http.MethodGet, "/v1/accounts?limit=1", "")
	s.save([]string{"cursor", "nextCursor"})
	return s
}
