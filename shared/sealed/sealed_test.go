package sealed_test

import (
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/email"
	"github.com/steward-crm/steward/shared/phone"
	"github.com/steward-crm/steward/shared/plain"
	"github.com/steward-crm/steward/shared/sealed"
)

func TestOnTheWire(t *testing.T) {
	for _, row := range []struct {
		v    sealed.Text
		want string
	}{
		{"", `{}`},
		{"hello@lotus.example", `{"v":"hello@lotus.example"}`},
		{"locked", `{"v":"locked"}`},
		{`{"locked":true}`, `{"v":"{\"locked\":true}"}`},
		{sealed.Locked, `{"v":{"locked":true}}`},
	} {
		got, err := json.Marshal(struct {
			V sealed.Text `json:"v,omitzero"`
		}{row.v})
		if err != nil || string(got) != row.want {
			t.Errorf("%q: %s, %v; want %s", string(row.v), got, err, row.want)
		}
	}
}

// TestNobodyTypesLocked: what stands for a locked value passes no rule of a field that is sealed.
func TestNobodyTypesLocked(t *testing.T) {
	s := string(sealed.Locked)
	if _, bad := plain.Check("", s, plain.Rule{Lines: true}); bad == nil {
		t.Error("it is a text")
	}
	if _, err := email.Parse(s); err == nil {
		t.Error("it is an address")
	}
	if _, err := phone.Parse(s, "CN"); err == nil {
		t.Error("it is a number")
	}
}
