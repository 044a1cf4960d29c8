package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
)

// snapshot waits for the jobs of what went before: they are work of allowed requests.
func (s *story) snapshot([]string) {
	s.until("no job is due", func() bool {
		p, err := s.at().store.Query(context.Background(), table.Query{
			Index: table.G4, PK: key.DueJobs, To: key.Stamp(time.Now().Add(10 * time.Minute)), Limit: 1,
		})
		s.ts.Check(err)
		return len(p.Items) == 0
	})
	s.digest = s.stored()
}

func (s *story) unchanged([]string) {
	if s.stored() != s.digest {
		s.ts.Fatalf("the store has changed")
	}
}

// abandon leaves a job as a worker leaves it that dies: running, with its lease over. No queue names it any more.
func (s *story) abandon(args []string) {
	tenant, now := id.Tenant(s.ts.Getenv("tenant")), time.Now().UTC()
	ids := id.NewSource(time.Now, rand.Reader)
	j := job.Job{
		ID: id.New[id.Job](ids), Tenant: tenant, Kind: args[1], Status: job.Running, Payload: jsontext.Value(s.expand(args[2])),
		Due: now.Add(-time.Second), Lease: "dead", Attempts: 1, CreatedAt: now.Add(-time.Minute),
	}
	doc, err := json.Marshal(j, json.Deterministic(true))
	s.ts.Check(err)
	s.ts.Check(s.at().store.Commit(context.Background(), ids.ULID(), table.Put(table.Item{
		Key: key.Job(tenant, j.ID), Doc: doc, Index: map[table.Index]table.IndexKey{table.G1: key.JobsOf(tenant, j.ID), table.G4: key.JobDue(j.Due, j.ID)},
	}, table.Absent)))
	s.ts.Setenv(args[0], string(j.ID))
}

// stored digests every item but denied events, and what follows the feed.
func (s *story) stored() string {
	var rows []string
	for it, err := range s.at().store.Scan(context.Background(), 0, 1) {
		s.ts.Check(err)
		if auditOnly(it) || counterOnly(it) {
			continue
		}
		rows = append(rows, fmt.Sprintf("%q %q %d %x %x", it.PK, it.SK, it.Version, it.Doc, it.Sealed))
	}
	slices.Sort(rows)
	sum := sha256.Sum256([]byte(strings.Join(rows, "\n")))
	return hex.EncodeToString(sum[:])
}

// auditOnly reports whether a refusal may add the item: a denied event, and the numbered log that follows it.
func auditOnly(it table.Item) bool {
	if key.IsAuditLog(it.Key) {
		return true
	}
	if !key.IsAuditEvent(it.Key) {
		return it.PK == key.Control("FEED", "auditlog").PK
	}
	e, err := audit.FromItem(it)
	return err == nil && e.Outcome == audit.Denied
}

// counterOnly reports whether the item counts accounts, at a moment of its own.
func counterOnly(it table.Item) bool {
	return key.IsCounter(it.Key) || it.Key == key.Control("FEED", "accounts")
}
