package org

import (
	"context"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/org"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/principal"
)

type settingsBody struct {
	Locale                patch.Field[string]   `json:"locale,omitzero"`
	Region                patch.Field[string]   `json:"region,omitzero"`
	RequiredAccountFields patch.Field[[]string] `json:"requiredAccountFields,omitzero"`
	ModulesOff            patch.Field[[]string] `json:"modulesOff,omitzero"`
	PasswordComposition   patch.Field[bool]     `json:"passwordComposition,omitzero"`
	PasswordMinLength     patch.Field[int]      `json:"passwordMinLength,omitzero"`

	Defaults   patch.Field[map[string]string]      `json:"defaults,omitzero"`
	Separation patch.Field[[]principal.Separation] `json:"separationOfDuty,omitzero"`
}

func updateSettings(s *org.Store) func(context.Context, *edge.Request[settingsBody]) (*edge.Reply[settings], error) {
	return func(ctx context.Context, r *edge.Request[settingsBody]) (*edge.Reply[settings], error) {
		return showSettings(s.PatchSettings(ctx, r.Who, r.Change, r.IfMatch, org.SettingsPatch(r.In), account.Requirable))
	}
}
