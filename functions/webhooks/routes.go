// Package webhooks receives signed messages from outside.
package webhooks

import (
	"context"
	"net/http"
	"time"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/org"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/role"
	"github.com/steward-crm/steward/shared/sealed"
	"github.com/steward-crm/steward/shared/tenant"
	"github.com/steward-crm/steward/shared/user"
)

// Routes are the operations of inbound webhooks.
func Routes(p *platform.Platform) []edge.Route {
	return []edge.Route{
		edge.Handle(edge.Route{
			Operation: "webhooks.onboarding", Method: http.MethodPost, Path: "/webhooks/onboarding", Raw: true, Status: http.StatusAccepted,
			Access:  edge.Public("signed by Standard Webhooks 1.0.0 with the deployment's secret"),
			Summary: "Receives what the SaaS says about its customers: tenant.created, .updated, .suspended, .resumed and .cancelled.",
		}, onboarding(p, store(p))),
	}
}

// Runners are the jobs that follow webhooks, by kind.
func Runners(p *platform.Platform) map[string]job.Runner {
	s := store(p)
	return map[string]job.Runner{
		tenant.JobOnboard: func(ctx context.Context, r *job.Run) error { return s.Onboard(ctx, saga{r}) },
	}
}

func store(p *platform.Platform) *tenant.Store {
	a := access.New(p.Table, p.Now)
	jobs := job.New(p.Table, p.IDs, p.Now)
	return tenant.New(tenant.Needs{
		Table: p.Table, Crypt: p.Crypt, Identity: p.Identity, IDs: p.IDs, Jobs: jobs,
		Roles:     role.New(p.Table, a, p.Crypt),
		Companies: companies{org.New(p.Table, p.Crypt, a)},
		Admins:    admins{user.New(p.Table, p.Crypt, a, jobs)},
	})
}

// saga is a job's run as package tenant wants it.
type saga struct{ *job.Run }

func (s saga) Step(ctx context.Context, state any, done, total int, name string, stage func(*change.Set) error) error {
	return s.Run.Step(ctx, state, job.Progress{Done: done, Total: total, Step: name}, stage)
}

func (s saga) Save(ctx context.Context, state any, done, total int, name string) error {
	return s.Run.Save(ctx, state, job.Progress{Done: done, Total: total, Step: name})
}

func (saga) Later(at time.Time) error                   { return job.Later(at) }
func (saga) Postpone(at time.Time, because error) error { return job.Postpone(at, because) }

// companies hands a tenant's company to package org.
type companies struct{ org *org.Store }

func (w companies) PutCompany(ctx context.Context, c *change.Set, t id.Tenant, d tenant.Company) error {
	_, err := w.org.PutCompany(ctx, c, t, org.Company{Name: d.Name, Address: string(d.Address), Phone: sealed.Text(d.Phone), Email: sealed.Text(d.Email)})
	return err
}

// admins hands the first administrator to package user.
type admins struct{ users *user.Store }

func (w admins) Invite(
	ctx context.Context, c *change.Set, row principal.Tenant, version int64, a tenant.Admin, r id.Role, locale string,
) (id.User, error) {
	u, err := w.users.Invite(ctx, c, row, version, user.Draft{Name: a.Name, Email: a.Email, Phone: a.Phone, Roles: []id.Role{r}, Locale: locale})
	return u.ID, err
}
