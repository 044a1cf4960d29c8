// Package openfga states the workload as an OpenFGA model and has an embedded server decide, without a network.
package openfga

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	openfgav1 "github.com/openfga/api/proto/openfga/v1"
	"github.com/openfga/language/pkg/go/transformer"
	"github.com/openfga/openfga/pkg/server"
	"github.com/openfga/openfga/pkg/server/config"

	"github.com/steward-crm/steward/infra/bench/workload"
)

// model has the relations of view and edit, of which delete is the part without record grants. Whoever reaches what a user owns, what lies
// in a department, or everything, is related to that user, department or company, so that no question climbs the organisation and only
// record grants need an intersection.
const model = `
model
  schema 1.1
type user
  relations
    define can_view: [user]
    define can_edit: [user]
    define can_delete: [user]
type department
  relations
    define member: [user]
    define can_view: [user]
    define can_edit: [user]
    define can_delete: [user]
type company
  relations
    define can_view: [user]
    define can_edit: [user]
    define can_delete: [user]
    define holds_view: [user]
    define holds_edit: [user]
type account
  relations
    define company: [company]
    define owner: [user]
    define department: [department]
    define editor: [user, department#member]
    define reader: [user, department#member] or editor
    define granted_view: reader and holds_view from company
    define granted_edit: editor and holds_edit from company
    define view: can_view from company or can_view from department or can_view from owner or granted_view
    define edit: can_edit from company or can_edit from department or can_edit from owner or granted_edit
    define delete: can_delete from company or can_delete from department or can_delete from owner
`

const company = "company:acme"

// Engine is a server over a store that holds one tuple for each relation of the organisation, and four or more for each account.
type Engine struct {
	w            *workload.World
	server       *server.Server
	store, model string
}

// Load writes the model and the tuples.
func (e *Engine) Load(w *workload.World) error {
	e.w = w
	tuples := newTuples()
	s, err := server.NewServerWithOpts(server.WithDatastore(tuples),
		server.WithExperimentals(config.ExperimentalPipelineListObjects), // as its own command does by default
		server.WithListObjectsDeadline(time.Minute), server.WithListObjectsMaxResults(0), server.WithRequestTimeout(time.Minute))
	if err != nil {
		return err
	}
	e.server = s
	ctx := context.Background()
	made, err := s.CreateStore(ctx, &openfgav1.CreateStoreRequest{Name: "workload"})
	if err != nil {
		return err
	}
	e.store = made.GetId()
	written, err := transformer.TransformDSLToProto(model)
	if err != nil {
		return err
	}
	named, err := s.WriteAuthorizationModel(ctx, &openfgav1.WriteAuthorizationModelRequest{
		StoreId: e.store, TypeDefinitions: written.GetTypeDefinitions(), SchemaVersion: written.GetSchemaVersion(),
	})
	if err != nil {
		return err
	}
	e.model = named.GetAuthorizationModelId()
	organisation(w, tuples.add)
	for i, a := range w.Accounts {
		relate(i, a, tuples.add)
	}
	tuples.sort()
	return nil
}

func user(u workload.UserID) string             { return "user:" + strconv.Itoa(int(u)) }
func department(d workload.DepartmentID) string { return "department:" + strconv.Itoa(int(d)) }
func account(id workload.AccountID) string      { return "account:" + strconv.Itoa(int(id)) }

func organisation(w *workload.World, add func(object, relation, user string)) {
	chart := w.Chart()
	for i, x := range w.Users {
		u := workload.UserID(i)
		me := user(u)
		add(department(x.Department), "member", me)
		for do, s := range chart.Widest[i] {
			can := "can_" + workload.Action(do).String()
			if s != workload.None && workload.Action(do) != workload.Delete {
				add(company, "holds_"+workload.Action(do).String(), me)
			}
			if s == workload.All {
				add(company, can, me)
				continue
			}
			if s >= workload.Own {
				add(me, can, me)
			}
			if s >= workload.Reports {
				for _, r := range chart.Reports[i] {
					add(user(r), can, me)
				}
			}
			if s >= workload.Department {
				add(department(x.Department), can, me)
			}
			if s >= workload.Subtree {
				for _, d := range chart.Below[x.Department] {
					add(department(d), can, me)
				}
			}
		}
	}
}

func relate(i int, a workload.Account, add func(object, relation, user string)) {
	id := account(workload.AccountID(i))
	add(id, "company", company)
	add(id, "owner", user(a.Owner))
	add(id, "department", department(a.Department))
	relation := [...]string{workload.MayRead: "reader", workload.MayEdit: "editor"}
	for _, m := range a.Team {
		if m.May != workload.Nothing {
			add(id, relation[m.May], user(m.User))
		}
	}
	if a.Share.May != workload.Nothing {
		add(id, relation[a.Share.May], department(a.Share.Department)+"#member")
	}
}

// Check asks the server.
func (e *Engine) Check(u workload.UserID, do workload.Action, id workload.AccountID) (bool, error) {
	answer, err := e.server.Check(context.Background(), &openfgav1.CheckRequest{
		StoreId: e.store, AuthorizationModelId: e.model,
		TupleKey: &openfgav1.CheckRequestTupleKey{User: user(u), Relation: do.String(), Object: account(id)},
	})
	return answer.GetAllowed(), err
}

// visible asks for all objects that the user may view; they come in no order.
func (e *Engine) visible(u workload.UserID) ([]workload.AccountID, error) {
	answer, err := e.server.ListObjects(context.Background(), &openfgav1.ListObjectsRequest{
		StoreId: e.store, AuthorizationModelId: e.model, Type: "account", Relation: "view", User: user(u),
	})
	if err != nil {
		return nil, err
	}
	out := make([]workload.AccountID, 0, len(answer.GetObjects()))
	for _, object := range answer.GetObjects() {
		word, ok := strings.CutPrefix(object, "account:")
		n, err := strconv.Atoi(word)
		if err != nil || !ok {
			return nil, errors.Join(err, fmt.Errorf("openfga: %q is no account", object))
		}
		out = append(out, workload.AccountID(n))
	}
	return out, nil
}

// FirstPage lists all and sorts.
func (e *Engine) FirstPage(u workload.UserID, n int) ([]workload.AccountID, error) {
	all, err := e.visible(u)
	slices.SortFunc(all, func(a, b workload.AccountID) int {
		return cmp.Compare(e.w.Accounts[b].Updated, e.w.Accounts[a].Updated)
	})
	return all[:min(n, len(all))], err
}

// Count lists all.
func (e *Engine) Count(u workload.UserID) (int, error) {
	all, err := e.visible(u)
	return len(all), err
}

// Close ends the server.
func (e *Engine) Close() { e.server.Close() }
