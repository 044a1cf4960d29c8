package accounts_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/steward-crm/steward/shared/policy"
)

// TestDeactivate holds A14 and that doing it twice is doing it once.
func TestDeactivate(t *testing.T) {
	d := open(t)
	boss := d.user(t, all(policy.All)...)
	a := d.create(t, boss, m{"contacts": []m{{"name": "Ann", "phone": "13900139000"}}})
	path, api := "/v1/accounts/"+a.ID, d.As(boss)
	was := api.Get(path).Body
	api.IfMatch(`"5"`).Post(path+"/deactivate", nil).Want(t, 412, "version_conflict")
	off := api.Post(path+"/deactivate", nil).Want(t, 200, "")
	n, last := d.events(t)
	if last["action"] != "accounts.deactivate" || fmt.Sprint(last["fields"]) != "[status]" {
		t.Errorf("%v", last)
	}
	again := api.Post(path+"/deactivate", nil).Want(t, 200, "")
	if off.ETag() != `"2"` || again.ETag() != `"2"` || !bytes.Equal(off.Body, again.Body) || !bytes.Contains(off.Body, []byte(`"status":"inactive"`)) {
		t.Errorf("%s %s\n%s %s", off.ETag(), off.Body, again.ETag(), again.Body)
	}
	if m, _ := d.events(t); m != n {
		t.Error("doing nothing left an event")
	}
	api.IfMatch(`"2"`).Patch(path, m{"name": "x"}).Want(t, 409, "account_deactivated")
	on := api.Post(path+"/reactivate", nil).Want(t, 200, "")
	if strings.Replace(string(on.Body), `"version":3`, `"version":1`, 1) != string(was) {
		t.Errorf("was %s\nis  %s", was, on.Body)
	}
}
