package patch_test

import (
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/patch"
)

type body struct {
	Name patch.Field[string]   `json:"name,omitzero"`
	Tags patch.Field[[]string] `json:"tags,omitzero"`
}

func TestMembersOfAMergePatch(t *testing.T) {
	for _, row := range []struct {
		in        string
		set, null bool
		after     string // of a name that was "was"
	}{
		{`{}`, false, false, "was"},
		{`{"name":null}`, true, true, ""},
		{`{"name":"is"}`, true, false, "is"},
		{`{"name":""}`, true, false, ""},
	} {
		var b body
		if err := json.Unmarshal([]byte(row.in), &b); err != nil {
			t.Fatal(err)
		}
		if b.Name.Set != row.set || b.Name.Null != row.null || b.Name.Or("was") != row.after {
			t.Errorf("%s: %+v, after it %q", row.in, b.Name, b.Name.Or("was"))
		}
		if out, err := json.Marshal(b); err != nil || string(out) != row.in {
			t.Errorf("%s came back as %s, %v", row.in, out, err)
		}
	}
	var b body
	if err := json.Unmarshal([]byte(`{"name":1}`), &b); err == nil {
		t.Error("a number passed for a text")
	}
}
