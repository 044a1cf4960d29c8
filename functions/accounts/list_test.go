package accounts_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
)

// TestList holds A07 through the API: order, pages, bad pages, filters.
func TestList(t *testing.T) {
	d := open(t, func(r *principal.Tenant) { r.Shards = 4 })
	boss, rep := d.user(t, all(policy.All)...), d.user(t, all(policy.Own)...)
	var want []string
	for n := range 12 {
		e := m{"name": fmt.Sprint("No ", n), "type": []string{"enterprise", "individual"}[n%2]}
		if n%3 == 0 {
			e["ownerId"] = rep.User
		}
		want = slices.Insert(want, 0, d.create(t, boss, e).ID)
	}
	for _, limit := range []int{1, 5, 12, 100} {
		if got := d.listAll(t, boss, fmt.Sprint("limit=", limit)); !slices.Equal(got, want) {
			t.Errorf("limit %d: %v", limit, got)
		}
	}
	if got := d.listAll(t, rep, "limit=3"); len(got) != 4 {
		t.Errorf("rep sees %v", got)
	}
	if got := d.listAll(t, boss, "limit=2&type=individual&ownerId="+string(rep.User)); len(got) != 2 {
		t.Errorf("filtered: %v", got)
	}
	api := d.As(boss)
	for _, q := range []string{"limit=0", "limit=-1", "limit=101", "limit=1000000000", "limit=abc"} {
		api.Get("/v1/accounts?"+q).Want(t, 400, "invalid_page_size")
	}
	var page struct {
		NextCursor string `json:"nextCursor"`
	}
	api.Get("/v1/accounts?limit=2").Want(t, 200, "").Read(t, &page)
	changed := page.NextCursor[:len(page.NextCursor)-2] + "zz"
	for _, q := range []string{"cursor=" + changed, "cursor=x", "status=active&cursor=" + page.NextCursor} {
		api.Get("/v1/accounts?limit=2&"+q).Want(t, 400, "invalid_cursor")
	}
	d.As(rep).Get("/v1/accounts?limit=2&cursor="+page.NextCursor).Want(t, 400, "invalid_cursor")
	api.Get("/v1/accounts?status=gone").Want(t, 400, "invalid_parameter")
	api.Get("/v1/accounts?colour=red").Want(t, 400, "unknown_parameter")
	api.Get("/v1/accounts?ownerId=x").Want(t, 400, "invalid_id")
	api.Get("/v1/accounts?departmentId=x").Want(t, 400, "invalid_id")
}

func (d *desk) listAll(t testing.TB, w edgetest.Who, query string) (ids []string) {
	t.Helper()
	next := ""
	for {
		var page struct {
			Items []accountBody `json:"items"`
			Next  string        `json:"nextCursor"`
		}
		q := query
		if next != "" {
			q += "&cursor=" + next
		}
		d.As(w).Get("/v1/accounts?"+q).Want(t, 200, "").Read(t, &page)
		for _, a := range page.Items {
			ids = append(ids, a.ID)
		}
		if next = page.Next; next == "" {
			return ids
		}
	}
}
