package org_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/org"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/user"
)

// TestMain keeps the default run short; -rapid.checks asks for more.
func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
	if !asked {
		if err := flag.Set("rapid.checks", "12"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// TestDepartments holds O02: what a department keeps, and what its fields refuse, all at once.
func TestDepartments(t *testing.T) {
	w := newWorld(t)
	var d org.Department
	must(t, w.try(t.Context(), w.admin, func(who *policy.Subject, c *change.Set) (err error) {
		d, err = w.org.CreateDepartment(t.Context(), who, c, "", org.DepartmentPatch{
			Name: patch.Of(" 销售部 "), Responsibilities: patch.Of("Sells.\r\nAnd more."), Head: patch.Of(w.admin),
		})
		return err
	}))
	who, err := w.subject(t.Context(), w.admin)
	must(t, err)
	got, err := w.org.Department(t.Context(), who, d.ID)
	must(t, err)
	if got != d || got.Name != "销售部" || got.Responsibilities != "Sells.\nAnd more." || got.Head != w.admin || got.Version != 1 {
		t.Errorf("kept as %+v", got)
	}
	must(t, w.updateDepartment(t, d.ID, org.DepartmentPatch{Head: patch.Field[id.User]{Set: true, Null: true}}))
	edgetest.Unchanged(t, w.Table, func() {
		err := w.try(t.Context(), w.admin, func(who *policy.Subject, c *change.Set) error {
			_, err := w.org.CreateDepartment(t.Context(), who, c, "dept_none", org.DepartmentPatch{
				Name: patch.Of("a\u202eb"), Responsibilities: patch.Of(strings.Repeat("字", org.MaxText+1)), Head: patch.Of(id.User("user_none")),
			})
			return err
		})
		edgetest.Field(t, err, "/name", "forbidden_character")
		edgetest.Field(t, err, "/responsibilities", "too_long")
		edgetest.Field(t, err, "/headId", "unknown_head")
		edgetest.Field(t, err, "/parentId", "unknown_department")
		must(t, w.updateDepartment(t, d.ID, org.DepartmentPatch{Name: patch.Of("销售部")})) // nothing new
		err = w.try(t.Context(), w.admin, func(who *policy.Subject, c *change.Set) error {
			_, err := w.org.UpdateDepartment(t.Context(), who, c, d.ID, 1, org.DepartmentPatch{Name: patch.Of("New")})
			return err
		})
		edgetest.Refused(t, err, "version_conflict")
	})
	w.sound(t)
}

func TestSiblingNames(t *testing.T) {
	w := newWorld(t)
	sales, east := w.department(t, "", "Sales"), w.department(t, "", "East")
	for _, name := range []string{"Sales", "sales", "ＳＡＬＥＳ", " Sales "} {
		_, err := w.createDepartment(t, "", name)
		edgetest.Refused(t, err, "department_name_taken")
	}
	edgetest.Refused(t, w.updateDepartment(t, east, org.DepartmentPatch{Name: patch.Of("SALES")}), "department_name_taken")
	below := w.department(t, sales, "Sales") // another parent, another name
	edgetest.Refused(t, w.move(t, below, ""), "department_name_taken")
	must(t, w.updateDepartment(t, sales, org.DepartmentPatch{Name: patch.Of("SALES")})) // its own name in other letters
	var both sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		both.Go(func() { _, errs[i] = w.createDepartment(t, "", "Twin") })
	}
	both.Wait()
	if made := slices.DeleteFunc(errs, func(err error) bool { return err != nil }); len(made) != 1 {
		t.Errorf("%d departments of one name", len(made))
	}
	w.sound(t)
}

// TestMove holds I13 for departments: no cycle, not too deep, and no race that makes either.
func TestMove(t *testing.T) {
	w := newWorld(t)
	a := w.department(t, "", "a")
	b := w.department(t, a, "b")
	c := w.department(t, b, "c")
	edgetest.Unchanged(t, w.Table, func() {
		for _, to := range []id.Department{a, b, c} {
			edgetest.Field(t, w.move(t, a, to), "/parentId", "department_cycle")
		}
		edgetest.Field(t, w.move(t, a, "dept_none"), "/parentId", "unknown_department")
		must(t, w.move(t, b, a)) // where it is
		edgetest.Refused(t, w.move(t, "dept_none", a), "not_found")
	})
	must(t, w.move(t, c, ""))
	for range 8 {
		x, y := w.department(t, "", string(id.New[id.Department](w.IDs))), w.department(t, "", string(id.New[id.Department](w.IDs)))
		var both sync.WaitGroup
		for _, p := range [][2]id.Department{{x, y}, {y, x}} {
			both.Go(func() {
				if err := w.move(t, p[0], p[1]); err != nil && !fault.Is(err, "department_cycle") {
					t.Error(err)
				}
			})
		}
		both.Wait()
		w.sound(t)
	}
}

func TestDepth(t *testing.T) {
	w := newWorld(t)
	line := []id.Department{w.department(t, "", "1")}
	for i := 2; i <= org.MaxDepth; i++ {
		line = append(line, w.department(t, line[len(line)-1], fmt.Sprint(i)))
	}
	_, err := w.createDepartment(t, line[org.MaxDepth-1], "too deep")
	edgetest.Field(t, err, "/parentId", "department_too_deep")
	top := w.department(t, "", "top")
	edgetest.Refused(t, w.move(t, line[0], top), "department_too_deep")
	must(t, w.move(t, line[10], top)) // 22 levels below one
	must(t, w.move(t, line[10], line[9]))
	w.sound(t)
}

// TestDeleteOnlyEmpty holds O02's last half, also against somebody who moves in at the same moment.
func TestDeleteOnlyEmpty(t *testing.T) {
	w := newWorld(t)
	d := w.department(t, "", "Sales")
	below := w.department(t, d, "East")
	post, err := w.createPost(t, w.admin, d, "Rep")
	must(t, err)
	u := w.active(t, "U")
	must(t, w.updateUser(t, u, user.Patch{Department: patch.Of(d)}))
	edgetest.Unchanged(t, w.Table, func() {
		err := w.deleteDepartment(t, d)
		edgetest.Refused(t, err, "department_not_empty")
		if a := fault.Of(err).Args; a["departments"] != "1" || a["posts"] != "1" || a["users"] != "1" {
			t.Errorf("the refusal says %v", a)
		}
	})
	must(t, w.updateUser(t, u, user.Patch{Department: patch.Field[id.Department]{Set: true, Null: true}}))
	edgetest.Refused(t, w.deleteDepartment(t, d), "department_not_empty")
	must(t, w.deletePost(t, post.ID))
	edgetest.Refused(t, w.deleteDepartment(t, d), "department_not_empty")
	must(t, w.deleteDepartment(t, below))
	must(t, w.deleteDepartment(t, d))
	edgetest.Refused(t, w.deleteDepartment(t, d), "not_found")

	fill := []func(id.Department){ // each alone is enough
		func(d id.Department) { w.department(t, d, "Child") },
		func(d id.Department) {
			_, err := w.createPost(t, w.admin, d, "Post")
			must(t, err)
		},
		func(d id.Department) { must(t, w.updateUser(t, u, user.Patch{Department: patch.Of(d)})) },
	}
	for i, into := range fill {
		d := w.department(t, "", fmt.Sprint("Full ", i))
		into(d)
		edgetest.Refused(t, w.deleteDepartment(t, d), "department_not_empty")
	}
	for i, into := range fill {
		d := w.department(t, "", fmt.Sprint("Race ", i))
		who, err := w.subject(t.Context(), w.admin)
		must(t, err)
		c := change.New(who.Principal, w.IDs, w.Now())
		must(t, w.org.DeleteDepartment(t.Context(), who, c, d, 0, w.accounts))
		into(d)
		if err := c.Commit(t.Context(), w.Table); !errors.Is(err, change.ErrMoved) {
			t.Fatalf("a department was deleted into which something had just moved: %v", err)
		}
	}
	w.sound(t)
}

func (w *world) deletePost(t testing.TB, p id.Post) error {
	t.Helper()
	return w.try(t.Context(), w.admin, func(who *policy.Subject, c *change.Set) error {
		return w.org.DeletePost(t.Context(), who, c, p, 0)
	})
}

// TestWithoutTheRight holds that each operation asks for its right before it looks at anything.
func TestWithoutTheRight(t *testing.T) {
	w := newWorld(t)
	d := w.department(t, "", "Sales")
	p, err := w.createPost(t, w.admin, d, "Rep")
	must(t, err)
	nobody := w.active(t, "No Body")
	viewer := w.active(t, "Vi", w.role(t, policy.Grant{Module: policy.ModOrg, Action: policy.View, Scope: policy.All}, policy.Grant{Module: policy.ModTenant, Action: policy.View, Scope: policy.All}))
	ctx := t.Context()
	reads := map[string]func(*policy.Subject) error{
		"department":  func(who *policy.Subject) error { _, err := w.org.Department(ctx, who, d); return err },
		"departments": func(who *policy.Subject) error { _, _, err := w.org.Departments(ctx, who, nil, "", 10); return err },
		"post":        func(who *policy.Subject) error { _, err := w.org.Post(ctx, who, p.ID); return err },
		"posts":       func(who *policy.Subject) error { _, _, err := w.org.Posts(ctx, who, "", "", 10); return err },
		"settings":    func(who *policy.Subject) error { _, err := w.org.Settings(who); return err },
	}
	writes := map[string]func(*policy.Subject, *change.Set) error{
		"create department": func(who *policy.Subject, c *change.Set) error {
			_, err := w.org.CreateDepartment(ctx, who, c, "", org.DepartmentPatch{Name: patch.Of("X")})
			return err
		},
		"update department": func(who *policy.Subject, c *change.Set) error {
			_, err := w.org.UpdateDepartment(ctx, who, c, d, 0, org.DepartmentPatch{Name: patch.Of("X")})
			return err
		},
		"move department": func(who *policy.Subject, c *change.Set) error {
			_, err := w.org.MoveDepartment(ctx, who, c, d, 0, "")
			return err
		},
		"delete department": func(who *policy.Subject, c *change.Set) error {
			return w.org.DeleteDepartment(ctx, who, c, d, 0, w.accounts)
		},
		"create post": func(who *policy.Subject, c *change.Set) error {
			_, err := w.org.CreatePost(ctx, who, c, d, org.PostPatch{Name: patch.Of("X")})
			return err
		},
		"update post": func(who *policy.Subject, c *change.Set) error {
			_, err := w.org.UpdatePost(ctx, who, c, p.ID, 0, org.PostPatch{Name: patch.Of("X")})
			return err
		},
		"move post": func(who *policy.Subject, c *change.Set) error {
			_, err := w.org.MovePost(ctx, who, c, p.ID, 0, d)
			return err
		},
		"delete post": func(who *policy.Subject, c *change.Set) error { return w.org.DeletePost(ctx, who, c, p.ID, 0) },
		"set company": func(who *policy.Subject, c *change.Set) error {
			_, err := w.org.SetCompany(ctx, who, c, 0, org.Company{Name: "X"})
			return err
		},
		"settings": func(who *policy.Subject, c *change.Set) error {
			_, err := w.org.PatchSettings(ctx, who, c, 0, org.SettingsPatch{Locale: patch.Of("zh-TW")}, nil)
			return err
		},
	}
	edgetest.Unchanged(t, w.Table, func() {
		for name, read := range reads {
			err := w.try(ctx, nobody, func(who *policy.Subject, _ *change.Set) error { return read(who) })
			if !fault.Is(err, "permission_denied") {
				t.Errorf("%s: %v", name, err)
			}
			must(t, w.try(ctx, viewer, func(who *policy.Subject, _ *change.Set) error { return read(who) }))
		}
		for name, write := range writes {
			for _, u := range []id.User{nobody, viewer} {
				if err := w.try(ctx, u, write); !fault.Is(err, "permission_denied") {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	})
}

// TestDepartmentPages holds that pages joined are the whole list at every size, narrowed or not.
func TestDepartmentPages(t *testing.T) {
	w := newWorld(t)
	root := w.department(t, "", "Root")
	for i := range 9 {
		w.department(t, []id.Department{"", root}[i%2], fmt.Sprint(i))
	}
	who, err := w.subject(t.Context(), w.admin)
	must(t, err)
	none := id.Department("")
	for _, row := range []struct {
		parent *id.Department
		want   int
	}{{nil, 10}, {&none, 6}, {&root, 4}} {
		for size := 1; size <= 11; size++ {
			seen, after := map[id.Department]bool{}, ""
			for {
				page, next, err := w.org.Departments(t.Context(), who, row.parent, after, size)
				must(t, err)
				if len(page) > size {
					t.Fatalf("%d on a page of %d", len(page), size)
				}
				for _, d := range page {
					if seen[d.ID] {
						t.Fatal("twice")
					}
					seen[d.ID] = true
				}
				if after = next; after == "" {
					break
				}
			}
			if len(seen) != row.want {
				t.Fatalf("%d of %d in pages of %d", len(seen), row.want, size)
			}
		}
		if n, err := w.org.CountDepartments(t.Context(), who, row.parent); err != nil || n != row.want {
			t.Fatalf("counted %d of %d: %v", n, row.want, err)
		}
	}
}

// TestTreeMachine makes, moves, renames and deletes departments at random; after each step the tree is sound and nothing but what the
// rules forbid was refused.
func TestTreeMachine(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		var all []id.Department
		parents := map[id.Department]id.Department{}
		root := w.department(t, "", string(id.New[id.Department](w.IDs)))
		all, parents[root] = append(all, root), ""
		pick := func() id.Department { return rapid.SampledFrom(all).Draw(rt, "department") }
		below := func(x, y id.Department) bool {
			for ; x != ""; x = parents[x] {
				if x == y {
					return true
				}
			}
			return false
		}
		rt.Repeat(map[string]func(*rapid.T){
			"create": func(rt *rapid.T) {
				p := pick()
				d := w.department(t, p, string(id.New[id.Department](w.IDs)))
				all, parents[d] = append(all, d), p
			},
			"move": func(rt *rapid.T) {
				d, p := pick(), pick()
				err := w.move(t, d, p)
				switch {
				case parents[d] == p && err == nil:
				case below(p, d):
					edgetest.Refused(t, err, "department_cycle")
				default:
					must(t, err)
					parents[d] = p
				}
			},
			"delete": func(rt *rapid.T) {
				d := pick()
				empty := d != root
				for _, p := range parents {
					empty = empty && p != d
				}
				if d == root {
					return
				}
				if err := w.deleteDepartment(t, d); !empty {
					edgetest.Refused(t, err, "department_not_empty")
				} else {
					must(t, err)
					delete(parents, d)
					all = slices.DeleteFunc(all, func(x id.Department) bool { return x == d })
				}
			},
			"": func(*rapid.T) { w.sound(t) },
		})
	})
}
