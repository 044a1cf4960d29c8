package account

import (
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// astray is the part of accounts that is taken to be stray though their owner sits somewhere. What it costs to be wrong is a round more or half a unit.
const astray = 0.1

// strayed is the part of the tenant's accounts that is taken to be in the shards of stray ones; 0 when there are none. Whose owner sits nowhere is stray.
func strayed(who *policy.Subject) float64 {
	if strayShards(&who.Org) == 0 {
		return 0
	}
	nowhere := float64(who.Unseated()) / float64(max(who.Org.Users, who.Unseated(), 1))
	return min(astray+(1-astray)*nowhere, 0.95) // the other shards are never without any
}

// strays gives the tenant's stray accounts, which have that part of the places and that slice of the entries of the walk.
func strays(who *policy.Subject, w *walking, part, slice float64) []source {
	n := strayShards(&who.Org)
	out := make([]source, n, n+max(who.Org.Shards, 1))
	for i := range out {
		out[i] = source{
			index: table.G1, pk: key.StrayAccounts(who.Tenant, i), admits: w.admits, walk: w,
			part: part / float64(n), slice: slice / float64(n), room: roomOfTenant,
		}
	}
	return out
}

// teams gives what the scope reaches by where its owners sit: the departments where any do who never left one, the partitions of those who
// did, and all stray accounts. nil where stray accounts lie among the others.
func teams(who *policy.Subject, reach *policy.Reach, merged []source, want int) []source {
	if strayShards(&who.Org) == 0 {
		return nil
	}
	w := walkingOf(who)
	var out []source
	var places, entries float64 // in accounts of one user
	add := func(x source, taken, read float64) {
		x.walk, x.part, x.slice = w, taken, read
		out = append(out, x)
		places, entries = places+taken, entries+read
	}
	for i, d := range reach.Departments {
		n := float64(max(reach.Seated[i], 1)) * (1 - astray)
		add(placedIn(who.Tenant, d), n, n)
	}
	for _, t := range reach.Teams {
		if t.Reached == 1 { // their own partition has nobody else's
			add(ownedBy(who.Tenant, t.One), 1, 1)
			continue
		}
		x := placedIn(who.Tenant, t.Department)
		x.admits = w.admits
		add(x, float64(t.Reached)*(1-astray), float64(t.Seated)*(1-astray))
	}
	for _, u := range reach.Apart {
		add(ownedBy(who.Tenant, u), 1, 1)
	}
	far := strayed(who)
	taken, read := far*float64(max(reach.People, 1)), far*float64(max(who.Org.Users, reach.People, 1))
	places, entries = places+taken, entries+read
	for i := range out {
		out[i].part, out[i].slice = out[i].part/places, out[i].slice/entries
	}
	out = append(out, strays(who, w, taken/places, read/entries)...)
	w.share = places / entries
	w.turns(merged, want)
	return out
}
