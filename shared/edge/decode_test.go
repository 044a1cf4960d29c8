package edge_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/steward-crm/steward/shared/edge/edgetest"
)

func TestBodiesThatAreRefused(t *testing.T) {
	deep := `{"name":"x","custom":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}`
	edge33 := `{"name":"x","custom":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`
	for _, row := range []struct {
		name, body string
		status     int
		code       string
		pointer    string
		inner      string // code at the pointer, when it is not the whole's
	}{
		{"empty body", ``, 400, "body_required", "", ""},
		{"null", `null`, 400, "body_not_object", "", ""},
		{"array", `[]`, 400, "body_not_object", "", ""},
		{"string", `"a"`, 400, "body_not_object", "", ""},
		{"number", ` 12 `, 400, "body_not_object", "", ""},
		{"true", `true`, 400, "body_not_object", "", ""},
		{"truncated", `{"name":"a`, 400, "json_syntax", "", ""},
		{"truncated array", `[1,`, 400, "json_syntax", "", ""},
		{"only spaces", "  \n", 400, "body_required", "", ""},
		{"not JSON", `name=lamp`, 400, "json_syntax", "", ""},
		{"comment", `{"name":"a"/*x*/}`, 400, "json_syntax", "", ""},
		{"comma at the end", `{"name":"a",}`, 400, "json_syntax", "", ""},
		{"number with a leading zero", `{"name":"a","age":01}`, 400, "json_syntax", "", ""},
		{"NaN", `{"name":"a","share":NaN}`, 400, "json_syntax", "", ""},
		{"byte order mark", "\ufeff{\"name\":\"a\"}", 400, "json_syntax", "", ""},
		{"second document", `{"name":"a"}{"name":"b"}`, 400, "json_trailing_data", "", ""},
		{"word after the document", `{"name":"a"} x`, 400, "json_trailing_data", "", ""},
		{"duplicate key", `{"isAdmin":true,"isAdmin":false}`, 400, "json_duplicate_key", "/isAdmin", ""},
		{"duplicate key, written otherwise", `{"name":"a","n\u0061me":"b"}`, 400, "json_duplicate_key", "/name", ""},
		{"duplicate key below", `{"name":"a","parts":[{"title":"a","title":"b"}]}`, 400, "json_duplicate_key", "/parts/0/title", ""},
		{"duplicate key in free data", `{"name":"a","custom":{"x":1,"x":2}}`, 400, "json_duplicate_key", "/custom/x", ""},
		{"unknown field", `{"name":"a","extra":1}`, 400, "unknown_field", "/extra", ""},
		{"unknown field below", `{"name":"a","parts":[{"titel":"b"}]}`, 400, "unknown_field", "/parts/0/titel", ""},
		{"name in capitals", `{"NAME":"a"}`, 400, "unknown_field", "/NAME", ""},
		{"ISADMIN", `{"name":"a","ISADMIN":true}`, 400, "unknown_field", "/ISADMIN", ""},
		{"long s", `{"name":"a","iſAdmin":true}`, 400, "unknown_field", "/iſAdmin", ""},
		{"isAdmin", `{"name":"a","isAdmin":true}`, 400, "field_not_writable", "/isAdmin", ""},
		{"tenantId", `{"name":"a","tenantId":"tnt_1"}`, 400, "field_not_writable", "/tenantId", ""},
		{"ownerId", `{"name":"a","ownerId":"user_1"}`, 400, "field_not_writable", "/ownerId", ""},
		{"verified", `{"name":"a","verified":true}`, 400, "field_not_writable", "/verified", ""},
		{"createdAt", `{"name":"a","createdAt":"2026-01-01T00:00:00Z"}`, 400, "field_not_writable", "/createdAt", ""},
		{"version", `{"name":"a","version":7}`, 400, "field_not_writable", "/version", ""},
		{"id, below", `{"name":"a","parts":[{"title":"b","id":"x"}]}`, 400, "field_not_writable", "/parts/0/id", ""},
		{"invalid UTF-8", "{\"name\":\"a\xff\"}", 400, "invalid_utf8", "", ""},
		{"overlong UTF-8", "{\"name\":\"\xc0\xaf\"}", 400, "invalid_utf8", "", ""},
		{"surrogate in UTF-8", "{\"name\":\"\xed\xa0\x80\"}", 400, "invalid_utf8", "", ""},
		{"lone high surrogate", `{"name":"\ud800"}`, 400, "invalid_unicode", "", ""},
		{"lone low surrogate", `{"name":"a\udc00b"}`, 400, "invalid_unicode", "", ""},
		{"surrogates the wrong way round", `{"name":"\udc00\ud800"}`, 400, "invalid_unicode", "", ""},
		{"lone surrogate in a name", `{"\ud800":1}`, 400, "invalid_unicode", "", ""},
		{"9,000 levels", deep, 400, "json_too_deep", "", ""},
		{"33 levels", edge33, 400, "json_too_deep", "", ""},
		{"1e400", `{"name":"a","share":1e400}`, 422, "number_out_of_range", "/share", ""},
		{"2^63", `{"name":"a","age":9223372036854775808}`, 422, "number_out_of_range", "/age", ""},
		{"2^53+1", `{"name":"a","age":9007199254740993}`, 422, "number_out_of_range", "/age", ""},
		{"-2^53-1", `{"name":"a","age":-9007199254740993}`, 422, "number_out_of_range", "/age", ""},
		{"200 in eight bits", `{"name":"a","small":200}`, 422, "number_out_of_range", "/small", ""},
		{"negative count", `{"name":"a","parts":[{"title":"b","count":-1}]}`, 422, "number_out_of_range", "/parts/0/count", ""},
		{"2^53+1 in free data", `{"name":"a","custom":{"n":[9007199254740993]}}`, 422, "number_out_of_range", "/custom/n/0", ""},
		{"1e400 in free data", `{"name":"a","custom":1e400}`, 422, "number_out_of_range", "/custom", ""},
		{"2^53+1 as a string", `{"name":"a","age":"9007199254740993"}`, 422, "wrong_type", "/age", ""},
		{"number as a string", `{"name":"a","age":"12"}`, 422, "wrong_type", "/age", ""},
		{"fraction", `{"name":"a","age":1.5}`, 422, "wrong_type", "/age", ""},
		{"string as a number", `{"name":7}`, 422, "wrong_type", "/name", ""},
		{"boolean as a number", `{"name":"a","open":1}`, 422, "wrong_type", "/open", ""},
		{"object as an array", `{"name":"a","parts":{}}`, 422, "wrong_type", "/parts", ""},
		{"array as an object", `{"name":"a","address":[]}`, 422, "wrong_type", "/address", ""},
		{"array as a map", `{"name":"a","labels":[]}`, 422, "wrong_type", "/labels", ""},
		{"null as a string", `{"name":null}`, 422, "wrong_type", "/name", ""},
		{"null as an element", `{"name":"a","parts":[null]}`, 422, "wrong_type", "/parts/0", ""},
		{"null in a map", `{"name":"a","labels":{"x":null}}`, 422, "wrong_type", "/labels/x", ""},
		{"null as a time", `{"name":"a","born":null}`, 422, "wrong_type", "/born", ""},
		{"time without zone", `{"name":"a","born":"2026-01-01T00:00:00"}`, 422, "wrong_type", "/born", ""},
		{"30 February", `{"name":"a","born":"2026-02-30T00:00:00Z"}`, 422, "wrong_type", "/born", ""},
		{"two mistakes of two kinds", `{"name":7,"age":9007199254740993}`, 422, "validation_failed", "/age", "number_out_of_range"},
		{"a name that is not to be named beside a wrong type", `{"name":7,"extra":1}`, 400, "validation_failed", "/name", "wrong_type"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			before := edgetest.Dump(t, w.Table)
			a := w.api.As(w.boss).With("Content-Type", "application/json").Do(http.MethodPost, "/v1/things", row.body)
			a.Want(t, row.status, row.code)
			if row.pointer != "" {
				inner := row.inner
				if inner == "" {
					inner = row.code
				}
				a.Field(t, row.pointer, inner)
			}
			if w.ran != 0 {
				t.Error("the operation ran")
			}
			if edgetest.Dump(t, w.Table) != before {
				t.Error("the store changed")
			}
		})
	}
}

