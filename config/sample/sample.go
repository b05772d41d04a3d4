// Package sample holds an invented organisation with its customers, their
// sales and a set of onboardings: what the demo plays, and a start for an
// organisation of one's own.
package sample

import (
	"embed"
	"io/fs"
	"time"
)

// AsOf is the day that the sample was written for. Sales facts end with its
// month; who loads them moves them to the present.
var AsOf = time.Date(2026, time.November, 23, 0, 0, 0, 0, time.UTC)

// Files of the sample.
const (
	Organisation   = "organisation.yaml"    // people, territories, calendars, rules, lists
	Customers      = "customers.json"       // the customer book
	Sales          = "sales.csv"            // monthly facts of two years
	ImportDefaults = "import_defaults.json" // for starter import --defaults
	Onboardings    = "onboardings"          // NN_name.yaml a case and who decides what, NN_name.json the request of a new customer
)

// People of the sample who load it.
const (
	UserAdmin   = "carla.useradmin"
	PolicyAdmin = "ada.policy"
	Auditor     = "falk.auditor"
)

//go:embed organisation.yaml customers.json sales.csv import_defaults.json onboardings
var files embed.FS

// FS is the sample as files.
func FS() fs.FS { return files }
