package rights

import (
	"slices"

	"github.com/steward-crm/steward/infra/stacks/iam"
	"github.com/steward-crm/steward/shared/table"
)

// Reads reports whether the function may read the partition, by an index or by the base.
func (x *Rights) Reads(space table.Space, index table.Index, pk string) bool {
	if space == table.Keys {
		return x.ReadKeys
	}
	return (index == table.Base || slices.Contains(x.Indexes, index)) && matches(x.Read, pk)
}

// Commits reports whether the function may do the write. An item that must be absent is put; one that may be there is updated; a condition
// alone needs a right to read.
func (x *Rights) Commits(w *table.Write) bool {
	space, pk := w.Item.Space, w.Item.PK
	switch {
	case w.Op == table.OpCheck:
		return x.Writes() && x.Reads(space, table.Base, pk) && (space == table.Data || len(x.WriteKeys) > 0)
	case space == table.Keys:
		return matches(x.WriteKeys, pk)
	case matches([]string{events}, pk): // a role's denial is stronger than what it is granted
		return w.Op == table.OpPut && w.If.Kind == table.CondAbsent && matches(x.Append, pk)
	}
	return matches(x.Write, pk)
}

func matches(patterns []string, pk string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return iam.Like(p, pk) })
}