func TestBodiesThatAreTaken(t *testing.T) {
	w := newWorld(t)
	for _, body := range []string{
		`{"name":"a0"}`,
		" \t\r\n{ \"name\" : \"a1\" } \n",
		`{"name":"a2","age":9007199254740991,"share":1e300,"small":-128,"open":true,"born":"2026-01-01T00:00:00+08:00"}`,
		`{"name":"a3","address":null,"custom":null}`,
		`{"name":"a4","address":{"city":"上海"},"labels":{"Any name at all":"x"},"custom":{"n":[1,2.5,null,{"x":"y"}]}}`,
		`{"name":"a5 \ud83d\ude00 \u4e2d","parts":[{"title":"t","count":3}]}`,
		`{"name":"a6","custom":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}`,
		`{"name":"\u0061\u0037 null [[[[ 123456789012345678 \\ud800"}`,
	} {
		w.api.As(w.boss).Post("/v1/things", body).Want(t, http.StatusCreated, "")
	}
}

func TestMergePatch(t *testing.T) {
	w := newWorld(t)
	boss := w.api.As(w.boss)
	a := boss.Post("/v1/things", `{"name":"lamp"}`).Want(t, http.StatusCreated, "")
	path := a.Header.Get("Location")
	c := boss.IfMatch(a.ETag()).With("Content-Type", "application/merge-patch+json")
	c.Patch(path, `{"note":null,"home":null}`).Want(t, http.StatusOK, "")
	c.Patch(path, `{"note":"n","home":{"city":"x"}}`).Want(t, http.StatusOK, "")
	c.Patch(path, `{"note":1}`).Want(t, http.StatusUnprocessableEntity, "wrong_type").Field(t, "/note", "wrong_type")
	c.Patch(path, `{"home":{"town":"x"}}`).Want(t, http.StatusBadRequest, "unknown_field").Field(t, "/home/town", "unknown_field")
	c.Patch(path, `{"ownerId":"user_1"}`).Want(t, http.StatusBadRequest, "field_not_writable")
}

