package org

import (
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/org"
	"github.com/steward-crm/steward/shared/principal"
)

type settings struct {
	principal.Settings
	Version int64 `json:"version"`
}

func showSettings(x org.Settings, err error) (*edge.Reply[settings], error) {
	if err != nil {
		return nil, err
	}
	return &edge.Reply[settings]{Body: settings(x), Version: x.Version}, nil
}
