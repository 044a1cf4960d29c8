package me

import (
	"context"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/signin"
)

type enrolment struct {
	Secret string `json:"secret"` // base 32
	URL    string `json:"url"`    // otpauth, to be shown as a QR code
}

func enrolTOTP(d *signin.Desk) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[enrolment], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[enrolment], error) {
		if err := notDry(r.DryRun); err != nil {
			return nil, err
		}
		e, err := d.EnrolTOTP(ctx, r.Who, r.Token, r.Change)
		if err != nil {
			return nil, err
		}
		return &edge.Reply[enrolment]{Body: enrolment(e)}, nil
	}
}
