package org

import (
	"time"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/org"
	"github.com/steward-crm/steward/shared/sealed"
)

type company struct {
	Name      string      `json:"name"`
	Address   string      `json:"address,omitzero"`
	Phone     sealed.Text `json:"phone,omitzero"`
	Email     sealed.Text `json:"email,omitzero"`
	CreatedAt time.Time   `json:"createdAt"`
	UpdatedAt time.Time   `json:"updatedAt"`
	Version   int64       `json:"version"`
}

func showCompany(x org.Company, err error) (*edge.Reply[company], error) {
	if err != nil {
		return nil, err
	}
	return &edge.Reply[company]{Body: company(x), Version: x.Version}, nil
}
