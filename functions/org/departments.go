package org

import (
	"time"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/org"
)

type department struct {
	ID               id.Department `json:"id"`
	Parent           id.Department `json:"parentId,omitzero"`
	Name             string        `json:"name"`
	Responsibilities string        `json:"responsibilities,omitzero"`
	Head             id.User       `json:"headId,omitzero"`
	CreatedAt        time.Time     `json:"createdAt"`
	UpdatedAt        time.Time     `json:"updatedAt"`
	Version          int64         `json:"version"`
}

func showDepartment(d org.Department) department {
	return department{
		ID: d.ID, Parent: d.Parent, Name: d.Name, Responsibilities: d.Responsibilities, Head: d.Head,
		CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt, Version: d.Version,
	}
}

func answerDepartment(d org.Department, err error) (*edge.Reply[department], error) {
	if err != nil {
		return nil, err
	}
	return &edge.Reply[department]{Body: showDepartment(d), Version: d.Version}, nil
}
