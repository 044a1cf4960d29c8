package jobs

import (
	"time"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/job"
)

// work is a job on the wire. What it is told and where it stands inside stay inside.
type work struct {
	ID        id.Job       `json:"id"`
	Kind      string       `json:"kind"`
	Status    job.Status   `json:"status"` // queued, running, done or failed
	Progress  job.Progress `json:"progress"`
	CreatorID id.User      `json:"creatorId,omitempty"` // absent for the system
	Error     string       `json:"error,omitempty"`     // code of the last fault
	CreatedAt time.Time    `json:"createdAt"`
	EndedAt   time.Time    `json:"endedAt,omitzero"`
}

func show(j job.Job) work {
	return work{
		ID: j.ID, Kind: j.Kind, Status: j.Status, Progress: j.Progress, CreatorID: j.Creator, Error: j.Error, CreatedAt: j.CreatedAt,
		EndedAt: j.EndedAt,
	}
}
