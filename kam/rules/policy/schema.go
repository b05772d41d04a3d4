package policy

import _ "embed"

//go:embed schema.json
var schemaText []byte

// Schema is the published JSON Schema of a policy file. What spans
// several keys (sums, gaps, falling tiers) is checked by [Parse] only.
func Schema() []byte { return append([]byte(nil), schemaText...) }
