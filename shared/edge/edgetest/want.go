package edgetest

import (
	"testing"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
)

// Refused demands the fault.
func Refused(t testing.TB, err error, code string) {
	t.Helper()
	if !fault.Is(err, code) {
		t.Fatalf("answered %v, want %s", err, code)
	}
}

// Field demands that the fault names the pointer with the code.
func Field(t testing.TB, err error, pointer, code string) {
	t.Helper()
	for _, f := range fault.Of(err).Fields {
		if f.Pointer == pointer && f.Code == code {
			return
		}
	}
	t.Fatalf("answered %v, want %s at %s", err, code, pointer)
}

// Unchanged demands that what runs leaves the store as it was, byte for byte.
func Unchanged(t testing.TB, s table.Table, what func()) {
	t.Helper()
	before := Dump(t, s)
	what()
	if after := Dump(t, s); after != before {
		t.Fatal("the store changed")
	}
}
