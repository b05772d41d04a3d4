package config

// hidden stands where a secret would.
const hidden = "[hidden]"

// A Secret never prints itself; Reveal is the one way to its value.
type Secret string

// Reveal is the value.
func (s Secret) Reveal() string { return string(s) }

// String hides the value; an empty one stays empty.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString hides the value in %#v.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// MarshalText hides the value in JSON, YAML and logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
