// Package email reads e-mail addresses: which are legal, and which two are the same.
package email

// Address is a legal address.
type Address struct {
	Display   string // as people read it: NFC, domain in Unicode and lower case, local part as given
	Canonical string // as machines compare and send: domain in A-labels, all lower case
}

// Parse reads an address. Errors are faults of kind Invalid with one field at pointer "": invalid_email with the argument part
// (local, domain, length, form), email_ambiguous, or email_non_ascii_local.
func Parse(s string) (Address, error) { panic("unwritten") }
