package text

import "maps"

// Frame, IsHelp and Chinese are open to the test of the catalogue.
var (
	Frame   = frame
	Chinese = zhCN
)

// IDs are the ids with their English text.
func IDs() map[string]string {
	all := maps.Clone(english)
	for id, p := range plurals {
		all[id] = p.other
	}
	return all
}

// IsHelp says that a text is of the help of the commands, which a test beside
// them holds against the catalogue.
func IsHelp(key string) bool { _, ok := Help()[key]; return ok }
