package match

// StripLegalForms is what is left of a name as it is written, for the shared
// cases.
func StripLegalForms(name string) string { return stripLegalForms(name) }
