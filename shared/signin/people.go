package signin

import (
	"context"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/email"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
)

// Users is a store of users of any form U; package user has one.
type Users[U any] interface {
	ByEmail(ctx context.Context, t id.Tenant, a email.Address) (U, error)
	Load(ctx context.Context, t id.Tenant, u id.User) (U, error)
	Activate(ctx context.Context, c *change.Set, t id.Tenant, u id.User) (U, error)
	EndSessions(ctx context.Context, c *change.Set, t id.Tenant, u id.User) (U, error)
	EndOtherSessions(ctx context.Context, c *change.Set, t id.Tenant, u id.User, keep string) (U, error)
	SetVerified(ctx context.Context, c *change.Set, t id.Tenant, u id.User, a identity.Attribute) (U, error)
}

// PeopleOf takes a store of users as People; person reads one as a Person.
func PeopleOf[U any](s Users[U], person func(U) Person) People { return people[U]{s, person} }

type people[U any] struct {
	users  Users[U]
	person func(U) Person
}

func (p people[U]) read(u U, err error) (Person, error) {
	if err != nil {
		return Person{}, err
	}
	return p.person(u), nil
}

func (p people[U]) ByEmail(ctx context.Context, t id.Tenant, a email.Address) (Person, error) {
	return p.read(p.users.ByEmail(ctx, t, a))
}

func (p people[U]) Load(ctx context.Context, t id.Tenant, u id.User) (Person, error) {
	return p.read(p.users.Load(ctx, t, u))
}

func (p people[U]) Activate(ctx context.Context, c *change.Set, t id.Tenant, u id.User) error {
	_, err := p.users.Activate(ctx, c, t, u)
	return err
}

func (p people[U]) EndSessions(ctx context.Context, c *change.Set, t id.Tenant, u id.User) error {
	_, err := p.users.EndSessions(ctx, c, t, u)
	return err
}

func (p people[U]) EndOtherSessions(ctx context.Context, c *change.Set, t id.Tenant, u id.User, keep string) error {
	_, err := p.users.EndOtherSessions(ctx, c, t, u, keep)
	return err
}

func (p people[U]) SetVerified(ctx context.Context, c *change.Set, t id.Tenant, u id.User, a identity.Attribute) error {
	_, err := p.users.SetVerified(ctx, c, t, u, a)
	return err
}
