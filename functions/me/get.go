package me

import (
	"context"
	"time"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/sealed"
	"github.com/steward-crm/steward/shared/user"
)

type body struct {
	ID            id.User              `json:"id"`
	Tenant        tenant               `json:"tenant"`
	Name          string               `json:"name"`
	Email         sealed.Text          `json:"email"`
	EmailVerified bool                 `json:"emailVerified"`
	Phone         sealed.Text          `json:"phone,omitzero"`
	PhoneVerified bool                 `json:"phoneVerified"`
	EmployeeNo    string               `json:"employeeNo,omitzero"`
	Status        principal.UserStatus `json:"status"`
	Department    id.Department        `json:"departmentId,omitzero"`
	Posts         []id.Post            `json:"postIds"`
	Manager       id.User              `json:"managerId,omitzero"`
	Roles         []id.Role            `json:"roleIds"`
	Locale        string               `json:"locale"`
	CreatedAt     time.Time            `json:"createdAt"`
	UpdatedAt     time.Time            `json:"updatedAt"`
	Version       int64                `json:"version"`
}

type tenant struct {
	ID   id.Tenant `json:"id"`
	Slug string    `json:"slug"`
}

func answer(who *policy.Subject, u user.User) *edge.Reply[body] {
	return &edge.Reply[body]{Version: u.Version, Body: body{
		ID: u.ID, Tenant: tenant{ID: who.Tenant, Slug: who.Org.Slug}, Name: u.Name, Email: u.Email, EmailVerified: u.EmailVerified,
		Phone: u.Phone, PhoneVerified: u.PhoneVerified, EmployeeNo: u.EmployeeNo, Status: u.Status, Department: u.Department, Posts: u.Posts,
		Manager: u.Manager, Roles: u.Roles, Locale: u.Locale, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt, Version: u.Version,
	}}
}

func get(users *user.Store) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[body], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[body], error) {
		u, err := users.Self(ctx, r.Who)
		if err != nil {
			return nil, err
		}
		return answer(r.Who, u), nil
	}
}
