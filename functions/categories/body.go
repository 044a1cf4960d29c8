package categories

import (
	"github.com/steward-crm/steward/shared/category"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
)

// body is a category on the wire.
type body struct {
	ID          id.Category      `json:"id"`
	Name        string           `json:"name"`
	Description string           `json:"description"`
	Use         use              `json:"use"` // everyone, when both are empty
	Grants      []category.Grant `json:"grants"`
	Version     int64            `json:"version"`
}

type use struct {
	Departments []id.Department `json:"departmentIds"`
	Roles       []id.Role       `json:"roleIds"`
}

func show(x category.Category) body {
	b := body{
		ID: x.ID, Name: x.Name, Description: x.Description, Use: use(x.Use), Grants: make([]category.Grant, 0, len(x.Grants)), Version: x.Version,
	}
	for _, g := range x.Grants {
		b.Grants = append(b.Grants, category.Asked(g))
	}
	return b
}

func answer(x category.Category, err error) (*edge.Reply[body], error) {
	if err != nil {
		return nil, err
	}
	return &edge.Reply[body]{Body: show(x), Version: x.Version}, nil
}
