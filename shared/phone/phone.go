// Package phone reads telephone numbers. It is a package of its own because its library costs every binary that links it several
// milliseconds of start-up: only binaries that take phone numbers import it.
package phone

// Number is a valid number in E.164, such as +8613800138000.
type Number string

// Parse reads a number; region (ISO 3166-1 alpha-2) is the country of numbers without a prefix, "" for none. Errors are faults of kind
// Invalid with one field at pointer "": invalid_phone, phone_country_missing, phone_extension_unsupported.
func Parse(s, region string) (Number, error) { panic("unwritten") }
