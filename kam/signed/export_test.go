package signed

import "encoding/json"

// Body is an envelope as Seal writes it.
func Body(e Envelope) string {
	b, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return coding.EncodeToString(b)
}