func TestMessagesNameTheLimitAndTheNearestName(t *testing.T) {
	w := newWorld(t)
	boss := w.api.As(w.boss)
	for _, row := range []struct{ body, want string }{
		{`{"nmae":"secret-value"}`, "Did you mean name?"},
		{`{"name":"a","adress":{}}`, "Did you mean address?"},
		{`{"name":"a","zzzzzzz":1}`, "There is no such field here. Names are case-sensitive."},
		{`{"name":"a","age":"secret-value"}`, "Expected: integer."},
		{`{"name":"a"`, "stopped at byte 11"},
		{`{"name":"a"} secret-value`, "at byte 13"},
		{`{"a":` + strings.Repeat("[", 40), "at most 32 levels"},
	} {
		a := boss.Post("/v1/things", row.body)
		if !strings.Contains(string(a.Body), row.want) {
			t.Errorf("%s: answered %s, want it to say %q", row.body, a.Body, row.want)
		}
		if strings.Contains(string(a.Body), "secret-value") {
			t.Errorf("%s: the answer echoes the value: %s", row.body, a.Body)
		}
	}
}

func TestManyMistakesAreToldAtOnceAndBounded(t *testing.T) {
	w := newWorld(t)
	boss := w.api.As(w.boss)
	a := boss.Post("/v1/things", `{"name":1,"age":"x","open":3,"parts":[{"title":2}]}`).Want(t, http.StatusUnprocessableEntity, "wrong_type")
	for _, p := range []string{"/name", "/age", "/open", "/parts/0/title"} {
		a.Field(t, p, "wrong_type")
	}
	a = boss.Post("/v1/things", `{"parts":[`+strings.Repeat(`1,`, 10_000)+`1]}`).Want(t, http.StatusUnprocessableEntity, "wrong_type")
	if n := len(a.Problem().Errors); n != 50 {
		t.Errorf("%d mistakes are told, want 50", n)
	}
	long := strings.Repeat("长", 100_000)
	a = boss.Post("/v1/things", `{"`+long+`":1}`).Want(t, http.StatusBadRequest, "unknown_field")
	if len(a.Body) > 2000 {
		t.Errorf("a long name made an answer of %d bytes", len(a.Body))
	}
}
