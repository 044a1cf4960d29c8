// Package openfga states the workload as an OpenFGA model, twice, and has an embedded server decide, without a network.
//
// As its manual teaches (taught.go): roles that a tenant defines are objects whose assignees the organisation relates to what they may do
// (openfga.dev/docs/best-practices/modeling-roles, simple user-defined roles); managers are a relation between users and departments have
// parents, which the model climbs (openfga.dev/docs/modeling/parent-child, and the sample store expenses); accounts have owner, department and
// shares as relations of their own, and what may be done follows from them (openfga.dev/docs/best-practices/modeling-design-principles).
// Prepared (prepared.go): what a user may do is related to all whom, and all where, they may do it.
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

// stated is one way to state the workload: the model, and the tuples of the organisation. Those of accounts are the same in both but for the
// object that stands for the whole.
type stated struct {
	model        string
	organisation func(w *workload.World, add add)
	whole, top   string // the relation of an account to the whole, and its object
}

// add writes a tuple.
type add func(object, relation, user string)

// Engine is a server over a store that holds one tuple for each relation of the organisation, and four or more for each account.
type Engine struct {
	stated       stated
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
	written, err := transformer.TransformDSLToProto(e.stated.model)
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
	e.stated.organisation(w, tuples.add)
	for i, a := range w.Accounts {
		e.stated.relate(workload.AccountID(i), a, tuples.add)
	}
	tuples.sort()
	return nil
}

func user(u workload.UserID) string             { return "user:" + strconv.Itoa(int(u)) }
func department(d workload.DepartmentID) string { return "department:" + strconv.Itoa(int(d)) }
func account(id workload.AccountID) string      { return "account:" + strconv.Itoa(int(id)) }

func (s stated) relate(at workload.AccountID, a workload.Account, add add) {
	id := account(at)
	add(id, s.whole, s.top)
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
