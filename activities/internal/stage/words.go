package stage

import "github.com/kamflow/kamflow/kam"

// Counted is a number of things as a note, by its two formats: "1 row", "%d rows".
func Counted(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return kam.Note(many, n)
}
