package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/steward-crm/steward/shared/fault"
)

func TestFields(t *testing.T) {
	for _, row := range []struct {
		name   string
		fields []fault.Field
		code   string
	}{
		{"one field lends its code", []fault.Field{fault.At("/email", "invalid_email")}, "invalid_email"},
		{"fields of one code lend it", []fault.Field{fault.At("/a", "required"), fault.At("/b", "required")}, "required"},
		{"fields of several codes have one of their own", []fault.Field{fault.At("/a", "required"), fault.At("/b", "too_long", "max", "5")}, "validation_failed"},
	} {
		err := fault.Fields(row.fields...)
		if f := fault.Of(err); f.Kind != fault.Invalid || f.Code != row.code || len(f.Fields) != len(row.fields) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	if err := fault.Fields(); err != nil {
		t.Errorf("no fields: %v, want nil", err)
	}
	// Arguments of a shared code speak for all only when they are the same.
	f := fault.Of(fault.Fields(fault.At("/a", "too_long", "max", "5"), fault.At("/b", "too_long", "max", "9")))
	if f.Args != nil {
		t.Errorf("arguments of one field given for both: %v", f.Args)
	}
}

func TestOf(t *testing.T) {
	if fault.Of(nil) != nil {
		t.Error("a fault of nothing")
	}
	cause := errors.New("disk on fire")
	f := fault.Of(fmt.Errorf("store: %w", cause))
	if f.Kind != fault.Internal || f.Code != "internal" || !errors.Is(f, cause) {
		t.Errorf("a foreign error became %v", f)
	}
	taken := fault.New(fault.Conflict, "email_taken")
	if got := fault.Of(fmt.Errorf("users: %w", taken)); got != taken {
		t.Errorf("a wrapped fault became %v", got)
	}
	if !fault.Is(fmt.Errorf("x: %w", taken), "email_taken") || fault.Is(taken, "other") || !fault.IsKind(taken, fault.Conflict) || fault.IsKind(cause, fault.Conflict) {
		t.Error("Is or IsKind is wrong")
	}
}

// TestCopies: the builders change a copy, so that a fault may be a package variable.
func TestCopies(t *testing.T) {
	base := fault.New(fault.Conflict, "email_taken")
	_ = base.With(fault.At("/email", "email_taken"))
	_ = base.Because(errors.New("x"))
	_ = base.After(1)
	_ = base.AtVersion(3)
	if base.Fields != nil || base.Unwrap() != nil || base.RetryAfter != 0 || base.Version != 0 {
		t.Errorf("the fault was changed: %+v", base)
	}
}

func TestMatch(t *testing.T) {
	if fault.Match(0, 5) != nil || fault.Match(5, 5) != nil {
		t.Error("no version, or the current one, is refused")
	}
	if f := fault.Of(fault.Match(4, 5)); f.Kind != fault.Stale || f.Version != 5 {
		t.Errorf("a stale version: %+v", f)
	}
}
