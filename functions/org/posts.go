package org

import (
	"time"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/org"
)

type post struct {
	ID         id.Post       `json:"id"`
	Department id.Department `json:"departmentId"`
	Name       string        `json:"name"`
	Roles      []id.Role     `json:"roleIds"`
	CreatedAt  time.Time     `json:"createdAt"`
	UpdatedAt  time.Time     `json:"updatedAt"`
	Version    int64         `json:"version"`
}

func showPost(p org.Post) post {
	return post{
		ID: p.ID, Department: p.Department, Name: p.Name, Roles: p.Roles, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt, Version: p.Version,
	}
}

func answerPost(p org.Post, err error) (*edge.Reply[post], error) {
	if err != nil {
		return nil, err
	}
	return &edge.Reply[post]{Body: showPost(p), Version: p.Version}, nil
}
