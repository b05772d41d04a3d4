package identifier

// CallingCodes are the calling codes by country, for the test of the table.
func CallingCodes() map[string]string {
	codes := map[string]string{}
	for country, n := range numberings {
		codes[country] = n.code
	}
	return codes
}
