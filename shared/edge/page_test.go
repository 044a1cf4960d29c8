package edge_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/edge/edgetest"
)

func TestPages(t *testing.T) {
	w := newWorld(t)
	boss := w.api.As(w.boss)
	for i := range 7 {
		boss.Post("/v1/things", map[string]any{"name": fmt.Sprint("lamp ", i)}).Want(t, http.StatusCreated, "")
	}
	for size := 1; size <= 8; size++ {
		var names []string
		for cursor, pages := "", 0; ; pages++ {
			q := url.Values{"limit": {fmt.Sprint(size)}}
			if pages > 0 {
				q.Set("cursor", cursor)
			}
			var list edge.List[thing]
			boss.Get("/v1/things?"+q.Encode()).Want(t, http.StatusOK, "").Read(t, &list)
			for _, th := range list.Items {
				names = append(names, th.Name)
			}
			if cursor = list.NextCursor; cursor == "" {
				break
			}
		}
		if got := strings.Join(names, ","); got != "lamp 0,lamp 1,lamp 2,lamp 3,lamp 4,lamp 5,lamp 6" {
			t.Errorf("pages of %d: %s", size, got)
		}
	}
	empty := w.api.As(w.User(t, w.Tenant(t), everyThing...)).Get("/v1/things")
	if string(empty.Body) != `{"items":[]}` {
		t.Errorf("an empty list is %s", empty.Body)
	}
}

func TestQueriesThatAreRefused(t *testing.T) {
	w := newWorld(t)
	boss := w.api.As(w.boss)
	for _, row := range []struct{ query, code string }{
		{"limit=0", "invalid_page_size"},
		{"limit=-1", "invalid_page_size"},
		{"limit=101", "invalid_page_size"},
		{"limit=1000000000", "invalid_page_size"},
		{"limit=99999999999999999999", "invalid_page_size"},
		{"limit=abc", "invalid_page_size"},
		{"limit=", "invalid_page_size"},
		{"limit=1.0", "invalid_page_size"},
		{"limit=%2B5", "invalid_page_size"},
		{"limit=05", "invalid_page_size"},
		{"limit=5&limit=6", "invalid_query"},
		{"limti=5", "unknown_parameter"},
		{"Limit=5", "unknown_parameter"},
		{"x", "unknown_parameter"},
		{"colour=green", "invalid_parameter"},
		{"count=1", "invalid_parameter"},
		{"q=%zz", "invalid_query"},
		{"q=a;b", "invalid_query"},
		{"q=%ff", "invalid_query"},
		{"q=" + strings.Repeat("a", 9000), "invalid_query"},
		{"cursor=", "invalid_cursor"},
		{"cursor=abc", "invalid_cursor"},
		{"cursor=%00", "invalid_cursor"},
		{"cursor=" + strings.Repeat("A", 4000), "invalid_cursor"},
	} {
		a := boss.Get("/v1/things?" + row.query)
		if a.Status != http.StatusBadRequest || a.Code() != row.code {
			t.Errorf("%.40s: answered %d %s, want %s", row.query, a.Status, a.Code(), row.code)
		}
	}
	if w.ran != 0 {
		t.Error("an operation ran")
	}
	boss.Get("/v1/hello?x=1").Want(t, http.StatusBadRequest, "unknown_parameter")
	if a := boss.Get("/v1/things?coluor=red"); !strings.Contains(string(a.Body), "Did you mean colour?") {
		t.Errorf("%s", a.Body)
	}
	boss.Get("/v1/things?colour=red&q=&count=false&limit=100").Want(t, http.StatusOK, "")
}

// TestCursorsElsewhere is entry 28: a cursor is good for its user, its list, its query and its day.
func TestCursorsElsewhere(t *testing.T) {
	w := newWorld(t)
	boss := w.api.As(w.boss)
	for i := range 3 {
		boss.Post("/v1/things", map[string]any{"name": fmt.Sprint("lamp ", i)}).Want(t, http.StatusCreated, "")
	}
	next := func() string {
		var list edge.List[thing]
		boss.Get("/v1/things?limit=1&colour=red").Want(t, http.StatusOK, "").Read(t, &list)
		return list.NextCursor
	}
	cursor := next()
	if strings.Contains(cursor, string(w.boss.Tenant)) || cursor == next() {
		t.Error("the cursor is not sealed")
	}
	good := "/v1/things?limit=2&colour=red&cursor=" + cursor
	boss.Get(good).Want(t, http.StatusOK, "")
	colleague := w.User(t, w.boss.Tenant, everyThing...)
	stranger := w.User(t, w.Tenant(t), everyThing...)
	for name, a := range map[string]*edgetest.Answer{
		"another query":      boss.Get("/v1/things?limit=2&colour=blue&cursor=" + cursor),
		"no query":           boss.Get("/v1/things?cursor=" + cursor),
		"a colleague":        w.api.As(colleague).Get(good),
		"another tenant":     w.api.As(stranger).Get(good),
		"one bit changed":    boss.Get("/v1/things?colour=red&cursor=" + flip(cursor, len(cursor)/2)),
		"first byte changed": boss.Get("/v1/things?colour=red&cursor=" + flip(cursor, 0)),
		"last byte changed":  boss.Get("/v1/things?colour=red&cursor=" + flip(cursor, len(cursor)-2)),
		"cut short":          boss.Get("/v1/things?colour=red&cursor=" + cursor[:len(cursor)-4]),
		"padded":             boss.Get("/v1/things?colour=red&cursor=" + cursor + "="),
	} {
		if a.Status != http.StatusBadRequest || a.Code() != "invalid_cursor" {
			t.Errorf("%s: answered %d %s", name, a.Status, a.Code())
		}
	}
	w.Clock.Add(24 * time.Hour)
	boss.Get(good).Want(t, http.StatusOK, "")
	w.Clock.Add(time.Second)
	boss.Get(good).Want(t, http.StatusBadRequest, "invalid_cursor")
}

// TestOneCursorIsWrittenOneWay holds that the bits of the last character that carry nothing cannot be set.
func TestOneCursorIsWrittenOneWay(t *testing.T) {
	w := newWorld(t)
	boss := w.api.As(w.boss)
	tried := 0
	for _, position := range []string{"a", "ab", "abc"} {
		var list edge.List[thing]
		boss.Get("/v1/things?q="+position).Want(t, http.StatusOK, "").Read(t, &list)
		boss.Get("/v1/things?q="+position+"&cursor="+list.NextCursor).Want(t, http.StatusOK, "")
		if len(list.NextCursor)%4 != 0 {
			boss.Get("/v1/things?q="+position+"&cursor="+lastBits(list.NextCursor)).Want(t, http.StatusBadRequest, "invalid_cursor")
			tried++
		}
	}
	if tried != 2 {
		t.Errorf("%d of 3 cursors have idle bits, want 2", tried)
	}
}

func flip(s string, at int) string {
	c := byte('A')
	if s[at] == c {
		c = 'B'
	}
	return s[:at] + string(c) + s[at+1:]
}
