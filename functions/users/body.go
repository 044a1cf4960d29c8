package users

import (
	"time"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/sealed"
	"github.com/steward-crm/steward/shared/user"
)

// body is a user on the wire. What the reader's roles hide is absent.
type body struct {
	ID            id.User              `json:"id"`
	Name          string               `json:"name,omitzero"`
	Email         sealed.Text          `json:"email,omitzero"`
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
	InvitedAt     time.Time            `json:"invitedAt,omitzero"`
	MailFailed    user.MailFailure     `json:"mailFailed,omitzero"`
	CreatedAt     time.Time            `json:"createdAt"`
	UpdatedAt     time.Time            `json:"updatedAt"`
	Version       int64                `json:"version"`
}

func show(u user.User, who *policy.Subject) body {
	u = u.Shown(who)
	return body{
		ID: u.ID, Name: u.Name, Email: u.Email, EmailVerified: u.EmailVerified, Phone: u.Phone, PhoneVerified: u.PhoneVerified,
		EmployeeNo: u.EmployeeNo, Status: u.Status, Department: u.Department, Posts: u.Posts, Manager: u.Manager, Roles: u.Roles,
		Locale: u.Locale, InvitedAt: u.InvitedAt, MailFailed: u.MailFailed, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt, Version: u.Version,
	}
}

func answer(u user.User, who *policy.Subject) *edge.Reply[body] {
	return &edge.Reply[body]{Body: show(u, who), Version: u.Version}
}
